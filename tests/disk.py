"""A file system that is as small as a test wants it."""

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Enlarge = Callable[[], None]


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[Enlarge]:
    """Until it is enlarged or the end, `folder` takes so many bytes.

    As root by a file system in memory; for others no file of this process and of those that it
    starts grows further.
    """
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0 and _mount(folder, f"mode=0700,size={size_bytes}"):
        try:
            yield lambda: _enlarge(folder)
        finally:
            _run("umount", "--lazy", folder)
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _enlarge(folder: Path) -> None:
    assert _mount(folder, "remount,size=64m")


def _mount(folder: Path, options: str) -> bool:
    """Whether it was permitted: in a container root may lack the right."""
    return _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder)


def _run(*words: str | Path) -> bool:
    return subprocess.run(words, check=False, capture_output=True).returncode == 0
