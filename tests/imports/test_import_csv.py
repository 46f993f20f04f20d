"""`paywall import articles|grants|unlocks|subscriptions`, as an operator types it."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from sqlmodel import select

from paywall.articles.publish import ArticleUpdate
from paywall.cli.main import main
from paywall.database.engine import Database
from paywall.database.tables import (
    Article,
    CreditGrant,
    LedgerEntry,
    PolicyChange,
    Subscriber,
    Subscription,
    Unlock,
)
from paywall.imports.import_csv import BATCH_ROWS_MAX
from paywall.rules.decision import ArticleTerms, Policy
from paywall.rules.enums import GrantSource, SubscriptionKind, UnlockSource
from tests.installation import HEADS, LATER, Installation

LATER_IN_PHNOM_PENH = "2027-02-01T00:00:00+07:00"
KHMER = '<p class="a">ព្រះរាជាណាចក្រ, "កម្ពុជា"</p>\r\n\n<p>Second</p>\r'


def summary(new: int = 0, changed: int = 0, unchanged: int = 0, bad: int = 0) -> str:
    return f"new: {new}\nchanged: {changed}\nunchanged: {unchanged}\nbad: {bad}\n"


def written(head: str, rows: Iterable[Iterable[object]], line_end: str = "\r\n") -> bytes:
    """A file as a spreadsheet writes it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerow(head.split(","))
    writer.writerows(rows)
    return text.getvalue().encode()


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_articles_are_kept_as_the_file_has_them(
    here: Installation, mark: bytes, line_end: str
) -> None:
    rows = [
        ("a1", "ចំណងជើង, quoted", "https://x.test/1", "km", "metered", 3, KHMER),
        ("a2", "", "", "", "free", "", ""),
    ]
    file = mark + written(HEADS["articles"], rows, line_end)
    assert here.import_("articles", file).stdout == summary(new=2)
    first, second = sorted(here.all(Article), key=lambda article: article.id)
    assert (first.title, first.url, first.language) == (rows[0][1], rows[0][2], "km")
    assert (first.policy, first.unlock_cost) == (Policy.METERED, 3)
    assert here.body("a1") == KHMER
    assert first.preview_html
    assert (second.title, second.url, second.language, second.unlock_cost) == ("", None, None, 1)
    assert here.body("a2") is None
    assert {change.actor_subject for change in here.all(PolicyChange)} == {"import"}

    again = here.import_("articles", file)
    assert (again.exit_code, again.stdout) == (0, summary(unchanged=2))
    assert len(here.all(PolicyChange)) == 2
    rows[0] = (*rows[0][:4], "premium", *rows[0][5:])
    later = here.import_("articles", written(HEADS["articles"], rows))
    assert later.stdout == summary(changed=1, unchanged=1)
    here.assert_sound()


def test_what_a_file_of_articles_has_no_column_for_stays(here: Installation) -> None:
    said = ArticleUpdate(
        id="a1",
        title="Old",
        terms=ArticleTerms(Policy.FREE, 1),
        tags=("news",),
        published_at=LATER,
        preview="<p>Own words.</p>",
        body_html="<p>Body.</p>",
    )
    here.publish(said)
    assert here.import_rows("articles", "a1,New,,,premium,2,").stdout == summary(changed=1)
    [article] = here.all(Article)
    assert (article.title, article.policy, article.unlock_cost) == ("New", Policy.PREMIUM, 2)
    assert (article.tags, article.published_at) == (["news"], LATER)
    assert article.preview_html == "<p>Own words.</p>"
    assert here.body("a1") == "<p>Body.</p>"


