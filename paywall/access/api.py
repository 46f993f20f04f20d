"""Routes of the access check, for sites and readers."""

from datetime import datetime
from typing import Annotated

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta
from msgspec.structs import asdict

from paywall import telemetry
from paywall.access.bodies import body_of, preview_of, previews_of
from paywall.access.facts import Facts, Viewer, load_article_facts, load_facts, viewer_of
from paywall.access.meter import count_view
from paywall.database.engine import Database
from paywall.http.bodies import RequestModel, ResponseModel
from paywall.http.fields import (
    AccessUntil,
    ArticleId,
    DecisionReason,
    Id,
    PathArticleId,
    UnlocksLeft,
)
from paywall.problems import invalid
from paywall.rules.decision import Action, Decision, Meter, decide
from paywall.rules.enums import ViewerKind
from paywall.settings import Settings
from paywall.tokens.guard import Caller, site
from paywall.tokens.guard import reader as only_readers

CHECK = "/v1/access/check"
# In the contract, bodies belong to the articles.
ARTICLES = ("articles",)
CHECK_SCOPE = "access:check"


BATCH_ARTICLES_MAX = 100
ArticleIds = Annotated[
    list[Id],
    Meta(
        min_length=1,
        max_length=BATCH_ARTICLES_MAX,
        description="Up to 100 articles; the response is in the same order.",
    ),
]


class ViewerInput(RequestModel):
    """The viewer: a signed-in reader, a visitor, or neither."""

    reader_id: Annotated[Id | None, Meta(description="The site's id of a signed-in reader.")] = None
    visitor_id: Annotated[Id | None, Meta(description="The site's pseudonym for a visitor.")] = None

    def viewer(self) -> Viewer:
        if self.reader_id is not None and self.visitor_id is not None:
            raise invalid("visitor_id", "send reader_id or visitor_id, not both")
        if self.reader_id is not None:
            return viewer_of(self.reader_id)
        return Viewer(ViewerKind.VISITOR, self.visitor_id) if self.visitor_id else Viewer()


class Question(ViewerInput, kw_only=True):
    """May this viewer read the body of this article?"""

    article_id: Annotated[Id, Meta(description="The site's id of the article.")]
    count_view: Annotated[
        bool, Meta(description="Count a metered view: send it when the body will be shown.")
    ] = False


class BodyQuestion(ViewerInput, kw_only=True):
    """Read the body, if this viewer has access."""

    article_id: Annotated[Id, Meta(description="The site's id of the article.")]
    count_view: Annotated[
        bool, Meta(description="Accepted as in a check; reading a body always counts.")
    ] = True


class Questions(ViewerInput, kw_only=True):
    """The same question for up to 100 articles, such as those of a front page."""

    article_ids: ArticleIds
    previews: Annotated[
        bool, Meta(description="Give the preview of each article that is denied.")
    ] = False


class MyQuestions(RequestModel):
    """The articles on a page: up to 100."""

    article_ids: ArticleIds


class MeterAnswer(ResponseModel):
    """Metered articles read this month."""

    used: Annotated[int, Meta(description="Metered articles that were read this month.")]
    limit: Annotated[int, Meta(description="Metered articles per month.")]
    resets_at: Annotated[datetime, Meta(description="When the month ends and the count restarts.")]


class DecisionAnswer(ResponseModel):
    """Whether access is granted, why, and which actions are open to the reader."""

    granted: Annotated[bool, Meta(description="Whether the reader may have the body.")]
    reason: DecisionReason
    unlocks_left: UnlocksLeft
    unlock_cost: Annotated[int, Meta(description="What the article costs, in credits.")]
    actions: Annotated[
        tuple[Action, ...],
        Meta(description="What the reader can do about a denial; empty if access is granted."),
    ]
    meter: Annotated[MeterAnswer | None, Meta(description="This month's metered articles.")]
    access_until: AccessUntil


class BatchDecision(DecisionAnswer):
    """A decision of a batch, with its article."""

    article_id: ArticleId


class SiteBatchDecision(BatchDecision):
    """A decision of a batch, with its article's preview."""

    preview_html: Annotated[
        str | None,
        Meta(
            description="What everybody may read; null if access is granted, if `previews` was not"
            " sent, or if the previews before it have more than 4,194,304 characters: ask again for"
            " the articles that lack theirs."
        ),
    ]


class BatchAnswer(ResponseModel):
    """Decisions in the order of the requested articles."""

    decisions: Annotated[
        list[SiteBatchDecision], Meta(description="One per article, in the order of the request.")
    ]


class MyDecision(BatchDecision):
    """A decision of a batch, with its article's title."""

    title: Annotated[str | None, Meta(description="Null for an unknown article.")]


class MyBatchAnswer(ResponseModel):
    """Decisions in the order of the requested articles."""

    decisions: Annotated[
        list[MyDecision], Meta(description="One per article, in the order of the request.")
    ]


def decision_response(decision: Decision) -> DecisionAnswer:
    return DecisionAnswer(
        granted=decision.granted,
        reason=decision.reason,
        unlocks_left=decision.unlocks_left,
        unlock_cost=decision.unlock_cost,
        actions=decision.actions,
        meter=_meter_answer(decision.meter),
        access_until=decision.access_until,
    )


def _meter_answer(meter: Meter | None) -> MeterAnswer | None:
    if meter is None:
        return None
    return MeterAnswer(used=meter.used, limit=meter.limit, resets_at=meter.resets_at)


