"""Machines of a cluster, as network namespaces on one bridge, which can be cut off.

The bridge lies in a namespace of its own, so nothing here is reachable from the machine's network.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

IP = "/usr/sbin/ip"
HUB = "paywall-failover-hub"
# Documentation addresses (RFC 5737), which exist in these namespaces only.
HUB_ADDRESS = "192.0.2.100"


def machine(number: int) -> str:
    """The namespace of a machine."""
    return f"paywall-failover-{number}"


def address(number: int) -> str:
    """The address of a machine."""
    return f"192.0.2.{number}"


def within(namespace: str, *command: object) -> list[str]:
    """The command to run another one in a namespace."""
    return [IP, "netns", "exec", namespace, *map(str, command)]


@contextmanager
def network(machines: int) -> Iterator[None]:
    """Create the hub and the machines; remove them at the end."""
    _remove(machines)
    try:
        _create_hub()
        for number in range(1, machines + 1):
            _create_machine(number)
        yield
    finally:
        _remove(machines)


def cut(number: int) -> None:
    """No packet reaches or leaves this machine."""
    _ip("-n", HUB, "link", "set", f"m{number}", "down")


def reconnect(number: int) -> None:
    """End `cut`."""
    _ip("-n", HUB, "link", "set", f"m{number}", "up")


def _create_hub() -> None:
    _ip("netns", "add", HUB)
    _ip("-n", HUB, "link", "set", "lo", "up")
    _ip("-n", HUB, "link", "add", "bridge", "type", "bridge")
    _ip("-n", HUB, "address", "add", f"{HUB_ADDRESS}/24", "dev", "bridge")
    _ip("-n", HUB, "link", "set", "bridge", "up")


def _create_machine(number: int) -> None:
    name = machine(number)
    _ip("netns", "add", name)
    _ip("-n", HUB, "link", "add", f"m{number}", "type", "veth", "peer", "eth0", "netns", name)
    _ip("-n", HUB, "link", "set", f"m{number}", "master", "bridge", "up")
    _ip("-n", name, "address", "add", f"{address(number)}/24", "dev", "eth0")
    _ip("-n", name, "link", "set", "lo", "up")
    _ip("-n", name, "link", "set", "eth0", "up")


def _remove(machines: int) -> None:
    """Remove what is there, also of an earlier run that was killed."""
    for name in (HUB, *(machine(number) for number in range(1, machines + 1))):
        if os.path.exists(f"/run/netns/{name}"):  # noqa: PTH110 (a mount, not a file of ours)
            _ip("netns", "delete", name)


def _ip(*words: str) -> None:
    subprocess.run([IP, *words], check=True)
