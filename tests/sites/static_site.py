"""A static site of two folders behind nginx or Caddy, with the configuration of `docker/`.

The files run as they are in the repository. What differs from site to site is in the environment,
for Caddy, and in the server of docs/static-site.md, for nginx.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.house.docs import DOCS, ROOT
from tests.postgres import free_port
from tests.sites.proxies import caddy_command, nginx_command, running, user

CADDYFILE, NGINX_CONF = ROOT / "docker" / "Caddyfile", ROOT / "docker" / "nginx.conf"
ANSWERED_WITHIN_SECONDS = 20
# What Debian's nginx.conf has around the files of its sites.
AROUND = """
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
    types {{ text/html html; }}
    include {folder}/site.conf;
}}
"""


# The global options are the machine's: another Caddy may run on it.
IMPORTING = """
{{
    admin off
}}
import {file}
"""


class StaticSite(NamedTuple):
    """The two folders of a site."""

    public: Path
    gated: Path

    def write(self, path: str, whole: str | None, preview: str) -> None:
        """A page that everybody may see, and for an article the whole page, too."""
        for folder, text in ((self.public, preview), (self.gated, whole)):
            if text is not None:
                file = folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")


@contextmanager
def running_site(
    name: str, folder: Path, site: StaticSite, service: str, token: str
) -> Iterator[int]:
    """Serve the site by this proxy in front of the service at `host:port`; gives its port."""
    folder.mkdir()
    port = free_port()
    if name == "caddy":
        (folder / "Caddyfile").write_text(IMPORTING.format(file=CADDYFILE))
        command = caddy_command(folder / "Caddyfile")
    else:
        command = nginx_command(_nginx_file(folder, port, site, service, token), folder)
    variables = {
        "PAYWALL_SITE_ADDRESS": f"http://127.0.0.1:{port}",
        "PAYWALL_PUBLIC_FOLDER": str(site.public),
        "PAYWALL_GATED_FOLDER": str(site.gated),
        "PAYWALL_SITE_TOKEN": token,
        "PAYWALL_SERVICE": service,
    }
    with running(command, folder, port, **variables):
        yield port


def block(marker: str, language: str) -> str:
    """A block of docs/static-site.md."""
    page = (DOCS / "static-site.md").read_text(encoding="utf-8")
    _, found, rest = page.partition(f"<!-- {marker} -->\n```{language}\n")
    assert found, f"docs/static-site.md has no block {marker}"
    return rest.partition("```")[0]


def _nginx_file(folder: Path, port: int, site: StaticSite, service: str, token: str) -> Path:
    server = block("nginx server", "nginx")
    values = {
        "listen 8080;": f"listen 127.0.0.1:{port};",
        "server 127.0.0.1:8000;": f"server {service};",
        "SITE_TOKEN": token,
        "/srv/news/public": str(site.public),
        "/srv/news/gated": str(site.gated),
        "/etc/nginx/paywall.conf": str(NGINX_CONF),
    }
    for shown, value in values.items():
        assert server.count(shown) == 1, f"docs/static-site.md: {shown}"
        server = server.replace(shown, value)
    (folder / "site.conf").write_text(server, encoding="utf-8")
    file = folder / "nginx.conf"
    file.write_text(AROUND.format(folder=folder, user=user()), encoding="utf-8")
    return file


class Page(NamedTuple):
    """What came back for one request, or for several on one connection."""

    status: int
    text: str

    def shows(self, canary: str) -> bool:
        return canary in self.text


def fetch(port: int, target: str, *headers: str, method: str = "GET", body: str = "") -> Page:
    """Request this target with these header lines, byte for byte."""
    return send(port, request_of(target, *headers, "Connection: close", method=method, body=body))


def request_of(target: str, *headers: str, method: str = "GET", body: str = "") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *headers, "", body]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def send(port: int, sent: bytes) -> Page:
    """Send these bytes, and read until the proxy closes the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWERED_WITHIN_SECONDS) as it:
        it.sendall(sent)
        try:
            while part := it.recv(65_536):
                received += part
        except ConnectionResetError:
            pass
    words = received.split(maxsplit=2)
    return Page(int(words[1]) if len(words) > 1 else 0, received.decode("utf-8", "replace"))
