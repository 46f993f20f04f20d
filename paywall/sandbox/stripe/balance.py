"""Movements of the account's balance: https://docs.stripe.com/api/balance_transactions."""

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.objects import Json


def move_balance(account: StandInAccount, source: Json, amount: int, category: str) -> Json:
    """Record that a dispute or a failed refund moved an amount; negative: out of the balance."""
    return account.create(
        "balance_transaction",
        amount=amount,
        available_on=account.now,
        currency=source["currency"],
        net=amount,
        reporting_category=category,
        source=source["id"],
    )
