"""`make test-image`: build the image, and let it do the service's main job. Root on Debian only."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.image.build import Images
from tests.sites.packages import install

NAMESPACE = "paywall-image"
PACKAGES = {"buildah": "buildah", "debootstrap": "debootstrap"}


def main() -> int:
    """0 if all held; 2 where it cannot be run."""
    if os.geteuid() != 0:
        sys.stderr.write("Mounts and network namespaces need root. Run as root: make test-image\n")
        return 2
    if missing := [name for name, program in PACKAGES.items() if shutil.which(program) is None]:
        install(missing)
    folder = Path(tempfile.mkdtemp(prefix="paywall-image-"))
    try:
        images = Images(folder)
        sys.stdout.write("Building a base image from Debian's packages…\n")
        images.build_base()
        sys.stdout.write("Building docker/Dockerfile…\n")
        images.build()
        images.save_config(folder / "config.json")
        return _run_inside_a_network(folder, images.mount())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run_inside_a_network(folder: Path, root: Path) -> int:
    """The image has its own port 8000, whatever runs on this machine."""
    ip = "/usr/sbin/ip"
    subprocess.run([ip, "netns", "add", NAMESPACE], check=True)
    try:
        subprocess.run([ip, "-n", NAMESPACE, "link", "set", "lo", "up"], check=True)
        job = [sys.executable, "-m", "tests.image.job", str(folder), str(root)]
        return subprocess.run([ip, "netns", "exec", NAMESPACE, *job], check=False).returncode
    finally:
        subprocess.run([ip, "netns", "delete", NAMESPACE], check=True)


if __name__ == "__main__":
    sys.exit(main())
