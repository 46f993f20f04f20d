"""The table of currencies is ISO 4217's."""

from moneyed import CURRENCIES

from paywall.rules import currencies, money
from tests.rules.currencies import FILE, make_module, published_decimals


def test_the_table_is_the_one_that_the_agency_published() -> None:
    assert FILE.read_text(encoding="utf-8") == make_module(published_decimals()), (
        "Run `make currencies`."
    )
    assert published_decimals() == currencies.DECIMALS


def test_a_list_that_others_keep_has_the_same_decimals() -> None:
    common = [code for code in currencies.DECIMALS if code.upper() in CURRENCIES]
    assert len(common) > 150
    for code in common:
        assert CURRENCIES[code.upper()].sub_unit == 10 ** money.decimals_of(code), code


def test_a_currency_that_is_withdrawn_keeps_its_decimals() -> None:
    without = {code: number for code, number in published_decimals().items() if code != "isk"}
    changed: dict[str, dict[str, int]] = {}
    exec(make_module(without), changed)  # noqa: S102 (it is the module that would be written)
    assert "isk" not in changed["DECIMALS"]
    assert changed["WITHDRAWN"]["isk"] == 0
    assert currencies.WITHDRAWN.items() <= changed["WITHDRAWN"].items()


def test_what_no_price_can_be_in_is_no_currency() -> None:
    """A fund, a metal, the code for tests, one that was withdrawn, and none at all."""
    for code in ("CLF", "xau", "XTS", "bgn", "zzz", ""):
        assert money.currency_code(code) is None, code
    assert money.currency_code("Khr") == "khr"
