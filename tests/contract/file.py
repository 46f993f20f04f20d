"""The contract as a file; `python -m tests.contract.file` writes it."""

import re
from pathlib import Path
from typing import Any

import yaml
from litestar import Litestar

from paywall.app import create_app
from paywall.contract.document import document
from paywall.settings import Settings
from tests.router import router_of

FOLDER = Path(__file__).parents[2] / "openapi"
TODAY = FOLDER / "paywall.yaml"
RELEASED = FOLDER / "released.yaml"
_HIDDEN = re.compile(r"[\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")


class _Dumper(yaml.SafeDumper):
    """Without YAML's anchors, which few readers of OpenAPI follow."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True

    def analyze_scalar(self, scalar: str) -> Any:
        """Text with white space that nobody can tell from a space is written with escapes."""
        self.allow_unicode = not _HIDDEN.search(scalar)
        return super().analyze_scalar(scalar)


def todays() -> dict[str, Any]:
    """The contract of the routes as they are."""
    app = router_of(create_app(Settings()))
    assert isinstance(app, Litestar)
    return document(app)


def as_yaml(contract: dict[str, Any]) -> str:
    return yaml.dump(contract, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    TODAY.write_text(as_yaml(todays()), encoding="utf-8")
