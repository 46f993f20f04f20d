"""The README's story, told by a real shell to a real service; `make readme` writes it anew.

In the story a block `sh` is what is typed, and the block after it what is answered.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.processes import Served

END_OF_ANSWER = "-- end of answer --"
ASSIGNMENT = re.compile(r"^(?:API|JSON|SITE_TOKEN|ANN|BO)=.*$", re.MULTILINE)
STEP = re.compile(r"```sh\n(?P<typed>.*?)```\n\n```(?P<kind>json|text)\n.*?```", re.DOTALL)
SHORTER = (
    (re.compile(r"\beyJ[\w.-]+"), "eyJ…"),
    (re.compile(r"http://127\.0\.0\.1:\d+/"), "http://127.0.0.1:8001/"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "2026-11-24T12:00:00Z"),
)


def printed(sandbox: Served) -> str:
    """What the sandbox told the player: all that comes before the log."""
    return sandbox.log.read_text().partition("\n{")[0]


def assignments(sandbox: Served) -> list[str]:
    return ASSIGNMENT.findall(printed(sandbox))


def typed(readme: str) -> list[str]:
    return [step["typed"] for step in STEP.finditer(_story(readme))]


def answers(sandbox: Served, commands: Sequence[str]) -> list[str]:
    """What a shell shows for each, with tokens and times made shorter."""
    script = [*assignments(sandbox)]
    for command in commands:
        script += [command, f"echo {END_OF_ANSWER!r}"]
    path = f"{Path(sys.executable).parent}:{sandbox.environment['PATH']}"
    shell = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", "\n".join(script)],  # noqa: S607 (the shell that a person has)
        cwd=sandbox.folder, env={**sandbox.environment, "PATH": path}, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
    )  # fmt: skip
    told = shell.stdout.split(f"{END_OF_ANSWER}\n")
    assert shell.returncode == 0, shell.stdout
    return [_shorter(answer) for answer in told[:-1]]


def retold(readme: str, told: Sequence[str]) -> str:
    """The README with these answers in its story."""
    story, rest = _story(readme), iter(told)
    return readme.replace(story, STEP.sub(lambda step: _step(step, rest), story))


def _step(step: re.Match[str], told: Iterator[str]) -> str:
    return f"```sh\n{step['typed']}```\n\n```{step['kind']}\n{next(told)}```"


def _story(readme: str) -> str:
    return readme.partition("<!-- story -->")[2].partition("<!-- /story -->")[0]


def _shorter(answer: str) -> str:
    for what, instead in SHORTER:
        answer = what.sub(instead, answer)
    return answer
