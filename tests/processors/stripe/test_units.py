"""Amounts keep their value on the way to Stripe and back, in every currency."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paywall.http.fields import AMOUNT_MAX
from paywall.processors.stripe.units import (
    InexactAmount,
    from_stripe,
    to_stripe,
    why_not_charged,
)
from paywall.rules.currencies import DECIMALS
from paywall.rules.money import decimals_of
from paywall.sandbox.stripe import currencies as stripes
from paywall.sandbox.stripe.errors import ApiError

# Stripe does not offer these (https://docs.stripe.com/currencies).
NOT_OFFERED = {"iqd", "lyd", "uyw"}
CURRENCIES = st.sampled_from(sorted(DECIMALS.keys() - NOT_OFFERED))
AMOUNTS = st.integers(min_value=0, max_value=AMOUNT_MAX)


def is_taken(amount: int, currency: str) -> bool:
    try:
        stripes.check_amount("amount", amount, currency)
    except ApiError:
        return False
    return True


@given(amount=AMOUNTS, currency=CURRENCIES)
def test_every_amount_that_stripe_takes_is_the_same_there_and_back(
    amount: int, currency: str
) -> None:
    asked = to_stripe(amount, currency)
    value = Decimal(amount).scaleb(-decimals_of(currency))
    is_exact = value == Decimal(asked).scaleb(-stripes.decimals_of(currency))
    assert (why_not_charged(amount, currency) is None) == (is_exact and is_taken(asked, currency))
    if is_exact:
        assert from_stripe(asked, currency, "amount") == amount


@given(amount=st.integers(min_value=-AMOUNT_MAX, max_value=AMOUNT_MAX), currency=CURRENCIES)
def test_every_amount_that_stripe_states_is_converted_exactly_or_refused(
    amount: int, currency: str
) -> None:
    stated = Decimal(amount).scaleb(-stripes.decimals_of(currency))
    try:
        received = from_stripe(amount, currency, "amount")
    except InexactAmount:
        assert stated.scaleb(decimals_of(currency)) % 1 != 0
    else:
        assert Decimal(received).scaleb(-decimals_of(currency)) == stated


@pytest.mark.parametrize(
    ("amount", "currency", "near"),
    [
        (150, "mga", "100 or 200"),
        (50, "mga", "100"),
        (1234, "kwd", "1230 or 1240"),
        (5, "TND", "10"),
    ],
)
def test_a_refusal_names_the_amounts_that_fit(amount: int, currency: str, near: str) -> None:
    why = why_not_charged(amount, currency)
    assert why is not None
    assert why.endswith(f"is none: use {near}")
    for fitting in near.split(" or "):
        assert why_not_charged(int(fitting), currency) is None


@pytest.mark.parametrize("currency", sorted(NOT_OFFERED))
def test_a_currency_that_stripe_may_count_otherwise_is_refused(currency: str) -> None:
    why = f"Stripe does not offer {currency.upper()}: leave this price out"
    assert why_not_charged(1_000, currency) == why


def test_a_refusal_is_one_sentence() -> None:
    assert why_not_charged(150, "mga") == (
        "Stripe takes MGA only in multiples of 100 (1 MGA), and 150 (1.50 MGA) is none:"
        " use 100 or 200"
    )
