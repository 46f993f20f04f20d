"""Addresses of the plain pages. A page of the site opens them by a form with a reader token."""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.status_codes import HTTP_403_FORBIDDEN
from litestar.types import ControllerRouterHandler

from paywall.database.engine import Database
from paywall.database.errors import is_unavailable
from paywall.http.edge import as_problem
from paywall.http.origins import is_of_the_site
from paywall.problems import INVALID_TOKEN, Problem
from paywall.rules.phase import SubscriptionAction
from paywall.settings import Settings
from paywall.subscribers.export_models import ReaderExport
from paywall.subscribers.overview import Overview
from paywall.subscriptions.responses import SubscriptionAnswer
from paywall.tokens.caller import Caller, TokenKind
from paywall.tokens.guard import anyone
from paywall.tokens.revocation import Target, is_revoked, revoke
from paywall.tokens.verify import Verifier
from paywall.web.assets import parts_of
from paywall.web.pages import questions
from paywall.web.pages.account import load_account, receipt, sections
from paywall.web.pages.asking import Refused, Service
from paywall.web.pages.buying import Terms, order_of, shelf
from paywall.web.pages.form import COST_DIGITS_MAX, FORM_BYTES_MAX, address, read_form
from paywall.web.pages.html import HEADERS, Writer
from paywall.web.pages.session import (
    Session,
    begin,
    came_from_the_site,
    end,
    language_of,
    session_of,
)
from paywall.web.pages.subscription import until

Asking = Request[Any, Any, Any]
Answered = Response[str] | Redirect
SORRY = {
    "unavailable": "unreachable",
    "article_unknown": "not_to_be_had",
    "no_subscription": "no_subscription",
    "subscription_unknown": "no_subscription",
    "subscription_ended": "cancelled_now",
    "already_subscribed": "subscribed_already",
    "payment_pending": "payment_pending",
    "no_billing": "no_billing",
}


class SessionOver(Exception):  # noqa: N818 (a state of things, told to a reader)
    """There is no cookie, or the form was not made for it."""


def _writer(request: Asking, settings: Settings) -> Writer:
    session = session_of(request)
    return Writer(language_of(request, session, settings), settings, session)


def _service(request: Asking, writer: Writer) -> Service:
    """Raises SessionOver."""
    if writer.session is None:
        raise SessionOver
    return Service(request, writer.session.token)


async def _form(request: Asking, writer: Writer) -> Mapping[str, str]:
    """The fields of a form that we made for this session; raises SessionOver for any other."""
    fields = await read_form(request)
    if writer.session is None or not writer.session.sent(fields.get("form_token", "")):
        raise SessionOver
    return fields


@post("/enter")
async def enter(
    request: Asking, database: NamedDependency[Database], settings: NamedDependency[Settings]
) -> Answered:
    """From a page of the site: `token`, `page` and its fields.

    `unlock` names an `article`; `cancel` may name a `subscription`, and leads to the account where
    nothing renews. Each may say where the reader comes `back` to, and their `name`; `unlock` and
    `buy`, where to `return` after paying, and with `consent` that readers are to agree to get it at
    once.
    """
    fields = await read_form(request)
    told = [fields.get(name, "") for name in ("token", "language", "back", "name")]
    session = begin(*told)
    writer = Writer(language_of(request, session, settings), settings, session)
    if not came_from_the_site(request, settings):
        return writer.sorry(writer.say("wrong_origin"), 403)
    try:
        page = await _first_page(writer, Service(request, session.token), fields)
    except Refused as refused:
        page = _refusal(writer, refused)
    await _end_another_readers(request, database, session)
    # Whatever is answered: a session that another reader had in this browser is over.
    page.cookies.append(end() if page.status_code == HTTP_403_FORBIDDEN else session.cookie())
    return page


async def _end_another_readers(request: Asking, database: Database, new: Session) -> None:
    """Entering again goes on with a reader's session; any other that was in this browser ends."""
    old = session_of(request)
    before, now = await _caller(request, old), await _caller(request, new)
    if before is not None and (now is None or before.subject != now.subject):
        await _revoke_token(request, database, old)


