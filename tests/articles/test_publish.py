"""Creating, replacing and deleting articles, on both databases."""

import asyncio

import pytest
from msgspec import UNSET, UnsetType
from sqlmodel import col, select

from paywall.access.bodies import body_of, preview_of
from paywall.articles.publish import ArticleUpdate, publish, unpublish
from paywall.database.engine import Database
from paywall.database.tables import Article, PolicyChange
from paywall.rules.decision import ArticleTerms, Policy
from paywall.rules.enums import Actor, UpsertOutcome

FOUR = "<p>One is here.</p><p>Two is here.</p><p>Three is here.</p><p>Four is here.</p>"
PREMIUM = ArticleTerms(Policy.PREMIUM, 1)


async def put(
    database: Database,
    editor: Actor,
    *,
    title: str = "",
    terms: ArticleTerms = PREMIUM,
    preview: int | str = 2,
    body_html: str | UnsetType | None = UNSET,
    preview_share: float = 1,
    published: str = "a1",
) -> UpsertOutcome:
    async with database.writing() as session:
        _, outcome = await publish(
            session,
            ArticleUpdate(published, title, terms, preview=preview, body_html=body_html),
            actor=editor,
            now=database.clock.now(),
            preview_share=preview_share,
        )
    return outcome


async def kept(database: Database, article_id: str = "a1") -> tuple[Article, str | None, str]:
    async with database.reading() as session:
        article = await session.get(Article, article_id)
        assert article is not None
        return article, await body_of(session, article_id), await preview_of(session, article_id)


async def changes(database: Database) -> list[tuple[Policy | None, int | None, str]]:
    async with database.reading() as session:
        rows = (await session.exec(select(PolicyChange).order_by(col(PolicyChange.id)))).all()
    return [(row.policy, row.unlock_cost, row.actor_subject) for row in rows]


async def test_an_article_is_created_then_replaced_then_unchanged(
    database: Database, editor: Actor
) -> None:
    assert await put(database, editor, body_html=FOUR) is UpsertOutcome.CREATED
    assert await put(database, editor, title="New", body_html=FOUR) is UpsertOutcome.REPLACED
    assert await put(database, editor, title="New", body_html=FOUR) is UpsertOutcome.UNCHANGED


@pytest.mark.parametrize(
    "body",
    [
        "",
        "plain",
        "<p>é ភាសាខ្មែរ\u200b</p>\r\n",
        "<div><p>not closed",
        "\t<!-- c --><script>1</script>",
    ],
)
async def test_a_body_is_returned_unchanged(database: Database, editor: Actor, body: str) -> None:
    await put(database, editor, body_html=body)
    article, body_html, _ = await kept(database)
    assert body_html == body
    assert article.body_sha256 is not None


async def test_an_omitted_body_stays_and_null_removes_it(database: Database, editor: Actor) -> None:
    await put(database, editor, body_html=FOUR)
    before, _, _ = await kept(database)
    await put(database, editor, title="New")
    after, body_html, _ = await kept(database)
    assert (body_html, after.body_sha256) == (FOUR, before.body_sha256)
    await put(database, editor, body_html=None)
    gone, body_html, preview = await kept(database)
    assert (body_html, gone.body_sha256, preview) == (None, None, "")


async def test_a_new_preview_setting_applies_to_the_stored_body(
    database: Database, editor: Actor
) -> None:
    await put(database, editor, body_html=FOUR, preview=1)
    assert (await kept(database))[2] == "<p>One is here.</p>"
    await put(database, editor, preview=2)
    assert (await kept(database))[2] == "<p>One is here.</p><p>Two is here.</p>"
    await put(database, editor, preview=2, preview_share=0.25)
    assert (await kept(database))[2] == "<p>One is here.</p>"


async def test_the_sites_own_preview_is_stored_unchanged(database: Database, editor: Actor) -> None:
    await put(database, editor, body_html=FOUR, preview="<b>own", preview_share=0)
    article, _, preview = await kept(database)
    assert (article.preview_paragraphs, preview) == (None, "<b>own")


async def test_changes_of_policy_and_cost_are_recorded(database: Database, editor: Actor) -> None:
    other = editor._replace(subject="desk")
    await put(database, editor)
    await put(database, editor, title="Another title")
    await put(database, other, terms=ArticleTerms(Policy.PREMIUM, 3))
    await put(database, editor, terms=ArticleTerms(Policy.FREE, 3))
    async with database.writing() as session:
        await unpublish(session, "a1", actor=other, now=database.clock.now())
        await unpublish(session, "a1", actor=other, now=database.clock.now())
    assert await changes(database) == [
        (Policy.PREMIUM, 1, "cms"),
        (Policy.PREMIUM, 3, "desk"),
        (Policy.FREE, 3, "cms"),
        (None, None, "desk"),
    ]


async def test_deleting_an_article_deletes_its_body(database: Database, editor: Actor) -> None:
    await put(database, editor, body_html=FOUR)
    async with database.writing() as session:
        await unpublish(session, "a1", actor=editor, now=database.clock.now())
    await put(database, editor)
    _, body_html, _ = await kept(database)
    assert body_html is None


async def test_of_ten_concurrent_puts_one_wins_as_a_whole(
    database: Database, editor: Actor
) -> None:
    outcomes = await asyncio.gather(
        *(
            put(
                database,
                editor,
                title=str(number),
                terms=ArticleTerms(Policy.PREMIUM, number),
                body_html=f"<p>{number}</p>",
            )
            for number in range(1, 11)
        )
    )
    assert outcomes.count(UpsertOutcome.CREATED) == 1
    article, body_html, preview = await kept(database)
    number = article.title
    assert article.unlock_cost == int(number)
    assert body_html == preview == f"<p>{number}</p>"
    assert (await changes(database))[-1][1] == int(number)


async def test_a_put_reads_the_state_after_it_has_locked(database: Database, editor: Actor) -> None:
    for _ in range(20):
        await put(database, editor, title="a", body_html="a")
        await asyncio.gather(
            put(database, editor, title="b", body_html="b"),
            put(database, editor, title="a", body_html="c"),
        )
        article, body_html, _ = await kept(database)
        assert (article.title, body_html) in {("b", "b"), ("a", "c")}


async def test_concurrent_puts_and_deletes_leave_all_or_nothing(
    database: Database, editor: Actor
) -> None:
    async def remove() -> None:
        async with database.writing() as session:
            await unpublish(session, "a1", actor=editor, now=database.clock.now())

    await asyncio.gather(
        *(
            step
            for number in range(8)
            for step in (put(database, editor, title=str(number), body_html=str(number)), remove())
        )
    )
    async with database.reading() as session:
        article = await session.get(Article, "a1")
        body_html = await body_of(session, "a1")
    assert body_html == (article.title if article else None)
