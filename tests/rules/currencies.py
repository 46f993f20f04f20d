"""The table of currencies; `make currencies` writes it from what ISO 4217's agency publishes."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

import iso4217

from paywall.rules import currencies

FILE = Path(__file__).parents[2] / "paywall" / "rules" / "currencies.py"
TEMPLATE = '''"""The decimals of each currency by ISO 4217, as published on {published:%Y-%m-%d}.

`make currencies` writes this file.
"""


def _by_code(table: dict[int, str]) -> dict[str, int]:
    return {{code: decimals for decimals, codes in table.items() for code in codes.split()}}


DECIMALS = _by_code(
{in_use}
)
# Recorded payments can be in a currency that is no longer in use.
WITHDRAWN = _by_code(
{withdrawn}
)
'''


def published_decimals() -> dict[str, int]:
    """The decimals of each currency, without the codes for funds, metals and tests."""
    found: dict[str, int] = {}
    for entry in iso4217.raw_xml.iterfind("CcyTbl/CcyNtry"):
        code, decimals = entry.findtext("Ccy"), entry.findtext("CcyMnrUnts")
        name = entry.find("CcyNm")
        is_fund = name is not None and name.get("IsFund", "").lower() == "true"
        if code and decimals and decimals.isdecimal() and not is_fund:
            found[code.lower()] = int(decimals)
    return found


def make_module(in_use: Mapping[str, int]) -> str:
    """The module's text; a currency that it has and that is not in use becomes a withdrawn one."""
    known = {**currencies.WITHDRAWN, **currencies.DECIMALS}
    withdrawn = {code: known[code] for code in known.keys() - in_use.keys()}
    return TEMPLATE.format(
        published=iso4217.__published__, in_use=_table(in_use), withdrawn=_table(withdrawn)
    )


def _table(decimals: Mapping[str, int]) -> str:
    lines = ["    {"]
    for number in sorted(set(decimals.values())):
        codes = " ".join(sorted(code for code in decimals if decimals[code] == number))
        rows = textwrap.indent(textwrap.fill(codes, 84), " " * 12)
        lines.append(f'        {number}: """\n{rows}\n        """,')
    return "\n".join([*lines, "    }"])


if __name__ == "__main__":
    FILE.write_text(make_module(published_decimals()), encoding="utf-8")
