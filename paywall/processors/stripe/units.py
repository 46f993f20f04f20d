"""Amounts as Stripe counts them (https://docs.stripe.com/currencies), and as ISO 4217 does.

All other code counts in the smallest unit of ISO 4217. Parsing converts what Stripe answers, the
client what Stripe is asked.
"""

from typing import NamedTuple

from paywall.problems import UNAVAILABLE, Problem
from paywall.rules.money import USUAL_DECIMALS, decimals_of, format_money_with_code


class Rate(NamedTuple):
    """So many of the smallest unit of ISO 4217 are so many of Stripe's."""

    iso: int
    stripe: int


SAME = Rate(1, 1)
RATES = {
    # Without decimals in ISO 4217; Stripe counts hundredths, which have to be zero.
    "isk": Rate(1, 100),
    "ugx": Rate(1, 100),
    # With two decimals in ISO 4217; Stripe counts whole ariary.
    "mga": Rate(100, 1),
}
# With three decimals; Stripe takes whole tens.
TENS = frozenset("bhd jod kwd omr tnd".split())


class InexactAmount(Problem):
    """Stripe states an amount that is no whole number of the currency's smallest unit."""

    def __init__(self, amount: int, currency: str, what: str) -> None:
        super().__init__(
            UNAVAILABLE,
            f"Stripe states {amount} {currency} as {what}, in hundredths, but {currency.upper()}"
            f" has none. Nothing of it was recorded: correct it in Stripe's dashboard.",
            headers={"Retry-After": "60"},
        )


def rate_of(currency: str) -> Rate:
    return RATES.get(currency.lower(), SAME)


def from_stripe(amount: int, currency: str, what: str) -> int:
    """Stripe's amount in the smallest unit of ISO 4217; `what` names the field and the object.

    Raises InexactAmount.
    """
    rate = rate_of(currency)
    whole, rest = divmod(amount * rate.iso, rate.stripe)
    if rest:
        raise InexactAmount(amount, currency, what)
    return whole


def nearest_from_stripe(amount: int, currency: str) -> int:
    """A share of an amount, such as a proration, which Stripe rounds to its own unit."""
    rate = rate_of(currency)
    return round(amount * rate.iso / rate.stripe)


def to_stripe(amount: int, currency: str) -> int:
    """An amount as Stripe counts it; for one that `why_not_charged` accepts."""
    rate = rate_of(currency)
    return amount * rate.stripe // rate.iso


def why_not_charged(amount: int, currency: str) -> str | None:
    """Why Stripe cannot take exactly this amount, and what to do; None if it can."""
    if decimals_of(currency) > USUAL_DECIMALS and currency.lower() not in TENS:
        return f"Stripe does not offer {currency.upper()}: leave this price out"
    step = _step_of(currency)
    below = amount - amount % step
    if below == amount:
        return None
    near = [str(fitting) for fitting in (below, below + step) if fitting]
    return (
        f"Stripe takes {currency.upper()} only in multiples of {step}"
        f" ({format_money_with_code(step, currency)}), and {amount}"
        f" ({format_money_with_code(amount, currency)}) is none: use {' or '.join(near)}"
    )


def _step_of(currency: str) -> int:
    """The smallest amount by ISO 4217 of which Stripe takes every multiple."""
    return 10 if currency.lower() in TENS else rate_of(currency).iso
