"""What is wrong with the value of a setting: a sentence with the remedy, or None."""

import re

from paywall.rules.article_paths import parse_path_rule
from paywall.rules.client_address import parse_network
from paywall.rules.database_address import parse_database_address
from paywall.rules.origin import canonical_origin

# The characters of a cookie's name (RFC 6265 §4.1.1).
COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def article_path_fault(template: str) -> str | None:
    if parse_path_rule(template) is not None:
        return None
    return (
        f"forward_auth_paths: {template!r} is not the path of an article. Write one such as"
        " /articles/{id}/ or /*/{id}.html: unescaped, with {id} once, and with at most one"
        " of {id} and * between two slashes."
    )


def cookie_name_fault(setting: str, name: str) -> str | None:
    if COOKIE_NAME.fullmatch(name):
        return None
    return (
        f"{setting}: {name!r} cannot be the name of a cookie. Write one of letters, digits, - and"
        " _."
    )


def database_fault(url: str) -> str | None:
    """Without the remedy, which names the source of the setting."""
    address = None if url.startswith("sqlite:///") else parse_database_address(url)
    return f"database_url cannot be read: {address}" if isinstance(address, str) else None


def origin_fault(origin: str) -> str | None:
    """Also of an origin that no browser sends, which would never match."""
    canonical = canonical_origin(origin)
    if canonical is None:
        return (
            f"allowed_origins: {origin!r} is not an origin, or has a wildcard. Write only the"
            " scheme, host and port of each site, such as https://news.example, and a non-ASCII"
            " host as browsers send it (xn--…)."
        )
    if origin != canonical:
        return (
            f"allowed_origins: {origin!r} never matches, because browsers send"
            f" {canonical!r}. Write that instead."
        )
    return None


def proxy_fault(text: str) -> str | None:
    if parse_network(text) is not None:
        return None
    return (
        f"trusted_proxies: {text!r} is not an address or a network. Write one such as 127.0.0.1 or"
        " 10.0.0.0/8."
    )