def test_grants_are_granted_once_with_their_entries(here: Installation) -> None:
    rows = (f"ann,5,migration,r1,{LATER_IN_PHNOM_PENH},7", "bo,2,promotion,r1,,")
    assert here.import_rows("grants", *rows).stdout == summary(new=2)
    ann, bo = sorted(here.all(CreditGrant), key=lambda grant: grant.reader_id)
    assert (ann.amount, ann.remaining, ann.source) == (5, 5, GrantSource.MIGRATION)
    assert (ann.reference, ann.expires_at, ann.priority) == ("r1", LATER, 7)
    assert (bo.amount, bo.expires_at, bo.priority) == (2, None, 100)
    assert {
        (entry.reader_id, entry.amount, entry.actor_issuer, entry.actor_subject)
        for entry in here.all(LedgerEntry)
    } == {("ann", 5, "paywall", "import"), ("bo", 2, "paywall", "import")}
    again = here.import_rows("grants", *rows)
    assert (again.exit_code, again.stdout) == (0, summary(unchanged=2))
    assert len(here.all(LedgerEntry)) == 2
    here.assert_sound()


def test_a_reference_granted_otherwise_is_told_and_costs_its_row_alone(
    here: Installation,
) -> None:
    here.import_rows("grants", "ann,5,migration,r1,,")
    done = here.import_rows(
        "grants", "bo,1,migration,r2,,", "cy,6,migration,r1,,", "ann,1,migration,r3,,"
    )
    assert (done.exit_code, done.stdout) == (1, summary(new=2, bad=1))
    assert "given.csv:3: reference: it is on record with another reader_id, amount" in done.stderr
    assert {reader.id for reader in here.all(Subscriber)} == {"ann", "bo"}
    here.assert_sound()


def test_unlocks_are_taken_over_once(here: Installation) -> None:
    rows = ("ann,a1,2026-01-01T07:00:00+07:00", "ann,a2,2026-01-01T00:00:00Z")
    assert here.import_rows("unlocks", *rows).stdout == summary(new=2)
    unlock, _ = sorted(here.all(Unlock), key=lambda unlock: unlock.article_id)
    assert unlock.unlocked_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert unlock.source is UnlockSource.MIGRATION
    other_time = here.import_rows("unlocks", rows[0], "ann,a2,2026-02-01T00:00:00Z")
    assert (other_time.exit_code, other_time.stdout) == (0, summary(unchanged=2))
    assert len(here.all(Unlock)) == 2
    here.assert_sound()


def test_an_unlock_that_was_revoked_since_is_not_revived(here: Installation) -> None:
    row = "ann,a1,2026-01-01T00:00:00Z"
    here.import_rows("unlocks", row)

    async def revoke(database: Database) -> None:
        async with database.writing() as session:
            [unlock] = (await session.exec(select(Unlock))).all()
            unlock.revoked_at, unlock.credits_returned = LATER, False

    here.run(revoke)
    assert here.import_rows("unlocks", row).stdout == summary(unchanged=1)
    anew = here.import_rows("unlocks", "ann,a1,2026-03-01T00:00:00Z")
    assert anew.stdout == summary(new=1)
    here.assert_sound()


def test_subscriptions_are_put_and_those_of_stripe_taken_over(here: Installation) -> None:
    rows = (f"ann,gold,{LATER_IN_PHNOM_PENH},", f"ann,,{LATER_IN_PHNOM_PENH},sub_1")
    assert here.import_rows("subscriptions", *rows).stdout == summary(new=2)
    by_kind = {subscription.kind: subscription for subscription in here.all(Subscription)}
    assert by_kind.keys() == {SubscriptionKind.COMPLIMENTARY, SubscriptionKind.STRIPE}
    stripe = by_kind[SubscriptionKind.STRIPE]
    assert (stripe.id, stripe.reader_id, stripe.plan_id) == ("sub_1", "ann", None)
    assert by_kind[SubscriptionKind.COMPLIMENTARY].plan_id == "gold"
    for subscription in by_kind.values():
        assert subscription.paid_through == LATER
        assert subscription.entitled_until == subscription.access_until == LATER
    before = here.all(Subscription)
    again = here.import_rows("subscriptions", *rows)
    assert (again.exit_code, again.stdout) == (0, summary(unchanged=2))
    assert here.all(Subscription) == before

    changed = here.import_rows(
        "subscriptions", "ann,gold,2028-01-01T00:00:00Z,", "bo,,2028-01-01T00:00:00Z,sub_1"
    )
    assert (changed.exit_code, changed.stdout) == (1, summary(changed=1, bad=1))
    assert (
        "given.csv:3: stripe_subscription_id: it is on record with another"
        " reader_id, current_period_end, which is kept." in changed.stderr
    )
    assert {reader.id for reader in here.all(Subscriber)} == {"ann"}
    here.assert_sound()


