"""Run the image's commands as a container engine would: its user, a read-only root, no capability.

buildah's isolation `chroot` cannot make the root read-only, so util-linux's tools do it here.
"""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

COMMAND_SECONDS_MAX = 60
# In a mount namespace of the command's own: everything is read-only but the volume and /tmp.
SCRIPT = """
set -e
mount --rbind {root} {root}
mount -o remount,bind,ro {root}
mount -t tmpfs -o mode=1777 tmpfs {root}/tmp
mount --bind {volume} {root}{mountpoint}
mount -t proc proc {root}/proc
mount -t tmpfs -o mode=755 tmpfs {root}/dev
touch {root}/dev/null {root}/dev/urandom
mount --bind /dev/null {root}/dev/null
mount --bind /dev/urandom {root}/dev/urandom
exec env --ignore-environment {environment} setpriv --no-new-privs \\
  chroot --userspec={user}:{user} {root} sh -c {command}
"""


class Container:
    """Commands in one container of the image, on the network of this process."""

    def __init__(self, root: Path, volume: Path, config: Mapping[str, Any]) -> None:
        self._root, self._volume, self._config = root, volume, config
        self.user = int(config["User"])
        os.chown(volume, self.user, self.user)

    def start(self, output: Path) -> "subprocess.Popen[bytes]":
        """Start what the image starts by itself, as the first process of a PID namespace."""
        words = [*self._config["Entrypoint"], *self._config["Cmd"]]
        with output.open("w") as log:
            return subprocess.Popen(self._command(words), stdout=log, stderr=log)

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run another command to its end."""
        return subprocess.run(
            self._command(words), check=False, text=True, timeout=COMMAND_SECONDS_MAX,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def is_healthy(self) -> bool:
        """What the image's own health check finds."""
        kind, *words = self._config["Healthcheck"]["Test"]
        assert kind == "CMD"
        return self.run(*words).returncode == 0

    def _command(self, words: Sequence[str]) -> list[str]:
        folder = self._config["WorkingDir"]
        (mountpoint,) = self._config["Volumes"]
        script = SCRIPT.format(
            root=self._root,
            volume=self._volume,
            mountpoint=mountpoint,
            user=self.user,
            environment=shlex.join(self._config["Env"]),
            command=shlex.quote(f"cd {shlex.quote(folder)} && exec {shlex.join(words)}"),
        )
        return [
            "/usr/bin/unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            script,
        ]
