"""Every command teaches."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from paywall.cli.main import main
from paywall.sandbox.__main__ import main as sandbox
from tests.processes import environment


def _all(command: click.Command, *words: str) -> Iterator[tuple[str, ...]]:
    yield words
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _all(inner, *words, name)


COMMANDS = list(_all(main))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_its_help_says_what_it_does_and_what_each_option_means(words: tuple[str, ...]) -> None:
    received = CliRunner().invoke(main, [*words, "--help"], terminal_width=80).stdout
    assert "..." not in received.partition("Commands:")[2], (
        "a first sentence is too long for its line"
    )
    assert "\\b" not in received, "a mark of click's is shown, so examples run into each other"
    assert len(received.splitlines()) > 6
    assert [parameter.name for parameter in _options(words) if not parameter.help] == []


def _options(words: tuple[str, ...]) -> Iterator[click.Option]:
    command: click.Command = main
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    yield from (parameter for parameter in command.params if isinstance(parameter, click.Option))


def test_the_sandbox_says_what_it_is_too() -> None:
    assert "newspaper" in CliRunner().invoke(sandbox, ["--help"]).stdout


def test_whoever_reads_no_further_is_told_nothing_of_the_database(tmp_path: Path) -> None:
    """As `paywall doctor | head -1`."""
    nobody_reads, output = os.pipe()
    os.close(nobody_reads)
    with os.fdopen(output, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "paywall", "doctor"], check=False,
            cwd=tmp_path, env=environment(), stdout=pipe, stderr=subprocess.PIPE,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, b"")