@post(CHECK, guards=[site(CHECK_SCOPE)], status_code=200)
async def check_access(
    data: JSONBody[Question],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> DecisionAnswer:
    """Check access before serving an article. A denial is 200 with `granted: false`."""
    decision = await decide_for(
        data.viewer(), data.article_id, database, settings, counting=data.count_view
    )
    return decision_response(decision)


async def decide_for(
    viewer: Viewer, article_id: str, database: Database, settings: Settings, *, counting: bool
) -> Decision:
    """Decide, and with `counting` count a view that was granted as `metered`."""
    now = database.clock.now()
    async with database.reading() as session:
        facts = await load_article_facts(session, viewer, article_id, settings=settings, now=now)
    decision = decide(facts.terms, facts.viewer_state, now)
    if counting:
        decision = await with_counted_view(decision, viewer, facts, database, settings, now)
    telemetry.count_decision(decision.reason)
    return decision


def needs_view_count(decision: Decision) -> bool:
    """Whether a view must be counted before the body is shown."""
    return decision.meter is not None and not decision.meter.counted


async def with_counted_view(
    decision: Decision,
    viewer: Viewer,
    facts: Facts,
    database: Database,
    settings: Settings,
    now: datetime,
) -> Decision:
    """Count a view if the decision needs it, and return the resulting decision."""
    if not needs_view_count(decision):
        return decision
    async with database.writing() as session:
        return await count_view(session, viewer, facts, settings=settings, now=now)


@get("/v1/me/articles/{article_id:str}/access", guards=[only_readers])
async def check_my_access(
    article_id: PathArticleId,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> DecisionAnswer:
    """Check my access to an article. No view is counted."""
    decision = await decide_for(
        viewer_of(caller.subject), article_id, database, settings, counting=False
    )
    return decision_response(decision)


@post("/v1/access/check-batch", guards=[site(CHECK_SCOPE)], status_code=200)
async def check_access_batch(
    data: JSONBody[Questions],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> BatchAnswer:
    """Check access to several articles, with previews if wanted. No view is counted."""
    decided = await _decide_all(data.viewer(), data.article_ids, database, settings)
    denied = [facts.article_id for facts, decision in decided if not decision.granted]
    previews: dict[str, str] = {}
    if data.previews and denied:
        async with database.reading() as session:
            previews = await previews_of(session, denied)
    decisions = [
        SiteBatchDecision(
            article_id=facts.article_id,
            preview_html=None if decision.granted else previews.get(facts.article_id),
            **asdict(decision_response(decision)),
        )
        for facts, decision in decided
    ]
    return BatchAnswer(decisions=decisions)


@post("/v1/me/access/check-batch", guards=[only_readers], status_code=200)
async def check_my_access_batch(
    data: JSONBody[MyQuestions],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> MyBatchAnswer:
    """Check my access to several articles, and return their titles. No view is counted."""
    decisions = await decide_mine(caller.subject, data.article_ids, database, settings)
    return MyBatchAnswer(decisions=decisions)


async def decide_mine(
    reader_id: str, article_ids: list[str], database: Database, settings: Settings
) -> list[MyDecision]:
    """A decision for each article, with its title. No view is counted."""
    return [
        MyDecision(
            article_id=facts.article_id, title=facts.title, **asdict(decision_response(decision))
        )
        for facts, decision in await _decide_all(
            viewer_of(reader_id), article_ids, database, settings
        )
    ]


async def _decide_all(
    viewer: Viewer, article_ids: list[str], database: Database, settings: Settings
) -> list[tuple[Facts, Decision]]:
    now = database.clock.now()
    async with database.reading() as session:
        asked = await load_facts(session, viewer, article_ids, settings=settings, now=now)
    decided = [(facts, decide(facts.terms, facts.viewer_state, now)) for facts in asked]
    for _, decision in decided:
        telemetry.count_decision(decision.reason)
    return decided


class BodyAnswer(ResponseModel):
    """The decision, with the body where it grants and the preview where it denies.

    `body_html` is null where access is granted to an article without a body.
    """

    decision: Annotated[
        DecisionAnswer, Meta(description="Whether the reader may have the body, and why.")
    ]
    body_html: Annotated[
        str | None,
        Meta(description="The whole body, unchanged; null if access is denied."),
    ]
    preview_html: Annotated[
        str | None, Meta(description="What everybody may read; null if access is granted.")
    ]


@post("/v1/access/body", guards=[site("articles:read")], status_code=200, tags=ARTICLES)
async def read_body(
    data: JSONBody[BodyQuestion],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> BodyAnswer:
    """Read a body if access is granted, counting a metered view; a denial has the preview."""
    return await _read_body(data.viewer(), data.article_id, database, settings)


@get("/v1/me/articles/{article_id:str}/body", guards=[only_readers], tags=ARTICLES)
async def read_my_body(
    article_id: PathArticleId,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> BodyAnswer:
    """Read a body if I have access; a metered view is counted."""
    return await _read_body(viewer_of(caller.subject), article_id, database, settings)


async def _read_body(
    viewer: Viewer, article_id: str, database: Database, settings: Settings
) -> BodyAnswer:
    decision = await decide_for(viewer, article_id, database, settings, counting=True)
    async with database.reading() as session:
        return BodyAnswer(
            decision=decision_response(decision),
            body_html=await body_of(session, article_id) if decision.granted else None,
            preview_html=None if decision.granted else await preview_of(session, article_id),
        )


ROUTES = [
    check_access,
    check_access_batch,
    check_my_access,
    check_my_access_batch,
    read_body,
    read_my_body,
]
