"""`paywall import wxr`, as an operator types it, against both databases."""

import asyncio
import io
import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlmodel import select

from paywall.access.bodies import body_of
from paywall.cli.main import main
from paywall.database.engine import Database
from paywall.database.tables import Article, PolicyChange
from paywall.imports.wxr import read_items
from paywall.imports.wxr_item import WxrError
from paywall.rules.decision import Policy
from paywall.settings import Settings

EXPORT = Path(__file__).parent / "export.xml"
SUMMARY = """\
new: {new}
changed: {changed}
unchanged: {unchanged}
skipped, password-protected: 1
  104 For members of the co-operative
skipped, not published: 1 (1 draft)
skipped, not posts: 1 (1 page)
bad: {bad}
"""
HEAD = '<rss xmlns:wp="http://wordpress.org/export/1.2/" xmlns:content="http://purl.org/rss/1.0/modules/content/">\n<channel>\n'
FOOT = "</channel>\n</rss>\n"

Import = Callable[..., Result]


def post(number: object, more: str = "", body: str = "<![CDATA[Body.]]>") -> str:
    """One published post, on six lines."""
    return (
        f"<item>\n<title>T</title>\n<content:encoded>{body}</content:encoded>\n"
        f"<wp:post_id>{number}</wp:post_id><wp:status>publish</wp:status>\n"
        f"<wp:post_type>post</wp:post_type>{more}\n</item>\n"
    )


@pytest.fixture
def import_wxr(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYWALL_DATABASE_URL", settings.database_url)

    def run(file: Path | str, *options: str) -> Result:
        if isinstance(file, str):
            (tmp_path / "given.xml").write_text(file, encoding="utf-8")
            file = Path("given.xml")
        return CliRunner().invoke(main, ["import", "wxr", str(file), *options])

    return run


@pytest.fixture
def kept(settings: Settings) -> Callable[[], dict[str, tuple[Article, str | None]]]:
    """What is in the database, read when asked."""

    async def read() -> dict[str, tuple[Article, str | None]]:
        database = Database(settings, for_writing=False)
        async with database.reading() as session:
            articles = (await session.exec(select(Article))).all()
            found = {a.id: (a, await body_of(session, a.id)) for a in articles}
        await database.close()
        return found

    return lambda: asyncio.run(read())


Kept = Callable[[], dict[str, tuple[Article, str | None]]]


def test_published_posts_become_articles_and_the_rest_is_listed(
    import_wxr: Import, kept: Kept
) -> None:
    done = import_wxr(EXPORT)
    assert done.exit_code == 0, done.output
    assert done.stdout == SUMMARY.format(new=3, changed=0, unchanged=0, bad=0)
    articles = kept()
    river = articles["101"][0]
    assert river.title == "The river rises"
    assert river.url == "https://mekong.example/river/"
    assert river.language == "km"
    assert river.tags == ["News", "Mekong"]
    assert river.published_at == datetime(2026, 11, 1, 2, 30, tzinfo=UTC)
    assert (river.policy, river.unlock_cost) == (Policy.PREMIUM, 1)
    assert articles["102"][0].published_at is None
    assert (articles["103"][0].title, articles["103"][1]) == ("", "")


def test_a_preview_ends_at_the_editors_marker(import_wxr: Import, kept: Kept) -> None:
    body = f"<p>Open.</p>\n<!--more-->\n<p>Hidden.</p>{'<p>The rest.</p>' * 9}"
    import_wxr(HEAD + post(1, body=f"<![CDATA[{body}]]>") + FOOT)
    article, body_html = kept()["1"]
    assert (article.preview_html, body_html) == ("<p>Open.</p>", body)


def test_each_body_is_kept_as_the_file_has_it(import_wxr: Import, kept: Kept) -> None:
    import_wxr(EXPORT)
    content = "{http://purl.org/rss/1.0/modules/content/}encoded"
    number = "{http://wordpress.org/export/1.2/}post_id"
    in_file = {
        item.findtext(number): item.findtext(content) or ""
        for item in ET.parse(EXPORT).getroot().iter("item")  # noqa: S314 (a file of our own)
    }
    bodies = {post_id: body_html for post_id, (_, body_html) in kept().items()}
    assert bodies
    assert bodies == {post_id: in_file[post_id] for post_id in bodies}


def test_a_second_import_changes_nothing_and_a_later_one_what_is_new(
    import_wxr: Import, kept: Kept, tmp_path: Path
) -> None:
    import_wxr(EXPORT)
    before = kept()
    assert import_wxr(EXPORT).stdout == SUMMARY.format(new=0, changed=0, unchanged=3, bad=0)
    assert kept() == before
    later = tmp_path / "later.xml"
    later.write_text(EXPORT.read_text(encoding="utf-8").replace("a metre", "two metres"))
    assert import_wxr(later).stdout == SUMMARY.format(new=0, changed=1, unchanged=2, bad=0)


@pytest.mark.parametrize(
    ("options", "policies"),
    [
        ("", "premium premium premium"),
        ("--policy free", "free free free"),
        ("--category News=free", "free premium premium"),
        ("--category news=free --tag Mekong=metered", "free premium premium"),
        ("--tag Mekong=metered --category news=free", "metered premium premium"),
        ("--category សេដ្ឋកិច្ច=registered", "premium registered premium"),
        ("--category mekong=free --tag news=free", "premium premium premium"),
        ("--meta _paid=subscribers --policy free", "free subscribers free"),
        ("--meta _paid=no=subscribers", "premium premium premium"),
        (
            "--meta _paid=yes=metered --category News=free --meta _paid=free",
            "free metered premium",
        ),
    ],
)
def test_the_first_rule_of_the_command_line_that_matches_sets_the_policy(
    import_wxr: Import, kept: Kept, options: str, policies: str
) -> None:
    done = import_wxr(EXPORT, *options.split(), "--unlock-cost", "4")
    assert done.exit_code == 0, done.output
    articles = kept()
    assert [articles[i][0].policy for i in ("101", "102", "103")] == policies.split()
    assert {article.unlock_cost for article, _ in articles.values()} == {4}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (post("", body="x"), "given.xml:9: wp:post_id is ''"),
        (post("1/2"), "given.xml:9: post 1/2: wp:post_id is '1/2'"),
        (post(2, "<wp:post_date_gmt>1</wp:post_date_gmt>"), "given.xml:9: post 2: wp:post"),
        (post(2, f"<link>{'x' * 2001}</link>"), "given.xml:9: post 2: Expected"),
        (post(2, "<link>javascript:x</link>"), "given.xml:9: post 2: Expected"),
        (post(2, body="a &nbsp; b"), "given.xml:9: post 2: its XML is broken (line 11: "),
        (post(2, body="<p>a</p>"), "given.xml:9: post 2: its XML is broken (content:encoded holds"),
        (post(1), "given.xml:9: post 1: the item of line 3 has the same id"),
    ],
)  # fmt: skip
def test_a_bad_item_is_told_with_its_place_and_the_others_are_imported(
    import_wxr: Import, kept: Kept, bad: str, said: str
) -> None:
    done = import_wxr(HEAD + post(1) + bad + post(3) + FOOT)
    assert done.exit_code == 1
    assert said in done.stderr
    assert "bad: 1\n" in done.stdout
    assert {i: body for i, (_, body) in kept().items()} == {"1": "Body.", "3": "Body."}


