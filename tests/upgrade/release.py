"""An earlier release: its files from git, and its packages in an environment of their own."""

import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from tests.processes import ROOT

VERSIONS = "paywall/database/migrations/versions"


class Release(NamedTuple):
    """Where a release is, and the interpreter that runs it."""

    name: str
    folder: Path
    python: str

    @property
    def migrations(self) -> list[str]:
        return sorted(path.stem for path in (self.folder / VERSIONS).glob("[0-9]*.py"))

    def command(self, *words: str) -> list[str]:
        return [self.python, "-m", "paywall", *words]


def this_release() -> Release:
    return Release("this release", ROOT, sys.executable)


def before_the_newest_migration() -> str:
    """The commit before the one that added the newest migration."""
    newest = max(path.name for path in (ROOT / VERSIONS).glob("[0-9]*.py"))
    added = _git("log", "--diff-filter=A", "--format=%H", "--", f"{VERSIONS}/{newest}")
    return f"{added.decode().split()[0]}^"


def earlier_release(commit: str, folder: Path) -> Release:
    """Check it out and install its locked packages; raises CalledProcessError for a wrong one."""
    name = _git("rev-parse", "--short", commit).decode().strip()
    with tarfile.open(fileobj=BytesIO(_git("archive", "--format=tar", commit))) as files:
        files.extractall(folder / "files", filter="data")
    python = folder / "venv" / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    lock = folder / "files" / "requirements.lock"
    create: list[str | Path] = [uv, "venv", "--quiet", "--python", sys.executable, folder / "venv"]
    install: list[str | Path] = [
        uv,
        "pip",
        "sync",
        "--quiet",
        "--python",
        python,
        "--require-hashes",
        lock,
    ]
    for words in (create, install):
        subprocess.run(words, check=True)
    return Release(f"release {name}", folder / "files", str(python))


def _git(*words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True).stdout  # noqa: S607 (the git of this machine)
