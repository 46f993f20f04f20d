"""Caddy and nginx, as Debian packages them, each in front of one service."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.postgres import free_port
from tests.sites.packages import program

PROXIES = ("caddy", "nginx")
READY_WITHIN_SECONDS = 30
STOPPED_WITHIN_SECONDS = 20
CADDYFILE = """
{{
    admin off
    auto_https off
}}
:{port} {{
    bind 127.0.0.1
    reverse_proxy 127.0.0.1:{upstream}
}}
"""
# As for a site with WebSockets: the upgrade is passed on, and bodies are not collected first.
NGINX_CONF = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_header {{ default upgrade; '' ''; }}
    upstream paywall {{ server 127.0.0.1:{upstream}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://paywall;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_header;
        }}
    }}
}}
"""


@contextmanager
def running_proxy(name: str, folder: Path, upstream: int) -> Iterator[int]:
    """Run the proxy on a port of its own, in front of the service on `upstream`."""
    folder.mkdir()
    port = free_port()
    with running(_command(name, folder, port, upstream), folder, port):
        yield port


@contextmanager
def running(command: list[str], folder: Path, port: int, **variables: str) -> Iterator[None]:
    """Run a proxy that writes into this folder alone, until its port is open and to the end."""
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log,
            env={**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder),
                 "XDG_CONFIG_HOME": str(folder), **variables},
        )  # fmt: skip
    try:
        _wait(port, process, folder / "log")
        yield
    finally:
        process.terminate()
        process.wait(STOPPED_WITHIN_SECONDS)


def _command(name: str, folder: Path, port: int, upstream: int) -> list[str]:
    file = folder / "proxy.conf"
    if name == "caddy":
        file.write_text(CADDYFILE.format(port=port, upstream=upstream))
        return caddy_command(file)
    file.write_text(NGINX_CONF.format(folder=folder, port=port, upstream=upstream, user=user()))
    return nginx_command(file, folder)


def caddy_command(file: Path) -> list[str]:
    return ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"]


def nginx_command(file: Path, folder: Path) -> list[str]:
    return [program("nginx") or "nginx", "-c", str(file), "-e", str(folder / "nginx.log")]


def user() -> str:
    """Root's nginx would read files as another user, who may not read these folders."""
    return "user root;" if os.geteuid() == 0 else ""


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.05)
    raise AssertionError(log.read_text())
