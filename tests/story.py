"""Run a page's story in a real shell against a real service, and compare or record its answers.

A story stands between `<!-- story -->` and `<!-- /story -->`. In it a block `sh` is what is typed,
and a block `json` or `text` right after it is what the shell prints. A block `sh` without one
prints nothing.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tests.processes import Served

STORY, STORY_END = "<!-- story -->", "<!-- /story -->"
END_OF_ANSWER = "-- end of answer --"
ASSIGNMENT = re.compile(r"^(?:API|JSON|SITE_TOKEN|ANN|BO|STAND_IN)=.*$", re.MULTILINE)
STEP = re.compile(r"```sh\n(?P<command>.*?)```(?:\n\n```(?:json|text)\n.*?```)?", re.DOTALL)
# What differs from run to run, and what the pages show instead.
REPLACEMENTS = (
    (re.compile(r"\beyJ[\w.-]+"), "eyJ…"),
    (re.compile(r"http://127\.0\.0\.1:\d+/checkout/"), "http://127.0.0.1:…/checkout/"),
    (re.compile(r"http://127\.0\.0\.1:\d+/"), "http://127.0.0.1:8001/"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "2026-11-24T12:00:00Z"),
    # How many ids were left out depends on when the stand-in's webhooks arrived.
    (re.compile(r'("id": )\d+(,\s+"reader_id")'), r"\g<1>1\2"),
    (re.compile(r"\b\d{4}-[A-Z2-7]{4}-[A-Z2-7]{4}\b"), "2026-K3QZ-7T4M"),
    (re.compile(r"\b(checkout|receipt|sub|cs_test)_[0-9a-f]{8,}\b"), r"\1_…"),
)


def printed(sandbox: Served) -> str:
    """The sandbox's instructions: its output before the log begins."""
    return sandbox.log.read_text().partition("\n{")[0]


def assignments(sandbox: Served) -> list[str]:
    return ASSIGNMENT.findall(printed(sandbox))


def commands(page: str) -> list[str]:
    return [step["command"] for step in STEP.finditer(_story(page))]


def run_story(sandbox: Served, page: str) -> list[str]:
    """The answers to all commands of the page's story."""
    return run_commands(sandbox, commands(page))


def run_commands(sandbox: Served, steps: Sequence[str]) -> list[str]:
    """What one shell prints for each, with tokens, times and random ids shortened."""
    script = [*assignments(sandbox)]
    for step in steps:
        script += [step, f"echo {END_OF_ANSWER!r}"]
    path = f"{Path(sys.executable).parent}:{sandbox.environment['PATH']}"
    shell = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", "\n".join(script)],  # noqa: S607 (the shell that a person has)
        cwd=sandbox.folder, env={**sandbox.environment, "PATH": path}, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
    )  # fmt: skip
    assert shell.returncode == 0, shell.stdout
    return [_shortened(answer) for answer in shell.stdout.split(f"{END_OF_ANSWER}\n")[:-1]]


def with_answers(page: str, answers: Sequence[str]) -> str:
    """The page with these answers in its story."""
    story, rest = _story(page), iter(answers)
    return page.replace(story, STEP.sub(lambda step: _with_answer(step, rest), story))


def _with_answer(step: re.Match[str], answers: Iterator[str]) -> str:
    answer = next(answers)
    command = f"```sh\n{step['command']}```"
    return f"{command}\n\n```{_language(answer)}\n{answer}```" if answer else command


def _language(answer: str) -> str:
    try:
        msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return "text"
    return "json"


def _story(page: str) -> str:
    return page.partition(STORY)[2].partition(STORY_END)[0]


def _shortened(answer: str) -> str:
    for pattern, replacement in REPLACEMENTS:
        answer = pattern.sub(replacement, answer)
    return answer
