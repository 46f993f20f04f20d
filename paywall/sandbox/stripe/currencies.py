"""How Stripe counts money (https://docs.stripe.com/currencies); two decimals if not named here."""

from paywall.sandbox.stripe.errors import ApiError, invalid_parameter

ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
# Counted in hundredths as before they lost their decimals; the hundredths have to be zero.
WHOLE = frozenset("isk ugx".split())
# The last digit has to be zero.
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())


def decimals_of(currency: str) -> int:
    """How many of an amount's last digits are decimals."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def check_amount(param: str, amount: int, currency: str) -> None:
    """Raises ApiError for an amount that Stripe does not take in this currency."""
    if currency in WHOLE and amount % 100:
        raise ApiError(
            f"Invalid amount. Currency {currency.upper()} has become effectively zero-decimal and"
            " charged amounts must be evenly divisible by 100. See"
            " https://stripe.com/docs/currencies#special-cases for more information.",
            code="invalid_charge_amount_no_decimal_compatible",
            param=param,
        )
    if amount % _step_of(currency):
        raise invalid_parameter(param, f"Invalid amount: {currency} must be divisible by 10.")


def round_amount(amount: float, currency: str) -> int:
    """The nearest amount that can be charged."""
    step = _step_of(currency)
    return round(amount / step) * step


def _step_of(currency: str) -> int:
    if currency in WHOLE:
        return 100
    return 10 if currency in THREE_DECIMAL else 1
