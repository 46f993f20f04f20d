"""Forms of the plain pages for what follows a sale: withdrawing, and why a reader cancelled."""

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from paywall.catalogue.offers import load_offers
from paywall.database.engine import Database
from paywall.http.bodies import convert
from paywall.idempotency import make_claim
from paywall.payments.api import post_my_withdrawal
from paywall.payments.responses import to_response
from paywall.payments.withdrawals import (
    WithdrawalAnswer,
    WithdrawalInput,
    find_purchase_of,
)
from paywall.processors.stripe.context import StripeContext
from paywall.settings import Settings
from paywall.subscriptions.api import post_my_feedback
from paywall.subscriptions.feedback import FeedbackInput
from paywall.tokens.revocation import refuse_revoked
from paywall.web.pages.account import purchase_title
from paywall.web.pages.form import WORD_CHARS_MAX
from paywall.web.pages.outcomes import Outcome, lead_to
from paywall.web.pages.requests import (
    AnyRequest,
    SessionOver,
    authenticate_reader,
    content_of,
    form_of,
    page_of,
    page_of_reader,
)


@get("/withdraw/{purchase_id:str}")
async def ask_to_withdraw(
    purchase_id: FromPath[str],
    request: AnyRequest,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[str]:
    """What withdrawing from a purchase would do, with the button that does it."""
    page, caller = await page_of_reader(request, settings)
    async with database.reading() as session:
        await refuse_revoked(session, caller, database.dialect)
    data = _withdrawal_of(purchase_id, dry_run=True)
    response = await post_my_withdrawal.fn(
        data=data, caller=caller, claim=None, database=database, stripe=None, settings=settings
    )
    async with database.reading() as session:
        purchase = await find_purchase_of(session, caller.subject, data.purchase_id)
        bought = await to_response(session, purchase, settings)
        offers = await load_offers(session, settings, database.clock.now())
    values = {
        "withdrawal": content_of(response, WithdrawalAnswer),
        "product": purchase_title(offers, page.language, bought),
    }
    return page.render("withdraw.html", "withdraw_question", values)


@post("/withdraw")
async def withdraw(
    request: AnyRequest,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    stripe: NamedDependency[StripeContext | None],
) -> Redirect:
    """Withdraw, and lead to the receipt."""
    page = page_of(request, settings)
    form = await form_of(request, page)
    data = _withdrawal_of(form.get("purchase_id", ""), dry_run=False)
    caller = await authenticate_reader(request, page, database)
    response = await post_my_withdrawal.fn(
        data=data,
        caller=caller,
        claim=make_claim(request, caller, form.get("key", ""), data),
        database=database,
        stripe=stripe,
        settings=settings,
    )
    return lead_to(Outcome.WITHDRAWN, content_of(response, WithdrawalAnswer).id or "")


def _withdrawal_of(purchase_id: str, *, dry_run: bool) -> WithdrawalInput:
    """Raises SessionOver for what is no number of a purchase, or Problem for one that is none."""
    if not purchase_id.isdecimal() or len(purchase_id) > WORD_CHARS_MAX:
        raise SessionOver
    return convert({"purchase_id": int(purchase_id), "dry_run": dry_run}, WithdrawalInput)


@post("/why")
async def answer_why(
    request: AnyRequest, database: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Redirect:
    """The answer to the optional question after a cancellation."""
    page = page_of(request, settings)
    form = await form_of(request, page)
    caller = await authenticate_reader(request, page, database)
    # A browser sends each line break of a text as two characters.
    comment = form.get("comment", "").replace("\r\n", "\n")
    fields = {
        "receipt_id": form.get("receipt_id", ""),
        "reason": form.get("reason", "other"),
        "comment": comment,
    }
    data = convert(fields, FeedbackInput)
    claim = make_claim(request, caller, form.get("key", ""), data)
    await post_my_feedback.fn(data=data, caller=caller, claim=claim, database=database)
    return lead_to(Outcome.ANSWERED)