@pytest.mark.parametrize(
    ("kind", "row", "received"),
    [
        ("articles", "a/b,t,,,free,,", "given.csv:3: article_id: it is 'a/b'. Expected 1 to 200"),
        ("articles", "b,t,,,gratis,,", "policy: it is 'gratis'. Write one of free, registered,"),
        ("articles", "b,t,,,,,", "given.csv:3: policy: it is ''. Write one of free, registered,"),
        ("articles", "b,t,,,free,0,", "given.csv:3: unlock_cost: it is '0'. Expected `int` >= 1"),
        ("articles", "b,t,,,free,1.5,", "given.csv:3: unlock_cost: it is '1.5'. Expected `int`"),
        ("articles", "b,t,,,free,,a\0b", "given.csv:3: body_html: it is 'a\\x00b'. Expected text"),
        ("articles", f"b,t,{'x' * 2001},,free,,", "given.csv:3: url: it is 'xxxxx"),
        ("articles", "b,t,javascript:x,,free,,", "url: it is 'javascript:x'. Expected a complete"),
        ("articles", "b,t,,,free,,a,b", "given.csv:3: 8 cells, and the header has 7."),
        ("articles", 'b,t,,,free,,"a"b', "given.csv:3: the quotes are broken"),
        ("articles", "good,t,,,premium,,", "given.csv:3: line 2 describes the same with"),
        ("grants", "bo,0,migration,r2,,", "given.csv:3: amount: it is '0'. Expected `int` >= 1"),
        ("grants", "bo,1,purchase,r2,,", "source: it is 'purchase'. Write one of promotion, adj"),
        ("grants", "bo,1,migration,r2,2027-01-01,", "given.csv:3: expires_at: it is '2027-01-01'"),
        ("grants", "bo,1,migration,r2,1795000000,", "given.csv:3: expires_at: it is '1795000000'"),
        ("grants", "bo,1,migration,r2,2027-01-01T00:00:00,", "given.csv:3: expires_at: it is"),
        ("grants", "bo,1,migration,r2,0001-01-01T00:00:00+14:00,", "given.csv:3: expires_at: "),
        ("grants", "bo,99999999999999999999,migration,r2,,", "given.csv:3: amount: it is '99999"),
        ("grants", "bo,2,migration,ref,,", "given.csv:3: line 2 describes the same with"),
        ("unlocks", ",a2,2026-01-01T00:00:00Z", "given.csv:3: reader_id: it is ''. Expected 1 to"),
        ("unlocks", " bo,a2,2026-01-01T00:00:00Z", "given.csv:3: reader_id: it is ' bo'. Expected"),
        ("unlocks", "bo,a2,2999-01-01T00:00:00Z", "given.csv:3: unlocked_at: is in the future."),
        ("unlocks", "bo,a2,", "given.csv:3: unlocked_at: it is ''. "),
        ("subscriptions", "bo,,,", "given.csv:3: current_period_end: it is ''. "),
        ("subscriptions", "ann,x,2026-01-01T00:00:00Z,", "given.csv:3: line 2 describes the same"),
    ],
)  # fmt: skip
def test_a_bad_row_is_reported_and_the_others_are_imported(
    here: Installation, kind: str, row: str, received: str
) -> None:
    good = {
        "articles": ("good,t,,,free,,", "last,t,,,free,,"),
        "grants": ("ann,1,migration,ref,,", "ann,1,migration,last,,"),
        "unlocks": ("ann,a1,2026-01-01T00:00:00Z", "ann,a9,2026-01-01T00:00:00Z"),
        "subscriptions": ("ann,,2027-01-01T00:00:00Z,", "zoe,,2027-01-01T00:00:00Z,"),
    }[kind]
    done = here.import_rows(kind, good[0], row, good[1])
    assert done.exit_code == 1, done.output
    assert received in done.stderr
    assert done.stdout == summary(new=2, bad=1)
    here.assert_sound()


