"""Amounts as Bakong writes them, 4000 riel or 1.50 dollars, and as ISO 4217 counts them.

All other code counts in the smallest unit of ISO 4217, which gives riel two decimals. Nobody uses
those: KHQR takes whole riel, and dollars with at most two decimals.
"""

from decimal import Decimal

from paywall.rules.money import decimals_of

# No amount of a bank has more digits before or after its decimal mark.
DIGITS_MAX = 20


def to_bakong(amount: int, currency: str) -> Decimal:
    """An amount as Bakong counts it; for one that `why_not_charged` accepts."""
    return Decimal(amount).scaleb(-decimals_of(currency))


def from_bakong(amount: Decimal, currency: str) -> int | None:
    """Bakong's amount in the smallest unit of ISO 4217; None if it is no whole number of it."""
    if not amount.is_finite() or not -DIGITS_MAX < amount.adjusted() < DIGITS_MAX:
        return None
    scaled = amount.scaleb(decimals_of(currency))
    return int(scaled) if scaled == scaled.to_integral_value() else None
