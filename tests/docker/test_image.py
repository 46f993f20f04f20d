"""The image and the compose file refer to existing files, commands and settings."""

import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from paywall.cli.main import main
from paywall.load_settings import load_settings
from tests.postgres import free_port
from tests.processes import ROOT, serving

FOLDER = ROOT / "docker"
IMAGE = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
EXAMPLE = (FOLDER / "example.env").read_text(encoding="utf-8")
OURS = {name: it for name, it in COMPOSE["services"].items() if it["image"] == "paywall"}
IMAGE_ADDRESS = "http://127.0.0.1:8000"
FILLED_IN = {
    "POSTGRES_PASSWORD": "0f1e2d",
    "PAYWALL_STRIPE_SECRET_KEY": "sk_test_0123456789",
    "PAYWALL_STRIPE_WEBHOOK_SECRETS": "whsec_0123456789",
}


def _filled_in() -> dict[str, str]:
    """The example with every empty value filled in, also in comments."""
    named = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert {name for name, value in named.items() if not value} == set(FILLED_IN)
    return named | FILLED_IN


def _words(instruction: str) -> list[str]:
    """The words of the image's only instruction of this kind."""
    (found,) = re.findall(rf"^{instruction} (\[.*\])$", IMAGE, re.MULTILINE)
    words: list[str] = json.loads(found)
    return words


def test_compose_sets_valid_settings_for_its_own_database(tmp_path: Path) -> None:
    given = _filled_in()
    assert OURS
    for service in OURS.values():
        environment = {
            name: re.sub(r"\$\{(\w+):\?.*?\}", lambda found: given[found[1]], value)
            for name, value in service["environment"].items()
        }
        loaded = load_settings(given | environment, tmp_path)
        assert loaded.database_url == "postgresql://paywall:0f1e2d@database/paywall"
        assert loaded.sells_by_stripe


@pytest.mark.parametrize("words", [_words("CMD"), *(it["command"] for it in OURS.values())])
def test_the_commands_of_image_and_compose_exist(words: list[str]) -> None:
    assert _words("ENTRYPOINT") == ["paywall"]
    main.commands[words[0]].make_context(words[0], words[1:])


def test_compose_publishes_the_service_on_localhost_alone() -> None:
    published = {name: it["ports"] for name, it in COMPOSE["services"].items() if "ports" in it}
    # The proxy is started only by its profile.
    assert COMPOSE["services"]["proxy"]["profiles"] == ["tls"]
    assert published == {"paywall": ["127.0.0.1:8000:8000"], "proxy": ["80:80", "443:443"]}


def test_the_files_that_the_image_copies_are_in_its_context() -> None:
    rules = (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    included = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", IMAGE, re.MULTILINE)
        for word in line.split()
    }
    assert copied == included
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert "*" in rules
    assert any(fnmatch("paywall/rules/__pycache__", rule) for rule in rules)
    assert "paywall/sandbox" in rules[rules.index("!paywall") :]


def test_the_images_python_is_one_that_ci_tests() -> None:
    (version,) = re.findall(r"^ARG PYTHON=python:(\d\.\d+)-slim$", IMAGE, re.MULTILINE)
    assert version in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_image_is_healthy_while_the_service_answers(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        assert _check_health(served.address).returncode == 0
    assert _check_health(f"http://127.0.0.1:{free_port()}").returncode != 0


def _check_health(address: str) -> "subprocess.CompletedProcess[bytes]":
    """Run the image's health check against this address."""
    python, *words = _words(r"HEALTHCHECK .*\\\n +CMD")
    assert (python, IMAGE_ADDRESS in words[-1]) == ("python", True)
    command = [word.replace(IMAGE_ADDRESS, address) for word in words]
    return subprocess.run([sys.executable, *command], check=False, capture_output=True)