def test_every_wrong_field_of_a_row_is_told_and_the_row_counts_once(here: Installation) -> None:
    done = here.import_rows("grants", "a/b,x,y,,z,-1")
    fields = [line.split(": ")[1] for line in done.stderr.splitlines()]
    assert sorted(fields) == sorted(HEADS["grants"].split(","))
    assert done.stdout == summary(bad=1)


def test_line_numbers_count_newlines_inside_cells(
    here: Installation,
) -> None:
    rows = [
        ("a1", "t", "", "", "free", "", "<p>\n\n</p>\r\n"),
        ("a/2", "t", "", "", "free", "", ""),
    ]
    done = here.import_("articles", written(HEADS["articles"], rows))
    assert done.stderr.startswith("given.csv:6: article_id: ")


def test_bytes_that_are_not_utf_8_cost_their_row_alone(here: Installation) -> None:
    file = b"reader_id,article_id,unlocked_at\nann,\xe9,2026-01-01T00:00:00Z\n"
    done = here.import_("unlocks", file + b"ann,a1,2026-01-01T00:00:00Z\n")
    assert "given.csv:2: article_id: not UTF-8. Save the file as UTF-8" in done.stderr
    assert done.stdout == summary(new=1, bad=1)


def test_columns_stand_in_any_order_and_blank_lines_are_nothing(here: Installation) -> None:
    file = "unlocked_at,reader_id,article_id\n\n2026-01-01T00:00:00Z,ann,a1\n\n"
    assert here.import_("unlocks", file).stdout == summary(new=1)
    assert [(unlock.reader_id, unlock.article_id) for unlock in here.all(Unlock)] == [("ann", "a1")]


def test_the_same_row_twice_in_a_file_is_unchanged(here: Installation) -> None:
    row = "ann,1,migration,ref,,"
    done = here.import_rows("grants", row, row, '"ann",1,migration,ref,,100')
    assert (done.exit_code, done.stdout) == (0, summary(new=1, unchanged=2))


@pytest.mark.parametrize(
    ("head", "received"),
    [
        ("", "Missing: reader_id, article_id, unlocked_at."),
        ("reader_id,article_id", "Missing: unlocked_at."),
        ("reader_id,article_id,unlocked_at,note,x", "Unknown: note, x."),
        ("reader_id,article,unlocked_at", "Missing: article_id; unknown: article."),
        ("reader_id,article_id,unlocked_at,reader_id", "There twice: reader_id."),
    ],
)
def test_another_header_is_refused_with_the_list_of_columns(
    here: Installation, head: str, received: str
) -> None:
    done = here.import_("unlocks", f"{head}\nann,a1,2026-01-01T00:00:00Z\n")
    assert done.exit_code == 2
    said = " ".join(done.stderr.split())
    assert "The header's columns are not these: reader_id, article_id, unlocked_at." in said
    assert received in said
    assert here.all(Unlock) == []


def test_a_row_that_the_database_refuses_loses_no_other_row(
    here: Installation,
) -> None:
    rows = [f"r{number % 7},1,migration,ref{number},," for number in range(BATCH_ROWS_MAX + 500)]
    # An index that refuses the second of two rows which nothing else forbids.
    here.execute(
        "create unique index one_of_two on credit_grant (reader_id)"
        " where reference in ('ref693', 'ref700')"
    )
    done = here.import_rows("grants", *rows)
    assert (done.exit_code, done.stdout) == (1, summary(new=BATCH_ROWS_MAX + 499, bad=1))
    assert done.stderr.startswith("given.csv:702: ")
    assert len(here.all(LedgerEntry)) == BATCH_ROWS_MAX + 499
    here.assert_sound()


@pytest.mark.parametrize("kind", HEADS)
def test_the_help_teaches(kind: str) -> None:
    taught = CliRunner().invoke(main, ["import", kind, "--help"]).stdout
    assert HEADS[kind] in taught
    assert f"paywall import {kind} {kind}.csv" in taught
