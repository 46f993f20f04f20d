"""`make test-failover`: create the network, and run the rounds inside it. Root on Debian only."""

import os
import shutil
import subprocess
import sys

from tests.failover.cluster import MACHINES
from tests.failover.network import HUB, network, within
from tests.sites.packages import install


def main() -> int:
    """The exit status of the rounds; 2 where they cannot be run."""
    if os.geteuid() != 0:
        sys.stderr.write("Network namespaces need root. Run as root: make test-failover\n")
        return 2
    if shutil.which("etcd") is None:
        install(["etcd-server"])
    if shutil.which("etcd") is None:
        sys.stderr.write("etcd is missing. Install Debian's package etcd-server.\n")
        return 2
    with network(MACHINES):
        rounds = within(HUB, sys.executable, "-m", "tests.failover.rounds", *sys.argv[1:])
        return subprocess.run(rounds, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
