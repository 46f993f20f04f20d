"""`paywall import wordpress`, as an operator types it."""

import csv
import functools
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlmodel import SQLModel

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
from paywall.imports.wordpress.oddities import OddityKind
from paywall.rules.decision import ArticleTerms, Policy
from paywall.rules.enums import Actor, GrantSource, SubscriptionKind, UnlockSource
from paywall.subscribers.merge import merge_readers
from paywall.subscriptions.complimentary import put_complimentary
from paywall.unlocks.revoke import revoke_unlock_of_article
from paywall.unlocks.unlock import unlock_article
from tests.imports.wordpress.old_site import EXPORTED_AT, Rows, write_folder, write_rows
from tests.imports.wordpress.serialized import listed
from tests.installation import Installation

TABLES: tuple[type[SQLModel], ...] = (
    Subscriber, CreditGrant, LedgerEntry, Unlock, Subscription, PolicyChange,
)  # fmt: skip
CREDITS, LIST = "wp_pencipw_unlock_remaining", "wp_pencipw_unlocked_post_list"
STATUS, END = "wp_pencipw_subscribe_status", "wp_pencipw_expired_date"
USERS: Rows = [
    (1, CREDITS, "5"),
    (1, LIST, listed(101, 102)),
    (2, CREDITS, "-3"),
    (2, LIST, listed("103", 104, 104)),
    (3, CREDITS, "2.5"),
    (3, LIST, "a:1:{i:0;i:101"),
    (4, CREDITS, "abc"),
    (4, "pencipw_unlock_remaining", "7"),
    (6, STATUS, "ACTIVE"),
    (6, END, "March 3, 2031"),
    (10, CREDITS, "3"),
    (10, CREDITS, "8"),
    (10, LIST, listed(999, "x", 101)),
]


def import_(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["import", "wordpress", str(folder), *options])


def rows_of(here: Installation) -> list[list[SQLModel]]:
    return [sorted(here.all(table), key=repr) for table in TABLES]


def test_each_reader_gets_what_the_rules_decide(here: Installation) -> None:
    folder = write_folder(here.folder / "old", USERS)
    done = import_(folder)
    assert done.exit_code == 1, done.output
    grants = {grant.reader_id: grant for grant in here.all(CreditGrant)}
    assert {id_: grant.amount for id_, grant in grants.items()} == {"1": 5, "3": 3, "10": 3}
    assert {grant.source for grant in grants.values()} == {GrantSource.MIGRATION}
    unlocks = here.all(Unlock)
    assert sorted((one.reader_id, one.article_id) for one in unlocks) == [
        ("1", "101"), ("1", "102"), ("10", "101"), ("10", "999"), ("2", "103"), ("2", "104"),
    ]  # fmt: skip
    assert {(one.unlocked_at, one.source) for one in unlocks} == {
        (EXPORTED_AT, UnlockSource.MIGRATION)
    }
    [subscription] = here.all(Subscription)
    assert (subscription.reader_id, subscription.kind) == ("6", SubscriptionKind.COMPLIMENTARY)
    assert subscription.paid_through == datetime(2031, 3, 3, tzinfo=UTC)
    assert "reader 1: 5 credits, 2 posts -> 5 credits, 2 unlocks; new: 5 cre" in done.stdout
    assert (
        "reader 6: 0 credits, 0 posts, subscribed until March 3, 2031 (no processor) -> 0 credits,"
        " 0 unlocks, subscribed until 2031-03-03 00:00 UTC; new: a complimentary" in done.stdout
    )
    assert "users.csv:4: reader 2: wp_pencipw_unlock_remaining: negative credits" in done.stderr
    assert "TO DO: users.csv:7: reader 3: wp_pencipw_unlocked_post_list: a broken" in done.stderr
    here.assert_sound()


def test_a_dry_run_shows_the_same_and_changes_nothing(here: Installation) -> None:
    folder = write_folder(here.folder / "old", USERS)
    tried = import_(folder, "--dry-run")
    assert rows_of(here) == [[] for _ in TABLES]
    done = import_(folder)
    assert tried.exit_code == done.exit_code
    assert tried.stdout.replace("Dry run: nothing was changed.", "Done.") == done.stdout
    assert tried.stderr == done.stderr


def test_a_second_run_changes_nothing_after_what_happened_since(here: Installation) -> None:
    users = [*USERS, (7, STATUS, "1"), (7, END, "2031-01-01"), (11, CREDITS, "1")]
    import_(write_folder(here.folder / "old", users))
    here.publish(ArticleUpdate("a", "A", ArticleTerms(Policy.PREMIUM)))
    here.run(functools.partial(_live_on, here))
    before = rows_of(here)
    again = import_(write_folder(here.folder / "old", users, exported_at="2026-11-20T00:00:00Z"))
    assert rows_of(here) == before
    assert "reader 1: 5 credits, 2 posts -> 4 credits, 3 unlocks; new: nothing" in again.stdout
    assert "reader 10: was merged into another reader" in again.stderr
    assert "TO DO: reader 7: has a complimentary subscription with another end" in again.stderr
    here.assert_sound()


