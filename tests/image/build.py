"""Build the image with buildah, from a Python image that is made of Debian's packages.

A registry of images is not needed, nor a Docker engine. Everything lies in one folder.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.processes import ROOT

RELEASE = "bookworm"
PACKAGES = "python3,python3-pip,python3-venv,ca-certificates"
BASE = "localhost/python"
IMAGE = "localhost/paywall"
# How pip and uv find their index here; the image itself names none.
INDEX_FILES = ("/etc/pip.conf", "/etc/ssl/certs")
UV_SETTINGS = "system-certs = true\n"
BUILD_SECONDS_MAX = 1200


class Images:
    """Images and containers in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def build_base(self) -> None:
        """An image with Python and pip, like `python:3-slim`."""
        root = self._folder / "base"
        _run(
            "debootstrap", "--variant=minbase", f"--include={PACKAGES}", RELEASE, root,
            output=subprocess.DEVNULL,
        )  # fmt: skip
        (root / "usr/bin/python").symlink_to("python3")
        # The only Python of this image is the image's own, as in the real base.
        for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
            marker.unlink()
        container = self._ask("from", "scratch")
        self._buildah("add", "--quiet", container, f"{root}/", "/")
        self._buildah("commit", "--quiet", container, BASE)

    def build(self) -> None:
        """Build docker/Dockerfile on it."""
        uv_settings = self._folder / "uv.toml"
        uv_settings.write_text(UV_SETTINGS)
        mounted = [f"--volume={it}:{it}:ro" for it in INDEX_FILES if Path(it).exists()]
        mounted.append(f"--volume={uv_settings}:/etc/uv/uv.toml:ro")
        self._buildah(
            "build", "--isolation=chroot", "--format=docker", f"--build-arg=PYTHON={BASE}",
            "--file=docker/Dockerfile", "--ignorefile=docker/Dockerfile.dockerignore",
            f"--tag={IMAGE}", *mounted, ".",
        )  # fmt: skip

    def mount(self) -> Path:
        """The files of a new container of the image."""
        return Path(self._ask("mount", self._ask("from", IMAGE)))

    def save_config(self, path: Path) -> None:
        """Write the image's own settings: its user, its command, its health check."""
        inspected: dict[str, Any] = json.loads(self._ask("inspect", "--type=image", IMAGE))
        path.write_text(json.dumps(inspected["Docker"]["config"]))

    def _buildah(self, *words: object) -> None:
        _run(*self._command(), *words)

    def _ask(self, *words: object) -> str:
        done = subprocess.run(
            [*self._command(), *map(str, words)], check=True, cwd=ROOT, text=True,
            stdout=subprocess.PIPE, timeout=BUILD_SECONDS_MAX,
        )  # fmt: skip
        return done.stdout.strip()

    def _command(self) -> list[str]:
        storage = [f"--root={self._folder}/storage", f"--runroot={self._folder}/run"]
        return ["/usr/bin/buildah", *storage, "--storage-driver=vfs"]


def _run(*words: object, output: int | None = None) -> None:
    subprocess.run(
        [str(word) for word in words], check=True, cwd=ROOT, stdout=output,
        timeout=BUILD_SECONDS_MAX,
    )  # fmt: skip
