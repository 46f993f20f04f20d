"""The two questions, and what follows from an answer: unlock this article, cancel this."""

from html import escape

from litestar import Response

from paywall.access.api import DecisionAnswer, MyBatchAnswer
from paywall.rules.decision import Reason
from paywall.rules.enums import CancelWhen
from paywall.rules.phase import SubscriptionAction
from paywall.rules.urls import is_web_url
from paywall.subscribers.overview import Overview
from paywall.subscriptions.api import CancelAnswer, LapsingCredits
from paywall.unlocks.api import UnlockOutcome
from paywall.web.pages.asking import Refused, Service
from paywall.web.pages.buying import Terms, shelf
from paywall.web.pages.html import Writer
from paywall.web.pages.receipts import receipt_line, save_link
from paywall.web.pages.subscription import resumption

CANCEL = "/v1/me/subscription/cancel"


async def ask_to_unlock(
    writer: Writer, service: Service, article_id: str, terms: Terms, said: str = ""
) -> Response[str]:
    """The question, or why there is none and what can be bought. Raises Refused."""
    asked = {"article_ids": [article_id]}
    answer = await service.post("/v1/me/access/check-batch", asked, MyBatchAnswer)
    (decision,) = answer.decisions
    if decision.granted:
        way = writer.way_out(writer.say("open_article"), terms.back_url)
        return writer.page(writer.say("readable"), way)
    not_now = writer.way_out(writer.say("not_now"), terms.back_url)
    if decision.reason is not Reason.UNLOCK_AVAILABLE:
        is_for_subscribers = decision.reason is Reason.SUBSCRIPTION_REQUIRED
        title = writer.say("buy_page" if is_for_subscribers else "unlock_page")
        goods = ""
        if decision.actions:
            goods = await shelf(writer, service, terms, has_packs=not is_for_subscribers)
        return writer.page(title, writer.text(_why(writer, decision)), goods, not_now)
    cost = writer.say("credits", count=decision.unlock_cost)
    form = writer.form(
        "/account/unlock",
        writer.say("unlock"),
        first=True,
        article_id=article_id,
        max_cost=str(decision.unlock_cost),
        **terms.fields(),
    )
    # Of dearer articles fewer can be unlocked than there are credits.
    word = "unlocks_left" if decision.unlock_cost == 1 else "unlocks_left_here"
    left = writer.say(word, count=decision.unlocks_left // decision.unlock_cost, cost=cost)
    return writer.page(
        writer.say("unlock_question"),
        f"<p><b>{escape(decision.title)}</b></p>" if decision.title else "",
        writer.text(said) if said else "",
        writer.text(writer.say("unlock_cost", cost=cost, count=decision.unlocks_left)),
        writer.text(left),
        form,
        not_now,
    )


def _why(writer: Writer, decision: DecisionAnswer) -> str:
    match decision.reason:
        case Reason.CREDITS_REQUIRED:
            cost = writer.say("credits", count=decision.unlock_cost)
            balance = writer.say("credits", count=decision.unlocks_left)
            return writer.say("credits_needed", cost=cost, balance=balance)
        case Reason.SUBSCRIPTION_REQUIRED:
            return writer.say("subscribers_only")
        case _:
            return writer.say("not_to_be_had")


async def unlock(
    writer: Writer, service: Service, article_id: str, max_cost: int, key: str, terms: Terms
) -> Response[str]:
    """Unlock, and lead to the article; a changed price is asked about anew. Raises Refused."""
    order = {"article_id": article_id, "max_cost": max_cost}
    try:
        outcome = await service.post("/v1/me/unlocks", order, UnlockOutcome, key)
    except Refused as refused:
        if refused.code not in ("price_changed", "insufficient_credits", "subscription_required"):
            raise
        cost = writer.say("credits", count=refused.told.get("unlock_cost", max_cost))
        is_dearer = refused.code == "price_changed"
        said = writer.say("price_changed", cost=cost) if is_dearer else ""
        return await ask_to_unlock(writer, service, article_id, terms, said)
    left = writer.say("credits", count=outcome.unlocks_left)
    parts = [writer.text(writer.say("you_have", credits=left))]
    url = outcome.unlock.url if outcome.unlock is not None else None
    if url and is_web_url(url):
        parts.append(writer.link(writer.say("open_article"), url))
    title = writer.say("unlocked" if outcome.unlock is not None else "readable")
    return writer.page(title, *parts)


async def ask_to_cancel(
    writer: Writer, service: Service, subscription_id: str | None
) -> Response[str]:
    """The question, with exactly what follows from either answer. Raises Refused."""
    order = {"subscription_id": subscription_id, "when": CancelWhen.PERIOD_END, "dry_run": True}
    follows = await service.post(CANCEL, order, CancelAnswer)
    date = writer.language.moment(follows.access_until)
    is_late = await _is_late(service, follows.subscription_id)
    at_the_end = "at_period_end_late" if is_late else "at_period_end"
    choices = {
        CancelWhen.PERIOD_END: writer.say(at_the_end, date=date),
        CancelWhen.NOW: writer.say("at_once"),
    }
    radios = "".join(
        f'<label><input type="radio" name="when" value="{when}"'
        f"{' checked' if when is CancelWhen.PERIOD_END else ''}><span>{escape(text)}</span></label>"
        for when, text in choices.items()
    )
    legend = escape(writer.say("when_to_end"))
    form = writer.form(
        "/account/cancel",
        writer.say("cancel_confirm"),
        first=True,
        inner=f"<fieldset><legend>{legend}</legend>{radios}</fieldset>",
        subscription_id=follows.subscription_id,
    )
    kept = writer.text(_kept(writer, follows.credits)) if follows.credits else ""
    keep = f"<p>{writer.link(writer.say('keep'), '/account')}</p>"
    return writer.page(writer.say("cancel_question"), kept, form, keep)


def _kept(writer: Writer, credits_: list[LapsingCredits]) -> str:
    """One sentence for all the credits, with each part of them that lapses."""
    count = sum(some.amount for some in credits_)
    lapsing = [
        (some.amount, writer.language.moment(some.expires_at))
        for some in credits_
        if some.expires_at is not None
    ]
    if len(credits_) == len(lapsing) == 1:
        return writer.say("credits_stay_until", count=count, date=lapsing[0][1])
    parts = [writer.say("credits_of_these", count=some, date=date) for some, date in lapsing]
    return writer.say("credits_stay", count=count, parts="".join(parts))


async def cancel(
    writer: Writer, service: Service, subscription_id: str, when: str, key: str
) -> Response[str]:
    """Cancel, and show the receipt. Raises Refused."""
    order = {"subscription_id": subscription_id, "when": when}
    done = await service.post(CANCEL, order, CancelAnswer, f"{key}-{when}")
    date = writer.language.moment(done.access_until)
    if done.when is CancelWhen.NOW:
        said = [writer.say("cancelled_now")]
    elif await _is_late(service, subscription_id):
        said = [writer.say("cancelled_late")]
    else:
        said = [writer.say("cancelled"), writer.say("access_until", date=date)]
    told = "".join(writer.text(line) for line in said)
    if done.receipt is not None:
        line = receipt_line(writer, done.receipt)
        told += f"<p>{escape(line)} {save_link(writer, done.receipt.id, line)}</p>"
    can_resume = done.when is not CancelWhen.NOW
    resume = writer.actions(resumption(writer, done.subscription_id)) if can_resume else ""
    return writer.page(writer.say("cancel_page"), told, resume, writer.way_to_account())


async def _is_late(service: Service, subscription_id: str) -> bool:
    """Its last payment may still be tried again, which a cancellation at the end does not stop."""
    overview = await service.get("/v1/me", Overview)
    late = [
        one.id for one in overview.subscriptions if SubscriptionAction.FIX_PAYMENT in one.actions
    ]
    return subscription_id in late
