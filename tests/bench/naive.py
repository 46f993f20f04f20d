"""The naive way: a route that reads the article, the unlock and the credits, row by row."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar, post
from litestar.params import JSONBody
from sqlmodel import select

from paywall.access.api import CHECK, CHECK_SCOPE, DecisionAnswer, Question, decision_response
from paywall.clock import Clock
from paywall.database.engine import Database
from paywall.database.tables import Article, CreditGrant, Unlock
from paywall.http.bodies import StrictRequest
from paywall.load_settings import load_settings
from paywall.rules.decision import ArticleTerms, ViewerState, decide
from paywall.tokens.guard import site
from paywall.tokens.verify import Verifier


def application() -> Litestar:
    settings, clock = load_settings(), Clock()
    database = Database(settings, clock)

    @post(CHECK, guards=[site(CHECK_SCOPE)], status_code=200)
    async def check(data: JSONBody[Question]) -> DecisionAnswer:
        now = clock.now()
        async with database.reading() as session:
            article = await session.get(Article, data.article_id)
            unlocks = await session.exec(
                select(Unlock).where(
                    Unlock.reader_id == data.reader_id, Unlock.article_id == data.article_id
                )
            )
            grants = await session.exec(
                select(CreditGrant).where(CreditGrant.reader_id == data.reader_id)
            )
            balance = sum(grant.remaining for grant in grants)
            terms = ArticleTerms(article.policy, article.unlock_cost) if article else None
            viewer_state = ViewerState(True, balance, unlocked=unlocks.first() is not None)
        return decision_response(decide(terms, viewer_state, now))

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        app.state.database = database
        app.state.verifier = Verifier(settings, clock)
        yield
        await database.close()

    return Litestar([check], lifespan=[lifespan], request_class=StrictRequest, openapi_config=None)
