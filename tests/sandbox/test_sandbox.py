"""`make run`: a sandbox that keeps the user's changes."""

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from sqlmodel import select

from paywall.articles.publish import ArticleUpdate, publish, unpublish
from paywall.database.engine import Database
from paywall.database.tables import Article, CreditGrant
from paywall.rules.decision import ArticleTerms, Policy
from paywall.rules.enums import Actor
from paywall.sandbox.article_files import read_publications
from paywall.sandbox.prepare import prepare
from paywall.server.serve import CannotServe
from paywall.settings import Settings
from paywall.unlocks.unlock import unlock_article
from tests.conftest import START
from tests.processes import environment, playing

ACTOR = Actor("test", "player", "0")
SITE = "http://127.0.0.1:8001"


@pytest.fixture
def fresh(tmp_path: Path) -> Settings:
    return Settings(data_dir=str(tmp_path / "var"))


def test_articles_have_every_policy_and_both_languages() -> None:
    articles = read_publications(SITE)
    assert {article.terms.policy for article in articles} == set(Policy)
    assert {article.language for article in articles} == {"en", "km"}
    assert all(article.title and article.body_html for article in articles)


def test_a_restart_keeps_the_users_changes(fresh: Settings) -> None:
    first = asyncio.run(prepare(fresh, SITE))
    asyncio.run(_change_things(fresh))
    second = asyncio.run(prepare(fresh, SITE))
    titles, left = asyncio.run(_titles_and_credits(fresh))
    assert (first.is_new, second.is_new) == (True, False)
    assert second.articles == first.articles - 1
    assert "ferry-returns" not in titles
    assert titles["night-buses"] == "Changed"
    assert left == [2, 3]


async def _change_things(settings: Settings) -> None:
    """Change one article, delete another, and spend one of ann's credits."""
    database = Database(settings)
    async with database.writing() as session:
        changed = ArticleUpdate("night-buses", "Changed", ArticleTerms(Policy.FREE))
        await publish(session, changed, actor=ACTOR, now=START, preview_share=0.4)
        await unpublish(session, "ferry-returns", actor=ACTOR, now=START)
        await unlock_article(
            session, "ann", "rice-bank",
            max_cost=None, actor=ACTOR, clock=database.clock, settings=settings,
        )  # fmt: skip
    await database.close()


async def _titles_and_credits(settings: Settings) -> tuple[dict[str, str], list[int]]:
    database = Database(settings, for_writing=False)
    async with database.reading() as session:
        articles = (await session.exec(select(Article))).all()
        left = list((await session.exec(select(CreditGrant.remaining))).all())
    await database.close()
    return {article.id: article.title for article in articles}, left


def test_the_sandbox_refuses_a_database_other_than_sqlite(tmp_path: Path) -> None:
    real = Settings(database_url="postgresql://real@db.example/paywall", data_dir=str(tmp_path))
    with pytest.raises(CannotServe, match="unset database_url"):
        asyncio.run(prepare(real, SITE))


def test_ctrl_c_stops_the_sandbox_cleanly(tmp_path: Path) -> None:
    with playing(tmp_path) as sandbox:
        assert sandbox.stop(signal.SIGINT) == 0
    log = sandbox.log.read_text()
    assert "Stopped." in log
    assert "Traceback" not in log


def test_a_port_in_use_stops_the_start_with_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [
                sys.executable, "-m", "paywall.sandbox",
                "--port", port, "--site-port", "0",
            ],
            cwd=tmp_path, env=environment(), check=False,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"port {port}: Address already in use" in ended.stderr
    assert f"PORT={int(port) + 1000} make run" in ended.stderr
    assert "Traceback" not in ended.stderr
