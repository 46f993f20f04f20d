"""The telephone's pages: the codes that it was shown, paying one, and the bank's faults."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import NamedTuple
from urllib.parse import urlencode

from litestar import Response
from litestar.response import Redirect

from paywall.sandbox.bakong.bank import PaymentWay, StandInBank
from paywall.sandbox.bakong.faults import BankFault
from paywall.sandbox.bakong.khqr_reader import UnreadableCode, read_code
from paywall.web.templating import environment_of

NOT_A_BANK = "This is not a bank. No money moves."
LISTED_MAX = 30
DECIMALS = {"khr": 0, "usd": 2}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
TEMPLATES = environment_of("paywall.sandbox.bakong")


class ListedCode(NamedTuple):
    """A code on the telephone's list."""

    url: str
    title: str
    state: str


def show_codes(bank: StandInBank, error: str = "") -> Response[str]:
    """The codes, newest first, a field for the text of another, and the faults."""
    newest = islice(reversed(bank.state.shown), LISTED_MAX)
    return _page(
        "codes.html",
        "Telephone",
        error=error,
        codes=[_listed(bank, text) for text in newest],
        now=_format_time(bank.now()),
        faults=list(BankFault),
        planned=[planned.fault.value for planned in bank.faults.planned],
    )


def show_code(bank: StandInBank, text: str) -> Response[str]:
    """What a scanned code asks for, and the ways to pay it."""
    try:
        code = bank.show(text)
    except UnreadableCode as error:
        return show_codes(bank, str(error))
    return _page(
        "code.html",
        code.name,
        code=code,
        text=text,
        amount=_format_money(code.amount, code.currency),
        expires=_format_time(code.expires_at),
        is_over=bank.now() >= code.expires_at,
        payments=[
            f"{_format_money(paid.amount, paid.currency)} to {paid.to_account}"
            f" on {_format_time(paid.paid_at)}"
            for paid in bank.payments_of(text)
        ],
        ways=list(PaymentWay),
    )


def pay(bank: StandInBank, text: str, way: str) -> Response[str] | Redirect:
    """Pay, and show the code with its payment."""
    chosen = PaymentWay[way] if way in PaymentWay.__members__ else PaymentWay.EXACT
    try:
        bank.pay(text, chosen)
    except UnreadableCode as error:
        return show_codes(bank, str(error))
    return Redirect(f"/scan?{urlencode({'qr': text})}", status_code=303)


def switch_fault(bank: StandInBank, name: str, path: str, times: str) -> Response[str] | Redirect:
    """Switch a fault on, for so many calls or until all are cleared; without a name, clear all."""
    if name in BankFault.__members__:
        bank.faults.plan(BankFault[name], path, int(times) if times.isdecimal() else None)
    elif name:
        return show_codes(bank, "The bank has no such fault.")
    else:
        bank.faults.clear()
    return Redirect("/", status_code=303)


def _page(template: str, title: str, *, error: str = "", **values: object) -> Response[str]:
    html = TEMPLATES.get_template(template).render(
        title=title, error=error, not_a_bank=NOT_A_BANK, **values
    )
    status = 400 if error else 200
    return Response(html, status_code=status, media_type="text/html", headers=HEADERS)


def _listed(bank: StandInBank, text: str) -> ListedCode:
    code = read_code(text)
    title = f"{_format_money(code.amount, code.currency)}, {code.name}"
    count = len(bank.payments_of(text))
    if count:
        state = "paid" if count == 1 else f"paid {count} times"
    else:
        state = "over" if bank.now() >= code.expires_at else "open"
    return ListedCode(f"/scan?{urlencode({'qr': text})}", title, state)


def _format_money(amount: Decimal, currency: str) -> str:
    return f"{amount:,.{DECIMALS[currency]}f} {currency.upper()}"


def _format_time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%-d %B %Y, %H:%M UTC")