async def _live_on(here: Installation, database: Database, article_id: str = "a") -> None:
    """One reader spends, an unlock is revoked, two are merged, a subscription is shortened."""
    clock, actor = database.clock, Actor("news", "desk", "")
    async with database.writing() as session:
        spent = await unlock_article(
            session, "1", article_id, max_cost=1, actor=actor, clock=clock, settings=here.settings
        )
        assert spent.is_new
    async with database.writing() as session:
        await revoke_unlock_of_article(
            session, "2", "103", return_credits=False, actor=actor, clock=clock
        )
        await merge_readers(session, "10", "11", actor=actor, clock=clock)
        end = datetime(2027, 1, 1, tzinfo=UTC)
        await put_complimentary(session, "7", plan_id=None, current_period_end=end, clock=clock)


def test_credits_that_differ_from_an_earlier_run_are_named(here: Installation) -> None:
    import_(write_folder(here.folder / "old", [(1, CREDITS, "5")]))
    again = import_(write_folder(here.folder / "old", [(1, CREDITS, "7")]))
    assert again.exit_code == 1
    assert "TO DO: reader 1: credits were imported earlier, and were others" in again.stderr
    assert "(5 were, and 7 are in the folder)" in again.stderr
    gone = import_(write_folder(here.folder / "old", [(1, CREDITS, "0")]))
    assert "(5 were, and 0 are in the folder)" in gone.stderr
    assert [grant.amount for grant in here.all(CreditGrant)] == [5]


def test_rows_can_be_in_any_order_and_a_bad_one_is_named(here: Installation) -> None:
    users: Rows = [
        (2, CREDITS, "2"), (1, CREDITS, "1"), (2, LIST, listed(5)), ("x", CREDITS, "9"),
        (0, CREDITS, "9"), (1, LIST, listed(6)),
    ]  # fmt: skip
    done = import_(write_folder(here.folder / "old", users))
    assert {grant.reader_id: grant.amount for grant in here.all(CreditGrant)} == {"1": 1, "2": 2}
    assert len(here.all(Unlock)) == 2
    assert done.exit_code == 1
    assert "users.csv:5: user_id: " in done.stderr
    assert "users.csv:6: user_id: " in done.stderr
    assert "bad rows: 2" in done.stdout


def test_a_user_who_does_not_exist_gets_nothing_and_is_named(here: Installation) -> None:
    users: Rows = [(1, "ID", "1"), (1, CREDITS, "1"), (2, CREDITS, "2")]
    done = import_(write_folder(here.folder / "old", users))
    assert [grant.reader_id for grant in here.all(CreditGrant)] == ["1"]
    assert f"TO DO: users.csv:4: reader 2: {OddityKind.NO_USER} ({CREDITS})" in done.stderr


def test_ids_have_the_prefixes_of_the_folder(here: Installation) -> None:
    users: Rows = [
        (1, f"wp_2_{name[3:]}", text) for name, text in [(CREDITS, "1"), (LIST, listed(5))]
    ]
    done = import_(
        write_folder(
            here.folder / "old", users, table_prefix="wp_2_", reader_prefix="u", article_prefix="b-"
        )
    )
    assert done.exit_code == 0, done.output
    assert [(one.reader_id, one.article_id) for one in here.all(Unlock)] == [("u1", "b-5")]
    assert [grant.reference for grant in here.all(CreditGrant)] == ["wordpress:u1"]


def test_policies_of_articles_on_record_are_set_once(here: Installation) -> None:
    for id_ in ("101", "102", "103"):
        here.publish(ArticleUpdate(id_, "Title", ArticleTerms(Policy.METERED, 2)))
    here.publish(ArticleUpdate("105", "Title", ArticleTerms(Policy.PREMIUM, 2)))
    posts: Rows = [
        (105, "pencipw_enable_premium_post", "enable"),
        (101, "post_type", "post"), (101, "pencipw_enable_premium_post", "enable"),
        (102, "post_type", "post"), (103, "post_type", "page"), (104, "post_type", "post"),
        (102, "category", "9"),
    ]  # fmt: skip
    terms: Rows = [(9, "penci_guest_mode", "enable")]
    folder = write_folder(here.folder / "old", [(1, CREDITS, "")], posts=posts, terms=terms)
    done = import_(folder)
    assert done.exit_code == 0, done.output
    policies = {one.id: (one.policy, one.unlock_cost) for one in here.all(Article)}
    assert policies == {
        "101": (Policy.PREMIUM, 2), "102": (Policy.REGISTERED, 2), "103": (Policy.METERED, 2),
        "105": (Policy.PREMIUM, 2),
    }  # fmt: skip
    assert "posts: free 1, premium 2, registered 1; policies changed: 2;" in done.stdout
    # Of what an editor changed since, one was changed by the import and the other agreed with it.
    for id_ in ("101", "105"):
        here.publish(ArticleUpdate(id_, "Title", ArticleTerms(Policy.FREE, 2)))
    assert "policies changed: 0" in import_(folder).stdout
    later = {one.id: one.policy for one in here.all(Article)}
    assert (later["101"], later["105"]) == (Policy.FREE, Policy.FREE)


