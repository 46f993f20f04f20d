"""The check, for sites."""

from datetime import datetime
from typing import Annotated, Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta

from paywall import telemetry
from paywall.access.meter import count_view, is_countable
from paywall.access.standing import Viewer, load, load_one, reader
from paywall.database import Database
from paywall.http.bodies import Answer, Shape
from paywall.http.fields import Id, PathId
from paywall.problems import invalid
from paywall.rules.decision import Action, Decision, Reason, decide
from paywall.rules.words import ViewerKind
from paywall.settings import Settings
from paywall.tokens.guard import Caller, site
from paywall.tokens.guard import reader as only_readers


class ViewerInput(Shape):
    """Who asks: a signed-in reader, a visitor, or neither."""

    reader_id: Annotated[Id | None, Meta(description="The site's id of a signed-in reader.")] = None
    visitor_id: Annotated[
        Id | None, Meta(description="A pseudonym that the site made for a visitor.")
    ] = None

    def viewer(self) -> Viewer:
        if self.reader_id is not None and self.visitor_id is not None:
            raise invalid("visitor_id", "send reader_id or visitor_id, not both")
        if self.reader_id is not None:
            return reader(self.reader_id)
        return Viewer(ViewerKind.VISITOR, self.visitor_id) if self.visitor_id else Viewer()


class Question(ViewerInput, kw_only=True):
    """May this reader have the body of this article?"""

    article_id: Annotated[Id, Meta(description="The site's id of the article.")]
    count_view: Annotated[
        bool, Meta(description="Count a metered view: the site is about to show the body.")
    ] = False


class BodyQuestion(ViewerInput, kw_only=True):
    """Give me the body, if this reader may have it."""

    article_id: Annotated[Id, Meta(description="The site's id of the article.")]
    count_view: bool = True


class Questions(ViewerInput, kw_only=True):
    """The same question for up to 100 articles, such as those of a front page."""

    article_ids: Annotated[list[Id], Meta(min_length=1, max_length=100)]


class MeterAnswer(Answer):
    """Metered articles read this month."""

    used: int
    limit: int
    resets_at: datetime


class DecisionAnswer(Answer):
    """Granted or not, why, and what the reader could do about it."""

    granted: bool
    reason: Reason
    unlocks_left: Annotated[int, Meta(description="Credits that can be spent now.")]
    unlock_cost: Annotated[int, Meta(description="What the article costs, in credits.")]
    actions: list[Action]
    meter: MeterAnswer | None
    access_until: datetime | None


class BatchDecision(DecisionAnswer):
    """A decision of a batch, with its article."""

    article_id: str


class BatchAnswer(Answer):
    """Decisions in the order of the articles that were asked for."""

    decisions: list[BatchDecision]


def decision_fields(decision: Decision) -> dict[str, Any]:
    meter = decision.meter
    return {
        **decision._asdict(),
        "actions": list(decision.actions),
        "meter": meter
        and MeterAnswer(used=meter.used, limit=meter.limit, resets_at=meter.resets_at),
    }


@post("/v1/access/check", guards=[site("access:check")], status_code=200)
async def check_access(
    data: JSONBody[Question],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> DecisionAnswer:
    """Ask before serving an article. A denial is 200 and `granted: false`."""
    decision = await decide_for(
        data.viewer(), data.article_id, database, settings, counting=data.count_view
    )
    return DecisionAnswer(**decision_fields(decision))


async def decide_for(
    viewer: Viewer, article_id: str, database: Database, settings: Settings, *, counting: bool
) -> Decision:
    """Decide, and where it grants as `metered` count the view if told to."""
    now = database.clock.now()
    async with database.reading() as session:
        facts = await load_one(session, viewer, article_id, settings=settings, now=now)
    decision = decide(facts.terms, facts.standing, now)
    if counting and is_countable(decision):
        async with database.writing() as session:
            decision = await count_view(session, viewer, facts, settings=settings, now=now)
    telemetry.decided(decision.reason)
    return decision


@get("/v1/me/articles/{article_id:str}/access", guards=[only_readers])
async def check_my_access(
    article_id: PathId,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> DecisionAnswer:
    """May I have the body of this article? No view is counted."""
    decision = await decide_for(
        reader(caller.subject), article_id, database, settings, counting=False
    )
    return DecisionAnswer(**decision_fields(decision))


@post("/v1/access/check-batch", guards=[site("access:check")], status_code=200)
async def check_batch(
    data: JSONBody[Questions],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> BatchAnswer:
    """Ask for many articles at once; no view is counted."""
    now = database.clock.now()
    async with database.reading() as session:
        asked = await load(session, data.viewer(), data.article_ids, settings=settings, now=now)
    decisions = []
    for facts in asked:
        decision = decide(facts.terms, facts.standing, now)
        telemetry.decided(decision.reason)
        decisions.append(BatchDecision(article_id=facts.article_id, **decision_fields(decision)))
    return BatchAnswer(decisions=decisions)


ROUTES = [check_access, check_batch, check_my_access]
