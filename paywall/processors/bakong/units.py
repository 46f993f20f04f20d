"""Amounts as Bakong writes them, 4000 riel or 1.50 dollars, and as ISO 4217 counts them.

All other code counts in the smallest unit of ISO 4217, which gives riel two decimals. Nobody uses
those: KHQR takes whole riel, and dollars with at most two decimals.
"""

from decimal import Decimal

from paywall.rules.money import decimals_of, format_money_with_code

STEPS = {"khr": 100, "usd": 1}
# Tag 54 has at most 13 characters, of which dollars with cents need three ("KHQR SDK" §Usage).
AMOUNT_MAX = 10**12 - 1
# No amount of a bank has more digits before or after its decimal mark.
DIGITS_MAX = 20


def why_not_charged(amount: int, currency: str) -> str | None:
    """Why Bakong cannot take exactly this amount, and what to do; None if it can."""
    step = STEPS.get(currency.lower())
    if step is None:
        return f"Bakong takes riel and dollars, and no {currency.upper()}: leave this price out"
    if not 0 < amount <= AMOUNT_MAX:
        most = format_money_with_code(AMOUNT_MAX - AMOUNT_MAX % step, currency)
        return f"Bakong takes amounts above zero, and at most {most}"
    below = amount - amount % step
    if below == amount:
        return None
    near = [str(fitting) for fitting in (below, below + step) if fitting]
    return (
        f"Bakong takes only whole riel, and {amount}"
        f" ({format_money_with_code(amount, currency)}) is none: use {' or '.join(near)}"
    )


def to_bakong(amount: int, currency: str) -> Decimal:
    """An amount as Bakong counts it; for one that `why_not_charged` accepts."""
    return Decimal(amount).scaleb(-decimals_of(currency))


def from_bakong(amount: Decimal, currency: str) -> int | None:
    """Bakong's amount in the smallest unit of ISO 4217; None if it is no whole number of it."""
    if not amount.is_finite() or not -DIGITS_MAX < amount.adjusted() < DIGITS_MAX:
        return None
    scaled = amount.scaleb(decimals_of(currency))
    return int(scaled) if scaled == scaled.to_integral_value() else None
