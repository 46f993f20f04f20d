"""Entering the plain pages by a form on a page of the site, their language, and leaving them."""

import re
from collections.abc import Mapping

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_403_FORBIDDEN

from paywall.catalogue.offers import load_offers
from paywall.database.engine import Database
from paywall.database.errors import is_unavailable
from paywall.http.edge import as_problem
from paywall.rules.phase import SubscriptionAction
from paywall.settings import Settings
from paywall.subscriptions.responses import SubscriptionAnswer, subscriptions_of
from paywall.tokens.revocation import Target, is_revoked, refuse_revoked, revoke
from paywall.web.assets import assets_of
from paywall.web.pages.account import load_overview
from paywall.web.pages.form import address, read_form
from paywall.web.pages.offers import SiteOptions, view_offers
from paywall.web.pages.questions import (
    load_cancel_question,
    load_unlock_question,
    render_cancel_question,
    render_unlock_question,
)
from paywall.web.pages.receipts import NAME
from paywall.web.pages.rendering import PageRenderer
from paywall.web.pages.requests import (
    AnyRequest,
    Page,
    SessionOver,
    address_of_client,
    find_reader,
    form_of,
    page_of,
    render_failure,
    session_of,
    verify_reader,
)
from paywall.web.pages.session import (
    PageSession,
    came_from_the_site,
    expired_cookie,
    make_session,
)

KHQR_ID = re.compile(r"khqr_[0-9a-f]{1,64}")


@post("/enter")
async def enter(
    request: AnyRequest, database: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Page:
    """From a page of the site: `token`, `page` and its fields.

    `unlock` names an `article`; `cancel` may name a `subscription`, and leads to the account where
    nothing renews; `receipt` names a `receipt`, `withdraw` a `purchase_id`, and `khqr` the checkout
    whose code is shown. Each may say where the reader comes `back` to, and their `name`; `unlock`
    and `buy`, where to `return` after paying, and with `consent` that readers are to agree to get
    it at once.
    """
    request.app.state.sign_ins.count(address_of_client(request, settings))
    fields = await read_form(request)
    names = ("token", "language", "back", "name")
    session = make_session(*(fields.get(name, "") for name in names))
    page = PageRenderer(request, settings, session)
    if not came_from_the_site(request, settings):
        page.is_over = True
        return page.render_message("wrong_origin", HTTP_403_FORBIDDEN)
    try:
        first = await _first_page(request, page, fields, database)
    except Exception as error:  # noqa: BLE001 (the cookie is set whatever happened)
        first = render_failure(page, error)
    await _end_another_readers(request, database, session)
    # Whatever is answered: a session that another reader had in this browser is over.
    is_refused = first.status_code == HTTP_403_FORBIDDEN
    first.cookies.append(expired_cookie() if is_refused else session.cookie())
    return first


async def _end_another_readers(request: AnyRequest, database: Database, new: PageSession) -> None:
    """Entering again goes on with a reader's session; any other that was in this browser ends."""
    old = session_of(request)
    before, now = await find_reader(request, old), await find_reader(request, new)
    if before is not None and (now is None or before.subject != now.subject):
        await _revoke_token(request, database, old)


async def _first_page(
    request: AnyRequest, page: PageRenderer, fields: Mapping[str, str], database: Database
) -> Page:
    """Raises Problem."""
    name, settings = fields.get("page"), page.settings
    if (named := _named_page(fields)) is not None:
        return Redirect(named, status_code=303)
    if name not in ("unlock", "buy", "cancel"):
        return Redirect("/account", status_code=303)
    options = SiteOptions.from_form(fields, page.site)
    caller = await verify_reader(request, page)
    reader_id, now = caller.subject, database.clock.now()
    async with database.reading() as session:
        await refuse_revoked(session, caller, database.dialect)
        if name == "unlock":
            question = await load_unlock_question(
                session, reader_id, fields.get("article", ""), options, settings=settings, now=now
            )
            return render_unlock_question(page, question, options)
        if name == "buy":
            mine = await load_overview(session, reader_id, settings, now)
            offers = view_offers(await load_offers(session, settings, now), mine, options)
            not_now_url = page.page_of_site(options.back_url)
            return page.render(
                "buy.html", "buy_page", {"offers": offers, "not_now_url": not_now_url}
            )
        subscription_id = fields.get("subscription")
        if not subscription_id:
            subscriptions = await subscriptions_of(session, reader_id, now)
            subscription_id = next((one.id for one in subscriptions if _renews(one)), None)
        if subscription_id is None:
            return Redirect("/account", status_code=303)
        asked = await load_cancel_question(session, reader_id, subscription_id, settings, now)
        return render_cancel_question(page, asked)


def _named_page(fields: Mapping[str, str]) -> str | None:
    """The path of a page that needs nothing but a name."""
    receipt, purchase_id, code_id = (
        fields.get(it, "") for it in ("receipt", "purchase_id", "khqr")
    )
    match fields.get("page"):
        case "receipt" if NAME.fullmatch(receipt):
            return f"/account/receipts/{receipt}"
        case "withdraw" if purchase_id.isascii() and purchase_id.isdecimal():
            return f"/account/withdraw/{purchase_id}"
        case "khqr" if KHQR_ID.fullmatch(code_id):
            return f"/account/khqr/{code_id}"
        case _:
            return None


def _renews(one: SubscriptionAnswer) -> bool:
    """Whether it is to be cancelled first; a late one that is cancelled can only end at once."""
    return SubscriptionAction.CANCEL in one.actions and not one.cancel_at_period_end


@post("/language")
async def set_language(request: AnyRequest, settings: NamedDependency[Settings]) -> Redirect:
    """The account in another language."""
    page = page_of(request, settings)
    language = (await form_of(request, page)).get("language", "")
    if page.session is None or language.lower() not in assets_of(settings).languages.by_code:
        raise SessionOver
    session = msgspec.structs.replace(page.session, preferred=language)
    return Redirect("/account", status_code=303, cookies=[session.cookie()])


@get("/leave")
async def leave(
    request: AnyRequest,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    back: FromQuery[str] = "",
) -> Page:
    """Forget the reader here. A site leads here when they sign out, and says where to go `back`.

    By GET, so that it can: a stranger's page can do no more with it than close these pages. The
    session's token is revoked, so that a copy of the cookie opens nothing either.
    """
    page = page_of(request, settings)
    try:
        await _revoke_token(request, database, page.session)
    except Exception as error:
        if not is_unavailable(error):
            raise
        # On a shared computer the cookie has to go all the same.
        problem = as_problem(error)
        problem.headers["Set-Cookie"] = expired_cookie().to_header(header="")
        raise problem from error
    wanted = address(back) or (page.session.back_url if page.session else "")
    if url := page.page_of_site(wanted) or page.site:
        return Redirect(url, status_code=303, cookies=[expired_cookie()])
    page.session = None
    return page.render("base.html", "left", {"message": ""}, cookies=[expired_cookie()])


async def _revoke_token(
    request: AnyRequest, database: Database, session: PageSession | None
) -> None:
    """Refuse the token of a session that is over; one that does not hold is refused already."""
    caller = await find_reader(request, session)
    if caller is None or await is_revoked(database, caller):
        return
    issuers = request.app.state.verifier.issuers
    target = Target(caller.issuer, token_id=caller.token_id)
    async with database.writing() as writing:
        await revoke(writing, issuers, target, database.clock.now())
