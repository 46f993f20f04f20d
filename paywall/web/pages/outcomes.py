"""What a form did, at an address of its own, so that reloading it sends nothing again.

The addresses name no article: they are in the browser's history, and in logs.
"""

from enum import StrEnum
from urllib.parse import quote

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.credits.responses import list_spendable_grants
from paywall.database.engine import Database
from paywall.database.tables import CancellationReceipt, Purchase, Subscription, Unlock, Withdrawal
from paywall.http.bodies import convert
from paywall.payments.withdrawals import withdrawal_to_response
from paywall.rules.enums import CancelReason
from paywall.rules.phase import SubscriptionAction
from paywall.settings import Settings
from paywall.subscriptions.api import ResumeInput
from paywall.subscriptions.receipts import receipt_to_response
from paywall.subscriptions.responses import load_responses
from paywall.tokens.revocation import refuse_revoked
from paywall.unlocks.responses import unlock_responses
from paywall.web.pages.receipts import NAME, withdrawal_sentence
from paywall.web.pages.rendering import PageRenderer
from paywall.web.pages.requests import AnyRequest, Page, page_of_reader

ID_DIGITS_MAX = 18


class Outcome(StrEnum):
    """What was done, in the address."""

    UNLOCKED = "unlocked"
    CANCELLED = "cancelled"
    RESUMED = "resumed"
    WITHDRAWN = "withdrawn"
    ANSWERED = "answered"


def lead_to(outcome: Outcome, id_: str = "") -> Redirect:
    """On to the page of an outcome, by GET; `id_` names the unlock, subscription or receipt."""
    return Redirect(f"/account/done/{outcome}:{quote(id_, safe='')}", status_code=303)


@get("/done/{outcome:str}")
async def show_outcome(
    outcome: FromPath[str],
    request: AnyRequest,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Page:
    """What was done; the account, where the reader did no such thing."""
    page, caller = await page_of_reader(request, settings)
    name, _, id_ = outcome.partition(":")
    async with database.reading() as session:
        await refuse_revoked(session, caller, database.dialect)
        return await _render(session, page, caller.subject, name, id_) or Redirect(
            "/account", status_code=303
        )


async def _render(
    session: AsyncSession, page: PageRenderer, reader_id: str, name: str, id_: str
) -> Response[str] | None:
    match name:
        case Outcome.UNLOCKED:
            return await _unlocked(session, page, reader_id, id_)
        case Outcome.CANCELLED:
            return await _cancelled(session, page, reader_id, id_)
        case Outcome.RESUMED:
            return await _resumed(session, page, reader_id, id_)
        case Outcome.WITHDRAWN:
            return await _withdrawn(session, page, reader_id, id_)
        case Outcome.ANSWERED:
            return page.render_message("why_thanks", 200)
        case _:
            return None


async def _unlocked(
    session: AsyncSession, page: PageRenderer, reader_id: str, id_: str
) -> Response[str] | None:
    """With the way to the article; without an id it was readable already."""
    grants = await list_spendable_grants(session, reader_id, page.now)
    values = {"unlocks_left": sum(grant.remaining for grant in grants)}
    if not id_:
        return page.render("unlocked.html", "readable", {**values, "unlock": None})
    is_number = id_.isdecimal() and len(id_) <= ID_DIGITS_MAX
    unlock = await session.get(Unlock, int(id_)) if is_number else None
    if unlock is None or unlock.reader_id != reader_id or unlock.revoked_at is not None:
        return None
    (answer,) = await unlock_responses(session, [unlock])
    return page.render("unlocked.html", "unlocked", {**values, "unlock": answer})


async def _cancelled(
    session: AsyncSession, page: PageRenderer, reader_id: str, receipt_id: str
) -> Response[str] | None:
    """With the receipt, the way back, and the optional question why."""
    is_id = NAME.fullmatch(receipt_id) is not None
    receipt = await session.get(CancellationReceipt, receipt_id) if is_id else None
    if receipt is None or receipt.reader_id != reader_id:
        return None
    subscription = await session.get_one(Subscription, receipt.subscription_id)
    (one,) = await load_responses(session, [subscription], page.now)
    values = {
        "receipt": receipt_to_response(receipt),
        "subscription": one,
        "is_late": SubscriptionAction.FIX_PAYMENT in one.actions,
        "reasons": [] if receipt.feedback_at else list(CancelReason),
    }
    return page.render("cancelled.html", "receipt_cancellation", values)


async def _resumed(
    session: AsyncSession, page: PageRenderer, reader_id: str, subscription_id: str
) -> Response[str] | None:
    """Raises Problem for what is no id of a subscription."""
    data = convert({"subscription_id": subscription_id}, ResumeInput)
    subscription = await session.get(Subscription, data.subscription_id)
    if subscription is None or subscription.reader_id != reader_id:
        return None
    (one,) = await load_responses(session, [subscription], page.now)
    if one.cancel_at_period_end:
        return None
    return page.render("resumed.html", "resumed", {"subscription": one})


async def _withdrawn(
    session: AsyncSession, page: PageRenderer, reader_id: str, withdrawal_id: str
) -> Response[str] | None:
    is_id = NAME.fullmatch(withdrawal_id) is not None
    withdrawal = await session.get(Withdrawal, withdrawal_id) if is_id else None
    if withdrawal is None or withdrawal.reader_id != reader_id or withdrawal.confirmed_at is None:
        return None
    purchase = await session.get_one(Purchase, withdrawal.purchase_id)
    answer = withdrawal_to_response(purchase, withdrawal)
    values = {"withdrawal": answer, "sentence": withdrawal_sentence(page.language, answer)}
    return page.render("withdrawn.html", "withdrawn", values)