async def _first_page(writer: Writer, service: Service, fields: Mapping[str, str]) -> Answered:
    """Raises Refused."""
    terms = Terms.told(fields, writer.site)
    match fields.get("page"):
        case "unlock":
            article_id = fields.get("article", "")
            return await questions.ask_to_unlock(writer, service, article_id, terms)
        case "buy":
            goods = await shelf(writer, service, terms)
            not_now = writer.way_out(writer.say("not_now"), terms.back_url)
            return writer.page(writer.say("buy_page"), goods, not_now)
        case "cancel" if named := fields.get("subscription") or await _first_to_cancel(service):
            return await questions.ask_to_cancel(writer, service, named)
        case _:
            return Redirect("/account", status_code=303)


async def _first_to_cancel(service: Service) -> str | None:
    overview = await service.get("/v1/me", Overview)
    mine = overview.subscriptions
    return next((one.id for one in mine if SubscriptionAction.CANCEL in one.actions), None)


@get()
async def account(request: Asking, settings: NamedDependency[Settings]) -> Response[str]:
    """What the reader has."""
    writer = _writer(request, settings)
    told = await load_account(_service(request, writer))
    return writer.page(writer.say("account"), writer.languages(), *sections(writer, told))


@post("/language")
async def speak(request: Asking, settings: NamedDependency[Settings]) -> Redirect:
    """The account in another language."""
    writer = _writer(request, settings)
    language = (await _form(request, writer)).get("language", "")
    if writer.session is None or language.lower() not in parts_of(settings).languages.by_code:
        raise SessionOver
    session = msgspec.structs.replace(writer.session, preferred=language)
    return Redirect("/account", status_code=303, cookies=[session.cookie()])


@get("/leave")
async def leave(
    request: Asking,
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    back: FromQuery[str] = "",
) -> Answered:
    """Forget the reader here. A site leads here when they sign out, and says where to go `back`.

    By GET, so that it can: a stranger's page can do no more with it than close these pages. The
    session's token is revoked, so that a copy of the cookie opens nothing either.
    """
    writer = _writer(request, settings)
    try:
        await _revoke_token(request, database, writer.session)
    except Exception as error:
        if not is_unavailable(error):
            raise
        # On a shared computer the cookie has to go all the same.
        problem = as_problem(error)
        problem.headers["Set-Cookie"] = end().to_header(header="")
        raise problem from error
    told = address(back) or (writer.session.back_url if writer.session else "")
    way = told if is_of_the_site(told, settings) else writer.site
    if way:
        return Redirect(way, status_code=303, cookies=[end()])
    nobodys = Writer(writer.language, settings, None)
    return nobodys.page(writer.say("left"), cookies=[end()])


async def _revoke_token(request: Asking, database: Database, session: Session | None) -> None:
    """Refuse the token of a session that is over; one that does not hold is refused already."""
    caller = await _caller(request, session)
    if caller is None or await is_revoked(database, caller):
        return
    issuers = request.app.state.verifier.issuers
    target = Target(caller.issuer, token_id=caller.token_id)
    async with database.writing() as writing:
        await revoke(writing, issuers, target, database.clock.now())


async def _caller(request: Asking, session: Session | None) -> Caller | None:
    """Whose the session's token is; None where it does not hold."""
    if session is None:
        return None
    verifier: Verifier = request.app.state.verifier
    try:
        return await verifier.verify(session.token, TokenKind.READER)
    except Problem as problem:
        if problem.kind is not INVALID_TOKEN:
            raise
        return None


@post("/unlock")
async def unlock(request: Asking, settings: NamedDependency[Settings]) -> Response[str]:
    """The answer to the question."""
    writer = _writer(request, settings)
    form = await _form(request, writer)
    cost = form.get("max_cost", "")
    if not cost.isdecimal() or len(cost) > COST_DIGITS_MAX:
        raise SessionOver
    return await questions.unlock(
        writer,
        _service(request, writer),
        form.get("article_id", ""),
        int(cost),
        form.get("key", ""),
        Terms.told(form, writer.site),
    )


@post("/buy")
async def buy(request: Asking, settings: NamedDependency[Settings]) -> Response[str]:
    """On to the processor's page."""
    writer = _writer(request, settings)
    form = await _form(request, writer)
    order = order_of(form, Terms.told(form, writer.site))
    if order is None:
        raise SessionOver
    # Each click is a wish of its own: what an earlier one of this form opened may be closed.
    page = await _service(request, writer).post("/v1/me/checkout", order, Elsewhere)
    return writer.away(writer.say("opening_payment"), page.url)


