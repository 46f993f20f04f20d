"""Changes by hand to prepaid time and to what it follows from, of the readers in prepaid_time.py.

Each leaves every row plausible on its own: only the reader's whole history shows the change.
"""

from tests.subscribers.corruptions import FAR, LONG_AGO, Corruption


def prepaid_of(reader: str, number: int = 0) -> str:
    """The passes and prepaid periods of a reader, in the order of their use."""
    return (
        f"select id from subscription where reader_id = '{reader}' and kind in ('pass', 'prepaid')"
        f" order by starts_at, entitled_until, id limit 1 offset {number}"
    )


def corrupted(query: str, *statements: str) -> Corruption:
    return Corruption(query, list(statements), " {x}: the facts give ")


def with_times(starts_at: str, ends_at: str) -> str:
    return (
        f"update subscription set starts_at = {starts_at}, paid_through = {ends_at},"
        f" entitled_until = {ends_at}, access_until = {ends_at} where id = '{{x}}'"
    )


def of_purchase(column: str, kind: str, value: str) -> str:
    return (
        f"update refund set {column} = {value} where kind = '{kind}' and purchase_id ="
        " (select purchase_id from subscription where id = '{x}')"
    )


def sold(column: str, value: str) -> str:
    return f"update subscription set {column} = {value} where id = '{{x}}'"


LAST_START = "(select max(starts_at) from subscription where reader_id = 'sue')"
PAM_INVOICES = "subscription_id in (select id from subscription where reader_id = 'pam')"

PREPAID_CORRUPTIONS = {
    "a period longer than it was sold": corrupted(
        prepaid_of("sue", 2), with_times("starts_at", FAR)
    ),
    "a period that waits for the one after it": corrupted(
        prepaid_of("sue", 1), with_times(LAST_START, LAST_START)
    ),
    "a pass that begins while another is used": corrupted(
        prepaid_of("wes", 1), with_times("created_at", "paid_through")
    ),
    "a period sold as a year": corrupted(prepaid_of("sue", 1), sold('"interval"', "'year'")),
    "two months sold as one period": corrupted(prepaid_of("sue"), sold("interval_count", "2")),
    "months counted in another time zone": corrupted(
        prepaid_of("sue", 2), sold("timezone", "'America/New_York'")
    ),
    "a time zone that does not exist": Corruption(
        prepaid_of("sue", 2), [sold("timezone", "'Asia/Nowhere'")], " {x}: 1 month in Asia/Nowhere"
    ),
    "an ended pass goes on": corrupted(prepaid_of("wes"), sold("ended_at", "null")),
    "a pass ended before it began": corrupted(prepaid_of("wes"), sold("ended_at", LONG_AGO)),
    "two payments of one moment in another order": corrupted(
        prepaid_of("wes", 1),
        (
            "update purchase set reference = 'a' where id ="
            " (select purchase_id from subscription where id = '{x}')"
        ),
    ),
    "a complimentary subscription deleted": corrupted(
        prepaid_of("rob"),
        "delete from complimentary_period where reader_id = 'rob'",
        "delete from subscription where reader_id = 'rob' and kind = 'complimentary'",
    ),
    "a complimentary period that ends later": corrupted(
        prepaid_of("rob"),
        f"update complimentary_period set ends_at = {FAR} where reader_id = 'rob'",
    ),
    "a complimentary period made by hand": corrupted(
        prepaid_of("sue"),
        (
            "insert into complimentary_period (reader_id, starts_at, ends_at) values"
            " ('sue', '2027-01-01 00:00:00.000000', '2027-01-02 00:00:00.000000')"
        ),
    ),
    "a dispute that began earlier": corrupted(
        prepaid_of("viv"), of_purchase("effective_at", "dispute", LONG_AGO)
    ),
    "a dispute won later": corrupted(
        prepaid_of("viv"), of_purchase("withdrawn_at", "dispute", FAR)
    ),
    "a won dispute that never took anything": corrupted(
        prepaid_of("viv"), of_purchase("withdrawn_at", "dispute", "null")
    ),
    "a failed refund that was made later": corrupted(
        prepaid_of("xia"), of_purchase("created_at", "refund", "withdrawn_at")
    ),
    "a trial that began earlier": corrupted(
        prepaid_of("xia"),
        (
            f"update stripe_subscription set trial_starts_at = {LONG_AGO} where id in"
            " (select id from subscription where reader_id = 'xia')"
        ),
    ),
    "an invoice of no time": corrupted(
        prepaid_of("pam"),
        f"update stripe_invoice set period_starts_at = period_ends_at where {PAM_INVOICES}",
    ),
    "an invoice of an earlier period": corrupted(
        prepaid_of("pam"),
        f"update stripe_invoice set period_starts_at = {LONG_AGO} where {PAM_INVOICES}",
    ),
    "readers merged earlier": corrupted(
        prepaid_of("tim", 1),
        f"update merged_sequence set merged_at = {LONG_AGO} where reader_id = 'tim'",
    ),
    "a merge deleted": corrupted(
        prepaid_of("tim", 1), "delete from merged_sequence where reader_id = 'tim'"
    ),
    "a merged reader's period that was never apart": corrupted(
        prepaid_of("tim", 1),
        "update subscription set sequence_id = null where reader_id = 'tim'",
    ),
    "more days than its checkout sold": Corruption(
        prepaid_of("pam"), [sold("interval_count", "30")], " {x}: 30 times day, from "
    ),
}
