"""What the stand-in's pages share: the frame, and how money and times are shown."""

from datetime import UTC, datetime
from html import escape

from babel.numbers import get_currency_precision
from litestar import Response

from paywall.sandbox.stripe.objects import Json

NOT_STRIPE = "This is not Stripe. No money moves."
SHOWN_WHOLE = frozenset({"khr"})
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def render_page(title: str, body: str, *, status: int = 200) -> Response[str]:
    """A whole page, loudly not Stripe's; `body` is HTML, `title` is text."""
    html = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} – not Stripe</title>
<link rel="stylesheet" href="/page.css">
</head>
<body>
<p class="loud" role="note"><strong>{NOT_STRIPE}</strong> A stand-in, to try things with.</p>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
"""
    return Response(html, status_code=status, media_type="text/html", headers=HEADERS)


def format_money(amount: int, currency: str) -> str:
    """An amount in the smallest unit, as a person writes it: `5.00 USD`, `20,000 KHR`."""
    digits = get_currency_precision(currency.upper())
    shown = 0 if currency in SHOWN_WHOLE else digits
    return f"{amount / 10**digits:,.{shown}f} {currency.upper()}"


def format_interval(recurring: Json) -> str:
    """How often a price is charged: `a month`, `every 3 months`."""
    count, interval = recurring["interval_count"], recurring["interval"]
    return f"a {interval}" if count == 1 else f"every {count} {interval}s"


def format_time(at: int) -> str:
    """A Unix time, to the minute."""
    return datetime.fromtimestamp(at, UTC).strftime("%-d %B %Y, %H:%M UTC")


def button(action: str, words: str, **fields: str) -> str:
    """A form of one button, with hidden fields."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    return (
        f'<form method="post" action="{escape(action)}">{hidden}'
        f"<button>{escape(words)}</button></form>"
    )


def link(address: str | None, words: str) -> str:
    """A way out, where there is one."""
    if not address:
        return ""
    return f'<p><a href="{escape(address)}" rel="noreferrer">{escape(words)}</a></p>'


def alert(words: str) -> str:
    """What went wrong, above everything else."""
    return f'<p class="alert" role="alert">{escape(words)}</p>' if words else ""
