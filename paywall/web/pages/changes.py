"""Forms of the plain pages that change something, by the handlers of the API."""

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.response import Redirect

from paywall.database.engine import Database
from paywall.http.bodies import convert
from paywall.idempotency import make_claim
from paywall.payments.api import post_my_billing_portal, post_my_checkout
from paywall.payments.checkout_models import CheckoutInput, CheckoutPage, PortalAnswer, PortalInput
from paywall.problems import (
    INSUFFICIENT_CREDITS,
    PRICE_CHANGED,
    SUBSCRIPTION_REQUIRED,
    UNAVAILABLE,
    Problem,
)
from paywall.processors.bakong.context import BakongContext
from paywall.processors.stripe.context import StripeContext
from paywall.rules.enums import CancelWhen
from paywall.settings import Settings
from paywall.subscriptions.api import (
    CancelInput,
    ResumeInput,
    cancel_my_subscription,
    resume_my_subscription,
)
from paywall.subscriptions.cancel import find_subscription
from paywall.subscriptions.receipts import CancelAnswer
from paywall.subscriptions.responses import SubscriptionAnswer
from paywall.unlocks.api import UnlockInput, UnlockOutcome, unlock_my_article
from paywall.web.pages.form import COST_DIGITS_MAX
from paywall.web.pages.offers import SiteOptions, order_of
from paywall.web.pages.outcomes import Outcome, lead_to
from paywall.web.pages.questions import (
    load_cancel_question,
    load_unlock_question,
    render_cancel_question,
    render_unlock_question,
)
from paywall.web.pages.rendering import PageRenderer
from paywall.web.pages.requests import (
    AnyRequest,
    Page,
    SessionOver,
    authenticate_reader,
    content_of,
    form_of,
    page_of,
)


@post("/unlock")
async def unlock(
    request: AnyRequest, database: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Page:
    """Unlock, and lead to the article; where the price has changed, ask again."""
    page = page_of(request, settings)
    form = await form_of(request, page)
    cost = form.get("max_cost", "")
    if not cost.isdecimal() or len(cost) > COST_DIGITS_MAX:
        raise SessionOver
    caller = await authenticate_reader(request, page, database)
    data = convert({"article_id": form.get("article_id", ""), "max_cost": int(cost)}, UnlockInput)
    claim = make_claim(request, caller, form.get("key", ""), data)
    try:
        response = await unlock_my_article.fn(
            data=data, caller=caller, claim=claim, database=database, settings=settings
        )
    except Problem as problem:
        if problem.kind not in (PRICE_CHANGED, INSUFFICIENT_CREDITS, SUBSCRIPTION_REQUIRED):
            raise
        options, now = SiteOptions.from_form(form, page.site), database.clock.now()
        async with database.reading() as session:
            question = await load_unlock_question(
                session, caller.subject, data.article_id, options, settings=settings, now=now
            )
        new_cost = problem.members["unlock_cost"] if problem.kind is PRICE_CHANGED else None
        return render_unlock_question(page, question, options, new_cost=new_cost)
    unlocked = content_of(response, UnlockOutcome).unlock
    return lead_to(Outcome.UNLOCKED, str(unlocked.id) if unlocked else "")


@post("/buy")
async def buy(
    request: AnyRequest,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    stripe: NamedDependency[StripeContext | None],
    bakong: NamedDependency[BakongContext | None],
) -> Page:
    """On to the processor's page, or to our own with the KHQR code."""
    page = page_of(request, settings)
    form = await form_of(request, page)
    order = order_of(form, SiteOptions.from_form(form, page.site))
    if order is None:
        raise SessionOver
    caller = await authenticate_reader(request, page, database)
    # Without a key: the page that an earlier click of this form opened may be closed.
    response = await post_my_checkout.fn(
        data=convert(order, CheckoutInput),
        caller=caller,
        claim=None,
        stripe=stripe,
        bakong=bakong,
        settings=settings,
    )
    checkout = content_of(response, CheckoutPage)
    if checkout.khqr is not None:
        return Redirect(checkout.url, status_code=303)
    return page.render("away.html", "opening_payment", {"url": checkout.url})


@post("/cancel")
async def cancel(
    request: AnyRequest,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    stripe: NamedDependency[StripeContext | None],
) -> Page:
    """Without `when` it asks; with it, it cancels and leads to the receipt."""
    page = page_of(request, settings)
    form = await form_of(request, page)
    subscription_id = form.get("subscription_id", "")
    caller = await authenticate_reader(request, page, database)
    if "when" not in form:
        async with database.reading() as session:
            question = await load_cancel_question(
                session, caller.subject, subscription_id, settings, database.clock.now()
            )
        return render_cancel_question(page, question)
    data = convert({"subscription_id": subscription_id, "when": form["when"]}, CancelInput)
    try:
        response = await cancel_my_subscription.fn(
            data=data,
            caller=caller,
            claim=make_claim(request, caller, f"{form.get('key', '')}-{data.when}", data),
            database=database,
            stripe=stripe,
            settings=settings,
        )
    except Problem as problem:
        if problem.kind is not UNAVAILABLE:
            raise
        return await _ask_again(page, caller.subject, data, database)
    receipt = content_of(response, CancelAnswer).receipt
    return lead_to(Outcome.CANCELLED, receipt.id if receipt else "")


async def _ask_again(
    page: PageRenderer, reader_id: str, data: CancelInput, database: Database
) -> Page:
    """After a cancellation that was not confirmed: what is on record by now decides."""
    subscription_id, now = data.subscription_id or "", database.clock.now()
    async with database.reading() as session:
        subscription = await find_subscription(session, reader_id, subscription_id, now)
        if subscription.cancel_at_period_end and data.when is CancelWhen.PERIOD_END:
            return Redirect("/account", status_code=303)
        question = await load_cancel_question(
            session, reader_id, subscription_id, page.settings, now
        )
    return render_cancel_question(page, question, unconfirmed=data.when)


@post("/resume")
async def resume(
    request: AnyRequest,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    stripe: NamedDependency[StripeContext | None],
) -> Redirect:
    """Withdraw a cancellation."""
    page = page_of(request, settings)
    form = await form_of(request, page)
    caller = await authenticate_reader(request, page, database)
    data = convert({"subscription_id": form.get("subscription_id", "")}, ResumeInput)
    response = await resume_my_subscription.fn(
        data=data,
        caller=caller,
        claim=make_claim(request, caller, form.get("key", ""), data),
        database=database,
        stripe=stripe,
    )
    return lead_to(Outcome.RESUMED, content_of(response, SubscriptionAnswer).id)


@post("/billing")
async def billing(
    request: AnyRequest,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    stripe: NamedDependency[StripeContext | None],
) -> Response[str]:
    """On to the processor's page for cards and invoices."""
    page = page_of(request, settings)
    await form_of(request, page)
    portal: PortalAnswer = await post_my_billing_portal.fn(
        caller=await authenticate_reader(request, page, database),
        database=database,
        stripe=stripe,
        settings=settings,
        data=PortalInput(return_url=page.site),
    )
    return page.render("away.html", "billing", {"url": portal.url})
