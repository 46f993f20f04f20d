"""Which prices a KHQR code can ask for; amounts are in the smallest unit of ISO 4217."""

from paywall.rules.money import format_money_with_code

STEPS = {"khr": 100, "usd": 1}
# Tag 54 has at most 13 characters, of which dollars with cents need three ("KHQR SDK" §Usage).
AMOUNT_MAX = 10**12 - 1


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
