"""Examples of the contract, recorded from a played story by `make openapi`.

Where nothing is recorded there is no example, so that a new model can be recorded at all; a test
fails then.
"""

from importlib.resources import files
from typing import Any

import msgspec


class Examples(msgspec.Struct):
    """What `tests/contract/recording.py` writes."""

    models: dict[str, dict[str, Any]]
    fields: dict[str, Any]
    parameters: dict[str, Any]
    problems: dict[str, dict[str, Any]]

    def of_field(self, owner: str, name: str) -> list[Any]:
        """The field's value in its model's example, or a value of its own where that has none."""
        value = self.fields.get(f"{owner}.{name}", self.models.get(owner, {}).get(name))
        return [] if value is None else [value]


EXAMPLES = msgspec.json.decode(
    files("paywall.contract").joinpath("examples.json").read_bytes(), type=Examples
)