def test_a_file_that_ends_early_gives_what_was_whole(import_wxr: Import, kept: Kept) -> None:
    done = import_wxr((HEAD + post(1) + post(2)).removesuffix("</item>\n"))
    assert done.exit_code == 1
    assert "given.xml:9: post 2: its XML is broken (line 14: Premature end" in done.stderr
    assert list(kept()) == ["1"]


def test_what_is_no_export_is_refused_and_nothing_is_written(
    import_wxr: Import, kept: Kept
) -> None:
    bomb = '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    outside = '<!DOCTYPE rss [<!ENTITY b SYSTEM "file:///etc/hostname">]>'
    for file in (
        "",
        "words",
        "<html/>",
        *(d + HEAD + post(1, body="&b;") + FOOT for d in (bomb, outside)),
    ):
        done = import_wxr(file)
        assert done.exit_code == 2
        assert "Invalid value for FILE: The file " in done.stderr
    assert kept() == {}


@pytest.mark.parametrize(
    "options",
    [
        ["--category", "news"],
        ["--tag", "=free"],
        ["--meta", "a=b"],
        ["--policy", "paid"],
        ["--unlock-cost", "0"],
    ],
)
def test_a_wrong_option_is_told_before_anything_is_read(
    import_wxr: Import, options: list[str]
) -> None:
    done = import_wxr(EXPORT, *options)
    assert done.exit_code == 2
    assert options[0] in done.stderr


def test_the_help_teaches() -> None:
    taught = CliRunner().invoke(main, ["import", "wxr", "--help"]).stdout
    for word in ("--policy", "--category", "--tag", "--meta", "--unlock-cost", "Examples:"):
        assert word in taught


def test_who_imported_stays_on_record(import_wxr: Import, settings: Settings) -> None:
    import_wxr(EXPORT)

    async def read() -> set[tuple[str, str]]:
        database = Database(settings, for_writing=False)
        async with database.reading() as session:
            changes = (await session.exec(select(PolicyChange))).all()
        await database.close()
        return {(change.actor_issuer, change.actor_subject) for change in changes}

    assert asyncio.run(read()) == {("paywall", "import wxr")}


def test_a_large_file_is_imported_in_batches_with_progress(import_wxr: Import, kept: Kept) -> None:
    done = import_wxr(HEAD + "".join(post(n) for n in range(1, 1002)) + FOOT)
    assert done.exit_code == 0, done.output
    assert done.stderr == "500 items read\n1000 items read\n"
    assert len(kept()) == 1001


def test_an_item_with_a_text_past_the_parsers_limit_is_told() -> None:
    export = HEAD + post(1) + post(2, body="x" * 11_000_000) + FOOT
    items = list(read_items(io.BytesIO(export.encode())))
    assert items[0].error is None
    assert items[1].error is not None
    assert "nothing from here on" in items[1].error


def test_posts_after_an_export_that_is_closed_early_are_counted(
    import_wxr: Import, kept: Kept
) -> None:
    stray = post(1, body="</p>") + post(2) + post(3, body="</p>")
    done = import_wxr(HEAD + stray + post(4) + post(5) + FOOT)
    assert done.exit_code == 1
    assert "2 items after this could not be read" in done.stderr
    assert list(kept()) == ["2"]


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    lines = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(12))
    bomb = f'<!DOCTYPE rss [<!ENTITY e0 "x">{lines}]><rss><channel>&e12;</channel></rss>'
    with pytest.raises(WxrError, match="DOCTYPE"):
        list(read_items(io.BytesIO(bomb.encode())))
