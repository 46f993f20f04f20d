"""The alert rules and the dashboard as files, and the series that their expressions name."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tests.processes import ROOT

FOLDER = ROOT / "docker" / "monitoring"
# Labels that Prometheus or the dashboard adds.
ADDED_LABELS = ("job", "instance")
SELECTOR = re.compile(r"\b((?:paywall|process)_[a-z_]+)(?:{([^}]*)})?")
MATCHER = re.compile(r'(\w+)(=~|!=|=)"([^"]*)"')
SERIES = re.compile(r"([a-z_]+)(?:{(.*)})? \S+")

Series = tuple[str, Mapping[str, str]]


def alerts() -> list[dict[str, Any]]:
    """Every alert of the file."""
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries_of_dashboard() -> list[str]:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def series_of(scrape: str) -> list[Series]:
    """The name and the labels of each series that a process shows."""
    found = (SERIES.fullmatch(line) for line in scrape.splitlines())
    return [
        (match[1], dict(re.findall(r'(\w+)="([^"]*)"', match[2] or ""))) for match in found if match
    ]


def selectors_without_series(expression: str, shown: list[Series]) -> Iterator[str]:
    """What the expression selects, and no process shows."""
    for selector in SELECTOR.finditer(expression):
        matchers = [it for it in MATCHER.findall(selector[2] or "") if it[0] not in ADDED_LABELS]
        if not any(
            name == selector[1] and all(_matches(labels, *matcher) for matcher in matchers)
            for name, labels in shown
        ):
            yield selector[0]


def _matches(labels: Mapping[str, str], label: str, operator: str, value: str) -> bool:
    given = labels.get(label)
    match operator:
        case "=":
            return given == value
        case "=~":
            return given is not None and re.fullmatch(value, given) is not None
        case _:
            return given is not None and given != value
