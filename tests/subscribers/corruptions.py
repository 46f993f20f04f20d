"""Changes by someone with access to the database, and the violations that the audit reports."""

from typing import NamedTuple

FAR = "'2040-01-01 00:00:00.000000'"
LONG_AGO = "'2020-01-01 00:00:00.000000'"
ACTOR = "'by', 'hand', ''"
CLAWED_BACK = "select min(id) from purchase where taken_back > 0"
REFUNDED = "select purchase_id from refund where is_in_force and not keep_access order by id"
UNSPENT = (
    "select min(id) from credit_grant g where source = 'promotion' and remaining = amount"
    " and not exists (select 1 from unlock_payment where grant_id = g.id)"
)
BOUGHT = "select min(g.id) from credit_grant g where source = 'purchase' and remaining = amount"
RAISED = [
    "update credit_grant set amount = amount + 9, remaining = remaining + 9 where id = {x}",
    "update ledger_entry set amount = amount + 9 where grant_id = {x} and kind = 'granted'",
]
GRANT_DELETED = [
    "delete from ledger_entry where grant_id = {x}",
    "delete from credit_grant where id = {x}",
]
PAID_UNLOCK = "select min(id) from unlock where source = 'credits' and revoked_at is null"
BY_HAND = "insert into unlock (reader_id, article_id, source, unlocked_at) values ('{x}', 'free', "


COMPLIMENTARY_BY_HAND = (
    "insert into subscription (id, reader_id, kind, starts_at, paid_through, is_taken_back,"
    " entitled_until, access_until, cancel_at_period_end, created_at) values"
    f" ('hand', '{{x}}', 'complimentary', {LONG_AGO}, {FAR}, false, {FAR}, {FAR}, false,"
    f" {LONG_AGO})"
)


class Corruption(NamedTuple):
    """Statements for the row `{x}` that `query` finds, and what the audit must report."""

    query: str
    statements: list[str]
    expected: str


def of_kind(kind: str) -> str:
    return (
        f"select min(id) from subscription where kind = '{kind}' and entitled_until > starts_at"
        " and reader_id not like 'erased%'"
    )


