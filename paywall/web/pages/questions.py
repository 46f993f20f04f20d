"""The two questions of the plain pages: unlock this article, cancel this subscription."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from litestar import Response
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall import telemetry
from paywall.access.facts import load_article_facts, viewer_of
from paywall.catalogue.offers import load_offers
from paywall.credits.responses import GrantAnswer, list_spendable_grants
from paywall.http.bodies import convert
from paywall.problems import UNAVAILABLE
from paywall.rules.decision import Decision, Reason, decide
from paywall.rules.enums import CancelWhen
from paywall.settings import Settings
from paywall.subscriptions.api import CancelInput
from paywall.subscriptions.cancel import find_subscription, refuse_ended
from paywall.subscriptions.period_payment import PeriodPayment, load_period_payment
from paywall.subscriptions.receipts import has_other_access, reader_access_until
from paywall.subscriptions.responses import SubscriptionAnswer, load_responses
from paywall.unlocks.api import UnlockInput
from paywall.web.pages.account import credits_by_expiry, load_overview
from paywall.web.pages.offers import OffersView, SiteOptions, view_offers
from paywall.web.pages.rendering import PageRenderer


class UnlockQuestion(NamedTuple):
    """A decision on an article, and what can be bought where it is denied."""

    article_id: str
    article_title: str | None
    decision: Decision
    offers: OffersView | None


async def load_unlock_question(
    session: AsyncSession,
    reader_id: str,
    article_id: str,
    options: SiteOptions,
    *,
    settings: Settings,
    now: datetime,
) -> UnlockQuestion:
    """Raises Problem for what is no id of an article."""
    article_id = convert({"article_id": article_id}, UnlockInput).article_id
    facts = await load_article_facts(
        session, viewer_of(reader_id), article_id, settings=settings, now=now
    )
    decision = decide(facts.terms, facts.viewer_state, now)
    telemetry.count_decision(decision.reason)
    offers = None
    if decision.actions and decision.reason is not Reason.UNLOCK_AVAILABLE:
        offers = view_offers(
            await load_offers(session, settings, now),
            await load_overview(session, reader_id, settings, now),
            options,
            has_packs=decision.reason is not Reason.SUBSCRIPTION_REQUIRED,
        )
    return UnlockQuestion(article_id, facts.title, decision, offers)


def render_unlock_question(
    page: PageRenderer,
    question: UnlockQuestion,
    options: SiteOptions,
    *,
    new_cost: int | None = None,
) -> Response[str]:
    """The question, or why there is none and what can be bought."""
    decision = question.decision
    titles = {
        Reason.UNLOCK_AVAILABLE: "unlock_question",
        Reason.SUBSCRIPTION_REQUIRED: "buy_page",
        Reason.CREDITS_REQUIRED: "buy_page",
    }
    return page.render(
        "unlock.html",
        "readable" if decision.granted else titles.get(decision.reason, "unlock_page"),
        {
            "decision": decision,
            "article_title": question.article_title,
            "offers": question.offers,
            "not_now_url": page.page_of_site(options.back_url),
            "new_cost": new_cost,
            "unlock_fields": {
                "article_id": question.article_id,
                "max_cost": str(decision.unlock_cost),
                **options.fields(),
            },
        },
    )


class CancelQuestion(NamedTuple):
    """What follows from cancelling at the end of the period, and whether "now" leaves access."""

    subscription: SubscriptionAnswer
    access_until: datetime
    keeps_access: bool
    period_payment: PeriodPayment | None
    grants: Sequence[GrantAnswer]


async def load_cancel_question(
    session: AsyncSession, reader_id: str, subscription_id: str, settings: Settings, now: datetime
) -> CancelQuestion:
    """Raises Problem for what is no id of a subscription, and where there is nothing to cancel."""
    when = CancelWhen.PERIOD_END
    data = convert({"subscription_id": subscription_id, "when": when}, CancelInput)
    subscription = await find_subscription(session, reader_id, data.subscription_id, now)
    refuse_ended(subscription, now)
    access_until = await reader_access_until(session, subscription, now)
    grants = await list_spendable_grants(session, reader_id, now)
    (response,) = await load_responses(session, [subscription], now)
    keeps_access = await has_other_access(session, subscription, now)
    paid = await load_period_payment(session, subscription, settings, now)
    return CancelQuestion(response, access_until, keeps_access, paid, grants)


def render_cancel_question(
    page: PageRenderer, question: CancelQuestion, *, unconfirmed: CancelWhen | None = None
) -> Response[str]:
    """The question; `unconfirmed` is what was chosen before and not confirmed."""
    return page.render(
        "cancel.html",
        "cancel_question",
        {
            "is_unconfirmed": unconfirmed is not None,
            "chosen": unconfirmed or CancelWhen.PERIOD_END,
            "subscription": question.subscription,
            "access_until": question.access_until,
            "keeps_access": question.keeps_access,
            "paid": question.period_payment,
            "credits": [
                _kept_credits(page, amount, expires_at)
                for expires_at, amount in credits_by_expiry(question.grants)
            ],
        },
        status=200 if unconfirmed is None else UNAVAILABLE.status,
    )


def _kept_credits(page: PageRenderer, amount: int, expires_at: datetime | None) -> str:
    t = page.language.translate
    if expires_at is None:
        return t("credits_stay", count=amount)
    return t("credits_stay_until", count=amount, date=page.language.end(expires_at, page.now))
