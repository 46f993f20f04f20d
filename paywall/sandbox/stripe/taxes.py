"""Taxes that are included in prices, where the account charges any."""

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.objects import Json


def included_tax(account: StandInAccount, amount: int) -> int:
    """The tax in an amount, at the account's rate."""
    return max(0, amount) * account.tax_percent // (100 + account.tax_percent)


def taxes_of(account: StandInAccount, amount: int) -> list[Json]:
    """The taxes of an invoice, as it states them; empty where none are charged."""
    tax = included_tax(account, amount)
    if not tax:
        return []
    return [
        {
            "amount": tax,
            "tax_behavior": "inclusive",
            "tax_rate_details": None,
            "taxability_reason": "standard_rated",
            "taxable_amount": amount - tax,
            "type": "tax_rate_details",
        }
    ]