CORRUPTIONS = {
    "a refunded amount zeroed": Corruption(
        "select min(id) from purchase where refunded > 0",
        ["update purchase set refunded = 0 where id = {x}"],
        "purchase {x}: refunded 0, refunds complete ",
    ),
    "a refund made a proration": Corruption(
        "select min(id) from refund where is_in_force",
        ["update refund set kind = 'proration' where id = {x}"],
        "refund {x}: a proration of purchase ",
    ),
    "a credit of an invoice added": Corruption(
        "select min(id) from stripe_invoice",
        [f"insert into stripe_credit values ('hand', 'sub_1', '{{x}}', {FAR}, 5, null, null)"],
        "credit hand of invoice {x}: 5, clawed back 0",
    ),
    "a clawed-back amount zeroed": Corruption(
        CLAWED_BACK,
        ["update purchase set taken_back = 0 where id = {x}"],
        "purchase {x}: clawed back 0 of ",
    ),
    "refunds deleted": Corruption(
        REFUNDED,
        ["delete from refund where purchase_id = {x}"],
        "purchase {x}: refunded ",
    ),
    "refunds deleted and their purchase's amounts zeroed": Corruption(
        CLAWED_BACK,
        [
            "delete from refund where purchase_id = {x}",
            "update purchase set taken_back = 0, refunded = 0 where id = {x}",
        ],
        "purchase {x}: clawed back 0 of ",
    ),
    "a refund inserted by hand": Corruption(
        "select min(id) from purchase where refunded = 0",
        [
            ("insert into refund (purchase_id, reference, kind, amount, keep_access, is_in_force,"
            " is_pending, created_at, actor_issuer, actor_subject, actor_token_id) values"
            f" ({{x}}, 'hand', 'refund', 1, false, true, false, {LONG_AGO}, {ACTOR})")
        ],
        "purchase {x}: refunded 0, refunds complete 1",
    ),
    "a refund marked as failed": Corruption(
        REFUNDED,
        ["update refund set is_in_force = false where purchase_id = {x}"],
        "purchase {x}: refunded ",
    ),
    "a refund marked as goodwill": Corruption(
        REFUNDED,
        ["update refund set keep_access = true where purchase_id = {x}"],
        "purchase {x}: clawed back ",
    ),
    "a price changed": Corruption(
        CLAWED_BACK,
        ["update purchase set amount_paid = amount_paid + 9000 where id = {x}"],
        ", purchase {x}: clawed back ",
    ),
    "a purchase deleted without its grant": Corruption(
        "select min(purchase_id) from credit_grant where source = 'purchase'",
        ["delete from purchase where id = {x}"],
        ": purchase {x} is missing",
    ),
    "a purchase deleted without its pass": Corruption(
        "select min(purchase_id) from subscription where kind = 'pass'",
        ["delete from purchase where id = {x}"],
        ": purchase {x} is missing",
    ),
    "a purchase deleted without its invoice": Corruption(
        "select min(purchase_id) from stripe_invoice",
        ["delete from purchase where id = {x}"],
        ": purchase {x}, subscription ",
    ),
    "a purchase deleted with everything it gave": Corruption(
        "select min(id) from purchase where product_kind = 'pass' and refunded = 0",
        [
            "delete from subscription where purchase_id = {x}",
            "delete from checkout where purchase_id = {x}",
            "delete from purchase where id = {x}",
        ],
        ": purchases on record ",
    ),
    "a purchase moved to another reader": Corruption(
        "select min(purchase_id) from credit_grant where source = 'purchase'",
        ["update purchase set reader_id = 'eve' where id = {x}"],
        " of eve, pack ",
    ),
    "a grant moved to another purchase": Corruption(
        BOUGHT,
        [
            ("update credit_grant set purchase_id = (select max(id) from purchase"
            " where product_kind = 'pack') where id = {x}")
        ],
        "grant {x}: purchase ",
    ),
    "a pack's grant deleted with its entries": Corruption(
        "select min(purchase_id) from credit_grant where source = 'purchase'"
        " and remaining = amount",
        [
            ("delete from ledger_entry where grant_id in (select id from credit_grant"
            " where purchase_id = {x})"),
            "delete from credit_grant where purchase_id = {x}",
        ],
        "purchase {x}: what this pack gave is missing",
    ),
    "a grant deleted with its entries": Corruption(
        UNSPENT, GRANT_DELETED, ": ledger entries on record "
    ),
    "a grant that paid for an unlock deleted with its entries": Corruption(
        "select min(grant_id) from unlock_payment", GRANT_DELETED, ", grant {x}: payments "
    ),
    "a grant increased together with its entry": Corruption(UNSPENT, RAISED, ": entries move "),
    "a pack's grant increased together with its entry": Corruption(
        "select min(g.id) from credit_grant g join checkout c on c.purchase_id = g.purchase_id"
        " where g.source = 'purchase'",
        RAISED,
        "grant {x}: ",
    ),
    "a grant inserted by hand": Corruption(
        "select min(id) from subscriber",
        [
            ("insert into credit_grant (reader_id, amount, remaining, source, reference, priority,"
            f" granted_at) values ('{{x}}', 7, 7, 'promotion', 'hand', 100, {LONG_AGO})"),
            ("insert into ledger_entry (reader_id, grant_id, at, kind, amount, actor_issuer,"
            " actor_subject, actor_token_id) select reader_id, id, granted_at, 'granted', amount,"
            f" {ACTOR} from credit_grant where reference = 'hand'"),
        ],
        "reader {x}: ledger entries on record ",
    ),
    "the remaining credits increased": Corruption(
        "select min(id) from credit_grant where remaining < amount",
        ["update credit_grant set remaining = remaining + 1 where id = {x}"],
        "grant {x}: remaining ",
    ),
    "a grant voided without its entry": Corruption(
        UNSPENT,
        [f"update credit_grant set voided_at = {LONG_AGO} where id = {{x}}"],
        "grant {x}: voided 2020",
    ),
    "an unlock moved with all of its rows to another reader": Corruption(
        PAID_UNLOCK,
        [
            "update unlock set reader_id = 'quy' where id = {x}",
            "update unlock_payment set reader_id = 'quy' where unlock_id = {x}",
            ("update ledger_entry set reader_id = 'quy' where grant_id in"
            " (select grant_id from unlock_payment where unlock_id = {x})"),
            ("update credit_grant set reader_id = 'quy' where id in"
            " (select grant_id from unlock_payment where unlock_id = {x})"),
        ],
        "reader quy: unlocks on record ",
    ),
    "totals decreased": Corruption(
        "select min(subscriber_id) from subscriber_totals where unlocks > 0",
        ["update subscriber_totals set unlocks = unlocks - 1 where subscriber_id = '{x}'"],
        "reader {x}: unlocks on record ",
    ),
    "a subscriber deleted": Corruption(
        "select min(reader_id) from purchase",
        ["delete from subscriber where id = '{x}'"],
        "purchase ",
    ),
    "an expiry moved to a later time": Corruption(
        "select min(grant_id) from ledger_entry where kind = 'expired'",
        [f"update credit_grant set expires_at = {FAR} where id = {{x}}"],
        ": expired of grant {x}",
    ),
    "a spent entry decreased together with its payment": Corruption(
        "select min(id) from ledger_entry where kind = 'spent' and amount < -1",
        [
            ("update unlock_payment set amount = amount - 1 where unlock_id = (select unlock_id"
            " from ledger_entry where id = {x}) and grant_id = (select grant_id from ledger_entry"
            " where id = {x})"),
            ("update credit_grant set remaining = remaining + 1 where id = (select grant_id"
            " from ledger_entry where id = {x})"),
            "update ledger_entry set amount = amount + 1 where id = {x}",
        ],
        ": entries move ",
    ),
    **{
        f"an unlock inserted by hand, {source}": Corruption(
            "select min(reader_id) from unlock",
            [f"{BY_HAND}'{source}', {LONG_AGO})"],
            "reader {x}: unlocks on record ",
        )
        for source in ("credits", "complimentary", "migration")
    },
    "an unlock deleted": Corruption(
        "select min(id) from unlock where source = 'complimentary'",
        ["delete from unlock where id = {x}"],
        ": unlocks on record ",
    ),
    "an unlock moved to another day": Corruption(
        PAID_UNLOCK,
        [f"update unlock set unlocked_at = {LONG_AGO} where id = {{x}}"],
        "unlock {x}: of 2020",
    ),
    "a revoked unlock put back in force": Corruption(
        "select min(u.id) from unlock u where credits_returned and not exists (select 1 from unlock"
        " where reader_id = u.reader_id and article_id = u.article_id and revoked_at is null)",
        ["update unlock set revoked_at = null, credits_returned = null where id = {x}"],
        "unlock {x}, grant ",
    ),
    "a revocation moved to another time": Corruption(
        "select min(id) from unlock where credits_returned",
        [f"update unlock set revoked_at = {FAR} where id = {{x}}"],
        "unlock {x}: revoked 2040",
    ),
    **{
        f"an entry backdated, {kind}": Corruption(
            f"select max(id) from ledger_entry where kind = '{kind}' and grant_id in"
            " (select id from credit_grant where source = 'promotion')",
            [f"update ledger_entry set at = {LONG_AGO} where id = {{x}}"],
            "entry {x}",
        )
        for kind in ("granted", "spent", "restored", "voided", "expired")
    },
    "a purchase's entry backdated": Corruption(
        "select min(e.id) from ledger_entry e join credit_grant g on g.id = e.grant_id"
        " join purchase p on p.id = g.purchase_id where processor <> 'stripe'",
        [f"update ledger_entry set at = {LONG_AGO} where id = {{x}}"],
        "entry {x} of 2020",
    ),
    "an entry backdated together with its unlock": Corruption(
        PAID_UNLOCK,
        [
            f"update ledger_entry set at = {LONG_AGO} where unlock_id = {{x}}",
            f"update unlock set unlocked_at = {LONG_AGO} where id = {{x}}",
        ],
        ": spent of grant ",
    ),
    "a clawback's record of credits deleted": Corruption(
        "select min(id) from taking", ["delete from taking where id = {x}"], "grant "
    ),
    "a clawed-back credit counted twice": Corruption(
        "select min(id) from taking",
        ["update taking set credits = credits + 1 where id = {x}"],
        ": gave up ",
    ),
    **{
        f"entitlement of a {kind} extended by years": Corruption(
            of_kind(kind),
            [f"update subscription set entitled_until = {FAR} where id = '{{x}}'"],
            " {x}: ",
        )
        for kind in ("pass", "prepaid", "complimentary", "stripe")
    },
    "displayed access extended by years": Corruption(
        of_kind("stripe"),
        [f"update subscription set access_until = {FAR} where id = '{{x}}'"],
        " {x}: ",
    ),
    "a Stripe subscription's paid period extended by years": Corruption(
        "select min(subscription_id) from stripe_invoice",
        [
            (f"update subscription set paid_through = {FAR}, entitled_until = {FAR},"
            f" access_until = {FAR} where id = '{{x}}'")
        ],
        "subscription {x}: paid through 2040",
    ),
    "a Stripe pass's paid period extended by years": Corruption(
        "select min(s.id) from subscription s join checkout c on c.purchase_id = s.purchase_id"
        " where s.kind = 'pass'",
        [
            (f"update subscription set paid_through = {FAR}, entitled_until = {FAR},"
            f" access_until = {FAR} where id = '{{x}}'")
        ],
        "pass {x}: ",
    ),
    "a pass moved to the future": Corruption(
        of_kind("pass"),
        [
            ("update subscription set starts_at = '2039-12-25 00:00:00.000000', paid_through ="
            f" {FAR}, entitled_until = {FAR}, access_until = {FAR} where id = '{{x}}'")
        ],
        "pass {x}: from 2039",
    ),
    "a grace period extended": Corruption(
        "select min(id) from stripe_subscription where status = 'past_due'",
        ["update stripe_subscription set grace_seconds = 99999999 where id = '{x}'"],
        "subscription {x}: past_due",
    ),
    "a subscription's status changed": Corruption(
        "select min(id) from stripe_subscription where status = 'past_due'",
        ["update stripe_subscription set status = 'active' where id = '{x}'"],
        "subscription {x}: active",
    ),
    "an invoice deleted": Corruption(
        "select min(id) from stripe_invoice i where period_ends_at = (select max(period_ends_at)"
        " from stripe_invoice where subscription_id = i.subscription_id)",
        ["delete from stripe_invoice where id = '{x}'"],
        "purchase ",
    ),
    "a clawed-back pass restored": Corruption(
        "select min(id) from subscription where is_taken_back",
        [
            ("update subscription set is_taken_back = false, entitled_until = paid_through,"
            " access_until = paid_through where id = '{x}'")
        ],
        " {x}: purchase ",
    ),
    "an ended subscription reopened": Corruption(
        "select min(id) from subscription where ended_at < paid_through",
        ["update subscription set ended_at = null where id = '{x}'"],
        " {x}: ",
    ),
    "a complimentary subscription inserted by hand": Corruption(
        "select min(reader_id) from purchase where reader_id not in"
        " (select reader_id from subscription where kind = 'complimentary')",
        [
            COMPLIMENTARY_BY_HAND
        ],
        "reader {x}: subscriptions on record ",
    ),
    "a paid checkout without a purchase": Corruption(
        "select min(id) from checkout where status = 'paid'",
        ["update checkout set purchase_id = null where id = '{x}'"],
        "checkout {x}: purchase 0 is missing",
    ),
}  # fmt: skip
