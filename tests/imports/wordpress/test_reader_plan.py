"""What a reader of the old plug-ins gets: every odd value by name."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from paywall.imports.wordpress.oddities import OddityKind
from paywall.imports.wordpress.old_reader import read_old_reader
from paywall.imports.wordpress.reader_plan import PlanContext, ReaderPlan, plan_reader
from paywall.imports.wordpress.user_options import MetaRow, user_options
from tests.imports.wordpress.serialized import listed, serialize

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NEW_YEAR = datetime(2031, 1, 1, tzinfo=UTC)
LATE = "January 1, 2031"
CREDITS, LIST = "wp_pencipw_unlock_remaining", "wp_pencipw_unlocked_post_list"
STATUS, END = "wp_pencipw_subscribe_status", "wp_pencipw_expired_date"
STRIPE, PAYPAL = "wp_pencipw_stripe_subs_id", "wp_pencipw_paypal_subs_id"
TYPE = "wp_pencipw_subs_type"
POST_TYPES = {101: "post", 102: "post", 7: "page"}


class Given(NamedTuple):
    """A plan, and the kinds of its oddities."""

    plan: ReaderPlan
    kinds: list[OddityKind]


def given(*rows: tuple[str, str], post_types: Mapping[int, str] | None = None) -> Given:
    numbered = [MetaRow(line, key, value) for line, (key, value) in enumerate(rows, start=2)]
    old = read_old_reader(user_options(numbered, "wp_"))
    context = PlanContext(NOW, "", "", post_types, {"41": "sub_41", "42": "I-42"})
    plan = plan_reader(1, old, context)
    return Given(plan, [oddity.kind for oddity in plan.oddities])


def subscribed(end: str = LATE, *rows: tuple[str, str]) -> Given:
    return given((STATUS, "ACTIVE"), (END, end), *rows)


def test_credits_posts_and_an_end_are_given_without_an_oddity() -> None:
    found = given(
        (CREDITS, "5"), (LIST, listed(101, 102)), (STATUS, "ACTIVE"), (END, LATE),
        post_types=POST_TYPES,
    )  # fmt: skip
    plan = found.plan
    assert (plan.credits, plan.article_ids) == (5, ["101", "102"])
    assert (plan.complimentary_until, plan.stripe_ids) == (NEW_YEAR, [])
    assert (plan.reader_id, plan.grant_reference) == ("1", "wordpress:1")
    assert found.kinds == []


@pytest.mark.parametrize("value", ["", "0", "b:0;", "N;", "NULL", "\\N", "a:0:{}"])
def test_nothing_at_all_is_no_oddity(value: str) -> None:
    found = given((CREDITS, value), (LIST, value), (STATUS, value), (END, value), (STRIPE, value))
    assert found.plan.is_empty
    assert found.kinds == []


@pytest.mark.parametrize(
    ("value", "credits_", "kind"),
    [
        ("i:5;", 5, None),
        ('s:1:"5";', 5, None),
        (" 5 ", 5, None),
        (" ", 0, None),
        ("0.0", 0, None),
        ("5.0", 5, None),
        ("1e2", 100, None),
        ("2.5", 3, OddityKind.CREDITS_ROUNDED_UP),
        ("d:0.1;", 1, OddityKind.CREDITS_ROUNDED_UP),
        ("-3", 0, OddityKind.CREDITS_NEGATIVE),
        ("-0.5", 0, OddityKind.CREDITS_NEGATIVE),
        ("abc", 0, OddityKind.CREDITS_NOT_A_NUMBER),
        ("5 posts", 0, OddityKind.CREDITS_NOT_A_NUMBER),
        ("d:INF;", 0, OddityKind.CREDITS_NOT_A_NUMBER),
        ("d:NAN;", 0, OddityKind.CREDITS_NOT_A_NUMBER),
        (listed(5), 0, OddityKind.CREDITS_NOT_A_NUMBER),
        ("1000000", 1_000_000, None),
        ("1000001", 0, OddityKind.CREDITS_TOO_MANY),
        ("9" * 300, 0, OddityKind.CREDITS_NOT_A_NUMBER),
        ("i:5", 0, OddityKind.CREDITS_NOT_A_NUMBER),
        ("i:5x;", 0, OddityKind.CREDITS_NOT_A_NUMBER),
        ("a:1:{i:0;}", 0, OddityKind.VALUE_UNREADABLE),
        ('O:8:"stdClass":0:{}', 0, OddityKind.VALUE_OBJECT),
    ],
)
def test_odd_credits_are_named_and_never_more(
    value: str, credits_: int, kind: OddityKind | None
) -> None:
    found = given((CREDITS, value))
    assert found.plan.credits == credits_
    assert found.kinds == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("value", "article_ids", "kinds"),
    [
        (listed("12"), ["12"], [OddityKind.UNLOCK_AS_TEXT]),
        (listed(12.0), ["12"], [OddityKind.UNLOCK_AS_TEXT]),
        (listed(12, "12", 12), ["12"], [OddityKind.UNLOCK_TWICE]),
        (
            listed(12, "x", -1, 0, None, True, 1.5, {}),
            ["12"],
            [OddityKind.UNLOCK_NOT_A_POST],
        ),
        (serialize({"a": 12, 9: 13}), ["12", "13"], []),
        ("12", ["12"], [OddityKind.UNLOCK_LIST_ODD, OddityKind.UNLOCK_AS_TEXT]),
        ("i:12;", ["12"], [OddityKind.UNLOCK_LIST_ODD]),
        (serialize(listed(12, 13)), ["12", "13"], [OddityKind.UNLOCK_LIST_ODD]),
        ("a:2:{i:0;i:101", [], [OddityKind.VALUE_UNREADABLE]),
        ('a:1:{i:0;s:3:"12";}', [], [OddityKind.VALUE_UNREADABLE]),
        ("12,13", [], [OddityKind.VALUE_UNREADABLE]),
        ('O:8:"stdClass":1:{s:1:"a";i:1;}', [], [OddityKind.VALUE_OBJECT]),
        ('a:2:{i:0;i:12;i:1;O:1:"A":0:{}}', ["12"], [OddityKind.VALUE_OBJECT]),
        (listed(2**63), [], [OddityKind.UNLOCK_NOT_A_POST]),
    ],
)
def test_odd_lists_of_posts_lose_nothing_that_can_be_read(
    value: str, article_ids: list[str], kinds: list[OddityKind]
) -> None:
    found = given((LIST, value))
    assert found.plan.article_ids == article_ids
    assert found.kinds == kinds


def test_unknown_posts_and_other_types_are_given_and_named() -> None:
    found = given((LIST, listed(101, 999, 7)), post_types=POST_TYPES)
    assert found.plan.article_ids == ["101", "999", "7"]
    assert found.kinds == [OddityKind.POST_UNKNOWN, OddityKind.POST_OTHER_TYPE]
    assert [oddity.detail for oddity in found.plan.oddities] == ["'999'", "7 (page)"]
    assert given((LIST, listed(999))).kinds == []


def test_a_row_with_the_prefix_hides_one_without_even_if_empty() -> None:
    plain = "pencipw_unlock_remaining"
    assert given((plain, "7")).plan.credits == 7
    hidden = given((CREDITS, ""), (plain, "9"))
    assert (hidden.plan.credits, hidden.kinds) == (0, [OddityKind.ROW_HIDDEN])
    both = given((plain, "7"), (CREDITS, "abc"))
    assert both.plan.credits == 0
    assert set(both.kinds) == {OddityKind.ROW_HIDDEN, OddityKind.CREDITS_NOT_A_NUMBER}
    assert given((plain, "7"), (CREDITS, "7")).kinds == []


def test_of_two_rows_the_first_counts() -> None:
    found = given((CREDITS, "3"), (CREDITS, "8"))
    assert (found.plan.credits, found.kinds) == (3, [OddityKind.ROW_REPEATED])
    assert found.plan.oddities[0].detail == "'3' counts, not '8'"


def test_another_sites_and_unknown_fields_are_named() -> None:
    assert given(("wp_2_pencipw_unlock_remaining", "3")).kinds == [OddityKind.OTHER_SITE]
    assert given(("jnews_unlock", "5")).kinds == [OddityKind.FIELD_UNKNOWN]
    assert given(("wp_pencipw_new_thing", "5")).kinds == [OddityKind.FIELD_UNKNOWN]
    assert given(("nickname", "ann")).kinds == []


@pytest.mark.parametrize(
    ("text", "at", "kinds"),
    [
        ("March 3, 2031", datetime(2031, 3, 3, tzinfo=UTC), []),
        ("march 03 2031", datetime(2031, 3, 3, tzinfo=UTC), []),
        ("Sep 3, 2031", datetime(2031, 9, 3, tzinfo=UTC), []),
        ("2031-03-03 23:59:59", datetime(2031, 3, 3, 23, 59, 59, tzinfo=UTC), []),
        ("2031-03-03", datetime(2031, 3, 3, tzinfo=UTC), []),
        (
            "2031-02-30 10:00:00",
            datetime(2031, 3, 2, 10, tzinfo=UTC),
            [OddityKind.END_MOVED],
        ),
        ("2020-01-31 23:59:59", None, [OddityKind.END_PAST]),
        ("2026-11-24 12:00:00", None, [OddityKind.END_PAST]),
        ("2026-11-24 12:00:01", datetime(2026, 11, 24, 12, 0, 1, tzinfo=UTC), []),
        ("", None, [OddityKind.END_MISSING]),
        ("b:0;", None, [OddityKind.END_MISSING]),
        ("0000-00-00 00:00:00", None, [OddityKind.END_UNREADABLE]),
        ("2031-13-01", None, [OddityKind.END_UNREADABLE]),
        ("2031-01-32", None, [OddityKind.END_UNREADABLE]),
        ("2031-01-01 10:61:00", None, [OddityKind.END_UNREADABLE]),
        ("Marz 3, 2031", None, [OddityKind.END_UNREADABLE]),
        ("9999-12-31 24:00:00", None, [OddityKind.END_UNREADABLE]),
        ("soon", None, [OddityKind.END_UNREADABLE]),
    ],
)
def test_the_end_date_counts_in_utc(
    text: str, at: datetime | None, kinds: list[OddityKind]
) -> None:
    found = subscribed(text)
    assert (found.plan.complimentary_until, found.kinds) == (at, kinds)


def test_without_a_status_nothing_is_open() -> None:
    for status in ("", "0", "b:0;"):
        found = given((STATUS, status), (END, LATE))
        assert found.plan.is_empty
        assert found.kinds == [OddityKind.END_WITHOUT_STATUS]
    assert given((STATUS, ""), (END, "2020-01-01")).kinds == []


def test_any_true_status_counts_and_an_odd_one_is_named() -> None:
    found = given((STATUS, "yes"), (END, LATE))
    assert (found.plan.complimentary_until, found.kinds) == (NEW_YEAR, [OddityKind.STATUS_ODD])


def test_jnews_opens_for_an_hour_past_its_end() -> None:
    found = given(("wp_jpw_subscribe_status", "ACTIVE"), ("wp_jpw_expired_date", LATE))
    assert found.plan.complimentary_until == NEW_YEAR.replace(hour=1)
    at = (("wp_jpw_subscribe_status", "ACTIVE"), ("wp_jpw_expired_date", "2026-11-24 11:00:01"))
    assert given(*at).plan.complimentary_until == NOW.replace(second=1)
    at = (("wp_jpw_subscribe_status", "ACTIVE"), ("wp_jpw_expired_date", "2026-11-24 11:00:00"))
    assert given(*at).kinds == [OddityKind.END_PAST]


def test_a_stripe_subscription_is_linked_and_its_dates_are_stripes() -> None:
    for end in (LATE, "2020-01-01", "", "soon"):
        found = subscribed(end, (STRIPE, "sub_1"), (TYPE, "stripe"))
        assert found.plan.stripe_ids == ["sub_1"]
        assert found.plan.complimentary_until is None
        assert found.kinds == []
    ended = given((STATUS, ""), (STRIPE, "sub_1"))
    assert (ended.plan.stripe_ids, ended.kinds) == (["sub_1"], [OddityKind.STRIPE_WITHOUT_STATUS])


def test_a_row_number_of_getpaid_becomes_the_id_in_stripe() -> None:
    found = subscribed(LATE, (STRIPE, "41"))
    assert (found.plan.stripe_ids, found.kinds) == (["sub_41"], [])


@pytest.mark.parametrize("stored", ["43", "42", "cus_1", "sub_", "pi_1"])
def test_an_unknown_stripe_subscription_is_complimentary_and_loud(stored: str) -> None:
    found = subscribed(LATE, (STRIPE, stored), ("wp_pencipw_stripe_customer_id", "cus_1"))
    assert (found.plan.stripe_ids, found.plan.complimentary_until) == ([], NEW_YEAR)
    assert found.kinds == [OddityKind.STRIPE_ID_UNRESOLVED]
    assert found.plan.oddities[0].detail == f"'{stored}', customer 'cus_1'"


def test_another_processors_subscription_is_complimentary_and_named() -> None:
    found = subscribed(LATE, (PAYPAL, "I-1"), (TYPE, "paypal"))
    assert found.plan.complimentary_until == NEW_YEAR
    assert found.kinds == [OddityKind.BILLED_ELSEWHERE]
    by_shop = subscribed(LATE, ("wp_pencipw_subscribe_id", "77"))
    assert by_shop.kinds == [OddityKind.BILLED_ELSEWHERE]
    by_hand = subscribed(LATE, ("wp_pencipw_manual_subs_id", "3"))
    assert (by_hand.plan.complimentary_until, by_hand.kinds) == (NEW_YEAR, [])


def test_of_two_subscriptions_neither_is_lost() -> None:
    both = ((STRIPE, "sub_1"), (PAYPAL, "I-1"))
    named = [OddityKind.BILLED_ELSEWHERE, OddityKind.TWO_SUBSCRIPTIONS]
    by_paypal = subscribed(LATE, *both, (TYPE, "paypal"))
    assert by_paypal.plan.stripe_ids == ["sub_1"]
    assert (by_paypal.plan.complimentary_until, by_paypal.kinds) == (NEW_YEAR, named)
    by_stripe = subscribed(LATE, *both, (TYPE, "stripe"))
    assert by_stripe.plan.stripe_ids == ["sub_1"]
    assert (by_stripe.plan.complimentary_until, by_stripe.kinds) == (None, named)


def test_a_stripe_customer_alone_is_named() -> None:
    found = given(("wp_pencipw_stripe_customer_id", "cus_1"))
    assert found.plan.is_empty
    assert found.kinds == [OddityKind.STRIPE_CUSTOMER_ALONE]


def test_what_a_reader_has_in_both_plug_ins_is_given() -> None:
    found = given(
        (CREDITS, "2"), (LIST, listed(1, 2)), (STATUS, "ACTIVE"), (END, LATE),
        ("wp_jpw_unlock_remaining", "3"), ("wp_jpw_unlocked_post_list", listed(2, 3)),
        ("wp_jpw_subscribe_status", "ACTIVE"), ("wp_jpw_expired_date", "2032-01-01 00:00:00"),
    )  # fmt: skip
    assert (found.plan.credits, found.plan.article_ids) == (5, ["1", "2", "3"])
    assert found.plan.complimentary_until == datetime(2032, 1, 1, 1, tzinfo=UTC)
    assert found.kinds == [OddityKind.TWO_PLUGINS]


def test_a_long_list_of_oddities_is_shortened() -> None:
    found = given((LIST, listed(*(f"x{n}" for n in range(5000)))))
    assert found.kinds == [OddityKind.UNLOCK_NOT_A_POST]
    assert found.plan.oddities[0].detail.endswith("'x9', 4990 more")
