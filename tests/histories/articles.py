"""Articles come and go, and change their policy and cost."""

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.rules.decision import Policy
from paywall.tables import Article
from tests.conftest import START
from tests.histories.base import ARTICLES, History


class Articles(History):
    @rule(article=st.sampled_from(ARTICLES), policy=st.sampled_from(Policy), cost=st.integers(1, 4))
    def put_article(self, article: str, policy: Policy, cost: int) -> None:
        name = self.name(article)
        self.model.articles[name] = (policy.value, cost)

        async def put(session: AsyncSession) -> None:
            await session.merge(
                Article(id=name, title="", policy=policy, unlock_cost=cost, created_at=START,
                        updated_at=START)
            )  # fmt: skip

        self.run(put)

    @rule(article=st.sampled_from(ARTICLES))
    def delete_article(self, article: str) -> None:
        name = self.name(article)
        self.model.articles.pop(name, None)

        async def delete(session: AsyncSession) -> None:
            if found := await session.get(Article, name):
                await session.delete(found)

        self.run(delete)
