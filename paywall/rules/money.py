"""Which currencies there are: those of ISO 4217 that are legal tender somewhere today."""

from functools import cache

from babel.core import get_global


def currency_code(text: str) -> str | None:
    """The code in lower case, as it is kept everywhere; None where there is no such currency."""
    code = text.lower()
    return code if code in _currencies() else None


@cache
def _currencies() -> frozenset[str]:
    return frozenset(
        code.lower()
        for of_territory in get_global("territory_currencies").values()
        for code, _since, until, is_tender in of_territory
        if is_tender and until is None
    )
