"""How products are listed, and what a larger pack saves."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from paywall.rules.offers import SizedPrice, listing_order, savings_percent

pack_prices = st.lists(
    st.builds(
        SizedPrice,
        product_id=st.sampled_from("abcdef"),
        size=st.integers(1, 1_000_000),
        currency=st.sampled_from(["usd", "khr"]),
        amount=st.integers(0, 10**12),
    ),
    max_size=6,
    unique_by=lambda price: (price.product_id, price.currency),
)


@given(pack_prices)
def test_a_saving_is_true_and_never_rounded_up(prices: list[SizedPrice]) -> None:
    savings = savings_percent(prices)
    for price in prices:
        alike = [other for other in prices if other.currency == price.currency]
        smallest = min(alike, key=lambda other: (other.size, other.amount))
        now, before = (Fraction(one.amount, one.size) for one in (price, smallest))
        saved = 1 - now / before if before else Fraction()
        shown = savings.get((price.product_id, price.currency), 0)
        assert 0 <= shown <= 100
        assert shown <= max(saved, Fraction()) * 100 < shown + 1


def test_a_saving_starts_at_one_percent() -> None:
    def saved(amount: int) -> dict[tuple[str, str], int]:
        prices = [SizedPrice("one", 1, "usd", 1000), SizedPrice("ten", 10, "usd", amount)]
        return savings_percent(prices)

    assert saved(9_901) == {}
    assert saved(9_900) == {("ten", "usd"): 1}
    assert saved(0) == {("ten", "usd"): 100}


def test_of_two_smallest_packs_the_cheaper_is_compared_with() -> None:
    small = [SizedPrice("a", 5, "usd", 300), SizedPrice("b", 5, "usd", 200)]
    assert savings_percent([*small, SizedPrice("c", 10, "usd", 360)]) == {("c", "usd"): 10}


@given(st.lists(st.tuples(st.none() | st.integers(0, 10_000), st.integers(0), st.text())))
def test_what_has_a_position_is_listed_first(places: list[tuple[int | None, int, str]]) -> None:
    listed = sorted(places, key=lambda place: listing_order(*place))
    positions = [position for position, _, _ in listed]
    placed = [position for position in positions if position is not None]
    assert positions == [*sorted(placed), *[None] * (len(positions) - len(placed))]