@post("/cancel")
async def cancel(request: Asking, settings: NamedDependency[Settings]) -> Response[str]:
    """Without `when` it asks; with it, it cancels."""
    writer = _writer(request, settings)
    form = await _form(request, writer)
    service = _service(request, writer)
    subscription_id = form.get("subscription_id", "")
    if "when" not in form:
        return await questions.ask_to_cancel(writer, service, subscription_id)
    return await questions.cancel(
        writer, service, subscription_id, form["when"], form.get("key", "")
    )


@get(["/enter", "/language", "/unlock", "/buy", "/cancel", "/resume", "/billing"])
async def opened_anew() -> Redirect:
    """What a form led to was asked for again by its address alone."""
    return Redirect("/account", status_code=303)


@post("/resume")
async def resume(request: Asking, settings: NamedDependency[Settings]) -> Response[str]:
    """Take a cancellation back."""
    writer = _writer(request, settings)
    form = await _form(request, writer)
    order = {"subscription_id": form.get("subscription_id", "")}
    service = _service(request, writer)
    path = "/v1/me/subscription/resume"
    resumed = await service.post(path, order, SubscriptionAnswer, form.get("key"))
    told = writer.text(until(writer, resumed))
    return writer.page(writer.say("resumed"), told, writer.way_to_account())


class Elsewhere(msgspec.Struct):
    """Where a page of the processor's for the reader is."""

    url: str


@post("/billing")
async def billing(request: Asking, settings: NamedDependency[Settings]) -> Response[str]:
    """On to the processor's page for cards and invoices."""
    writer = _writer(request, settings)
    await _form(request, writer)
    order = {"return_url": writer.site} if writer.site else None
    portal = await _service(request, writer).post("/v1/me/billing-portal", order, Elsewhere)
    return writer.away(writer.say("billing"), portal.url)


@get("/data")
async def data(request: Asking, settings: NamedDependency[Settings]) -> Response[bytes]:
    """Everything on record, as a file that a person can read."""
    service = _service(request, _writer(request, settings))
    export = await service.get("/v1/me/export", ReaderExport)
    name = 'attachment; filename="my-data.json"'
    told = msgspec.json.format(msgspec.json.encode(export), indent=2)
    headers = {**HEADERS, "Content-Disposition": name}
    return Response(told, media_type=MediaType.JSON, headers=headers)


@get("/receipts/{name:str}")
async def save_receipt(
    name: FromPath[str], request: Asking, settings: NamedDependency[Settings]
) -> Response[str]:
    """The receipt of a payment or a cancellation, as a file to keep."""
    writer = _writer(request, settings)
    text = receipt(writer, await load_account(_service(request, writer)), name)
    if text is None:
        return writer.sorry(writer.say("no_receipt"), 404)
    kept = {"Content-Disposition": f'attachment; filename="{name}.txt"'}
    return Response(text, media_type="text/plain", headers={**HEADERS, **kept})


def _tell_over(request: Asking, _error: SessionOver) -> Response[str]:
    settings: Settings = request.app.state.settings
    writer = _writer(request, settings)
    return writer.sorry(writer.say("session_over"), 403)


def _tell_refusal(request: Asking, refused: Refused) -> Response[str]:
    settings: Settings = request.app.state.settings
    return _refusal(_writer(request, settings), refused)


def _refusal(writer: Writer, refused: Refused) -> Response[str]:
    """A token that does not hold is a session that is over; all else is told in words."""
    if refused.status in (401, 403):
        return writer.sorry(writer.say("session_over"), 403)
    return writer.sorry(writer.say(SORRY.get(refused.code, "failed")), refused.status)


ROUTES: list[ControllerRouterHandler] = [
    Router(
        "/account",
        route_handlers=[
            enter,
            account,
            speak,
            leave,
            unlock,
            buy,
            cancel,
            opened_anew,
            resume,
            billing,
            data,
            save_receipt,
        ],
        guards=[anyone],
        include_in_schema=False,
        request_max_body_size=FORM_BYTES_MAX,
        exception_handlers={SessionOver: _tell_over, Refused: _tell_refusal},
    )
]