def test_the_policies_are_written_for_the_plug_in(here: Installation) -> None:
    post = ("post_type", "post")
    posts: Rows = [
        (101, *post), (101, "pencipw_enable_premium_post", "enable"),
        (101, "pencipw_paragraph_limit", "4"),
        (102, *post), (102, "pencipw_enable_guest_mode_post", "enable"),
        (102, "pencipw_preview_textbox", '<p>"Own"\nសួស្តី</p>'),
        (103, *post), (104, "post_type", "page"),
    ]  # fmt: skip
    folder = write_folder(
        here.folder / "old", [(1, CREDITS, "")], posts=posts, article_prefix="b-",
        theme_mods={"pencipw_limit": 2},
    )  # fmt: skip
    file = here.folder / "policies.csv"
    done = import_(folder, "--dry-run", "--policies", str(file))
    assert done.exit_code == 0, done.output
    with file.open(encoding="utf-8", newline="") as opened:
        assert list(csv.reader(opened)) == [
            ["post_id", "meta_key", "meta_value"],
            ["101", "_paywall_policy", "premium"],
            ["101", "_paywall_preview_paragraphs", "4"],
            ["102", "_paywall_policy", "registered"],
            ["102", "_paywall_preview_paragraphs", "2"],
            ["102", "_paywall_preview_html", '<p>"Own"\nសួស្តី</p>'],
        ]


@pytest.mark.parametrize(
    ("name", "content", "received"),
    [
        ("settings.json", "", "settings.json: "),
        ("settings.json", '{"plugin": "other"}', "settings.json: Invalid enum value 'other'"),
        ("settings.json", None, "settings.json cannot be read: No such file or directory. Write"),
        ("users.csv", None, "users.csv: [Errno 2] No such file"),
        ("users.csv", "id,key\n", "users.csv: The header's columns are not these: user_id,"),
        ("settings.json", '{"plugin": "penci", "theme_mods": "a:1:{"}', "theme_mods: it is broken"),
        ("settings.json", '{"plugin": "penci", "reader_prefix": "a/"}', "at `$.reader_prefix`"),
    ],
)
def test_a_wrong_folder_is_refused_in_a_sentence(
    here: Installation, name: str, content: str | None, received: str
) -> None:
    folder = write_folder(here.folder / "old", [(1, CREDITS, "1")])
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content, encoding="utf-8")
    done = import_(folder)
    assert done.exit_code == 2
    assert received in " ".join(done.stderr.split())
    assert here.all(CreditGrant) == []


def test_the_way_back_has_what_readers_have_by_then(here: Installation) -> None:
    users = [*USERS, (7, STATUS, "1"), (7, END, "2031-01-01"), (11, CREDITS, "1")]
    folder = write_folder(here.folder / "old", users)
    import_(folder)
    here.publish(ArticleUpdate("77", "A", ArticleTerms(Policy.PREMIUM)))
    here.run(functools.partial(_live_on, here, article_id="77"))
    done = CliRunner().invoke(main, ["export", "--wordpress", str(folder)])
    assert done.exit_code == 0, done.output
    rows = list(csv.reader(done.stdout.splitlines()))
    fields = {(user, key.removeprefix("wp_pencipw_")): value for user, key, value in rows}
    assert fields["1", "unlock_remaining"] == "4"
    assert fields["1", "unlocked_post_list"] == listed(101, 102, 77)
    assert fields["2", "unlocked_post_list"] == listed(104)
    assert fields["6", "subscribe_status"] == "ACTIVE"
    assert fields["6", "expired_date"] == "2031-03-03 00:00:00"
    assert fields["7", "expired_date"] == "2027-01-01 00:00:00"
    # Without a subscription here, that of the plug-in stays: it may be one that was not linked.
    assert ("3", "subscribe_status") not in fields
    assert ("3", "expired_date") not in fields
    assert fields["3", "unlock_remaining"] == "3"
    assert ("10", "unlock_remaining") not in fields
    assert fields["11", "unlock_remaining"] == "4"
    # What goes back can be imported again, and then nothing is odd about it.
    write_rows(folder / "users.csv", rows)
    again = import_(folder, "--dry-run")
    assert "credits were imported earlier" in again.stderr
    assert "broken" not in again.stderr


@pytest.mark.parametrize("words", [[], ["ann", "--wordpress", "old"]])
def test_an_export_is_of_one_reader_or_of_all(here: Installation, words: list[str]) -> None:
    write_folder(here.folder / "old", [])
    done = CliRunner().invoke(main, ["export", *words])
    assert done.exit_code == 2
    assert "Name either a READER or --wordpress FOLDER." in done.stderr
