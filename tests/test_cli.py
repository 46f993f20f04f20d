"""Every command teaches."""

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from paywall.cli import main
from paywall.sandbox.__main__ import main as sandbox


def _all(command: click.Command, *words: str) -> Iterator[tuple[str, ...]]:
    yield words
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _all(inner, *words, name)


COMMANDS = list(_all(main))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_its_help_says_what_it_does_and_what_each_option_means(words: tuple[str, ...]) -> None:
    told = CliRunner().invoke(main, [*words, "--help"], terminal_width=80).stdout
    assert "..." not in told.partition("Commands:")[2], "a first sentence is too long for its line"
    assert len(told.splitlines()) > 6
    assert [parameter.name for parameter in _options(words) if not parameter.help] == []


def _options(words: tuple[str, ...]) -> Iterator[click.Option]:
    command: click.Command = main
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]
    yield from (parameter for parameter in command.params if isinstance(parameter, click.Option))


def test_the_sandbox_says_what_it_is_too() -> None:
    assert "newspaper" in CliRunner().invoke(sandbox, ["--help"]).stdout
