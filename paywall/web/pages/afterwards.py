"""Forms of the plain pages for what follows a sale: withdrawing, and why a reader cancelled."""

from litestar import Response, post
from litestar.di import NamedDependency

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
from paywall.web.pages.account import purchase_title
from paywall.web.pages.receipts import withdrawal_sentence
from paywall.web.pages.requests import (
    AnyRequest,
    SessionOver,
    authenticate_reader,
    content_of,
    form_of,
    page_of,
)


@post("/withdraw")
async def withdraw(
    request: AnyRequest,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    stripe: NamedDependency[StripeContext | None],
) -> Response[str]:
    """Without `agreed` it asks; with it, it withdraws and leads to the receipt."""
    page = page_of(request, settings)
    form = await form_of(request, page)
    purchase_id = form.get("purchase_id", "")
    if not purchase_id.isdecimal():
        raise SessionOver
    caller = await authenticate_reader(request, page, database)
    is_agreed = "agreed" in form
    fields = {"purchase_id": int(purchase_id), "dry_run": not is_agreed}
    data = convert(fields, WithdrawalInput)
    response = await post_my_withdrawal.fn(
        data=data,
        caller=caller,
        claim=make_claim(request, caller, form.get("key", ""), data) if is_agreed else None,
        database=database,
        stripe=stripe,
        settings=settings,
    )
    content = content_of(response, WithdrawalAnswer)
    if is_agreed:
        sentence = withdrawal_sentence(page.language, content)
        values = {"withdrawal": content, "sentence": sentence}
        return page.render("withdrawn.html", "withdrawn", values)
    async with database.reading() as session:
        purchase = await find_purchase_of(session, caller.subject, data.purchase_id)
        bought = await to_response(session, purchase, settings)
        offers = await load_offers(session, settings, database.clock.now())
        product = purchase_title(offers, page.language, bought)
    values = {"withdrawal": content, "product": product}
    return page.render("withdraw.html", "withdraw_question", values)


@post("/why")
async def answer_why(
    request: AnyRequest, database: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Response[str]:
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
    return page.render_message("why_thanks", 200)
