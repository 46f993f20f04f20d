"""The README stays short, and what it shows is what `make run` prints."""

from paywall.sandbox.prepare import SandboxSummary
from paywall.sandbox.welcome import StandInAddresses, welcome_text
from tests.house.docs import README
from tests.story import commands

TEXT = README.read_text(encoding="utf-8")
LINES_MAX = 200


def test_the_readme_is_read_in_a_few_minutes() -> None:
    assert len(TEXT.splitlines()) <= LINES_MAX


def test_the_readme_names_the_test_command_that_ci_runs() -> None:
    _, _, rest = TEXT.partition("<!-- test command -->\n```sh\n")
    assert rest.partition("```")[0] == "make test\n"


def test_the_commands_of_the_readme_are_printed_by_make_run() -> None:
    sandbox = SandboxSummary(14, is_new=True, site_token="s", ann="a", bo="b")
    instructions = welcome_text(
        sandbox, "http://service", "http://paper", "var", StandInAddresses(None, None)
    )
    shown = [command.strip() for command in commands(TEXT)]
    assert len(shown) == 2
    assert [command for command in shown if command not in instructions] == []
