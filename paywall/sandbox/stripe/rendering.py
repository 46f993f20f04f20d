"""Renders the stand-in's pages, and formats money, times and billing intervals for them."""

from datetime import UTC, datetime
from typing import NamedTuple

from litestar import Response

from paywall.sandbox.stripe.currencies import WHOLE, decimals_of
from paywall.sandbox.stripe.objects import Json
from paywall.web.templating import environment_of

NOT_STRIPE = "This is not Stripe. No money moves."
# Currencies with decimals that nobody writes.
WHOLE_CURRENCIES = WHOLE | {"khr"}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
TEMPLATES = environment_of("paywall.sandbox.stripe")


class FormButton(NamedTuple):
    """A form of one button, with its hidden fields."""

    text: str
    fields: dict[str, str]


def render_page(
    template: str, title: str, *, status: int = 200, error: str = "", **values: object
) -> Response[str]:
    """A whole page from this template; `error` is shown above everything else."""
    html = TEMPLATES.get_template(template).render(
        title=title, error=error, not_stripe=NOT_STRIPE, **values
    )
    return Response(html, status_code=status, media_type="text/html", headers=HEADERS)


def format_money(amount: int, currency: str) -> str:
    """An amount as Stripe counts it, for people: `5.00 USD`, `20,000 KHR`."""
    digits = decimals_of(currency)
    shown = 0 if currency in WHOLE_CURRENCIES else digits
    return f"{amount / 10**digits:,.{shown}f} {currency.upper()}"


def format_interval(recurring: Json) -> str:
    """How often a price is charged: `a month`, `every 3 months`."""
    count, interval = recurring["interval_count"], recurring["interval"]
    return f"a {interval}" if count == 1 else f"every {count} {interval}s"


def format_time(unix_seconds: int) -> str:
    """A Unix time, to the minute."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%-d %B %Y, %H:%M UTC")
