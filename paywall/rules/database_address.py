"""The address of a PostgreSQL database, parsed from its URL."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

HOSTS_MAX = 8
PORT_MAX = 65_535
URL = re.compile(
    r"postgresql://(?:(?P<login>[^/?#]*)@)?(?P<hosts>[^/?#@]*)"
    r"(?:/(?P<database>[^/?#@]*))?(?:\?(?P<query>[^#]*))?"
)
HOST = re.compile(
    r"(?P<name>\[[0-9A-Fa-f:.]+(?:%[0-9A-Za-z]+)?\]|[^\s:\[\]]+)(?::(?P<port>[0-9]{1,5}))?"
)
CONTROL_CHARACTER = re.compile("[\x00-\x1f\x7f]")
# Parameters that asyncpg takes from a URL, for TLS and for authentication.
DRIVER_PARAMETERS = frozenset(
    [
        "gsslib",
        "krbsrvname",
        "passfile",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslnegotiation",
        "sslpassword",
        "sslrootcert",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
    ]
)
OWN_PARAMETERS = frozenset(["dbname", "host", "password", "port", "target_session_attrs", "user"])
SSL_MODES = frozenset(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"])
# `read-write` excludes connections that are read-only by default, as those for checks are. What it
# is written for is the primary.
PRIMARY = frozenset(["primary", "read-write"])
ANY = "any"

# No sentence quotes the URL, which contains the password.
FORM = (
    "Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, several hosts with commas between them,"
    " and percent-encode special characters in the password."
)
NOT_A_URL = f"it is neither the URL of a file, sqlite:///FILE, nor of a PostgreSQL database. {FORM}"
NOT_A_HOST = f"a host is empty, or its port is not a number from 1 to {PORT_MAX}. {FORM}"
TOO_MANY_HOSTS = f"it names more than {HOSTS_MAX} hosts."
NOT_A_PORT_EACH = (
    "the parameter `port` does not fit the hosts. Write one port for all of them or one for each,"
    " in the same place as the hosts."
)
HOSTS_TWICE = "it names hosts before the `?` and after it. Name them in one place."
CONTROL = "it contains a control character."
NOT_A_PARAMETER = (
    "a parameter after the `?` is unknown or empty. The known ones are"
    f" {', '.join(sorted(DRIVER_PARAMETERS | OWN_PARAMETERS))}."
    " A `?` in the password is written %3F."
)
NOT_A_TARGET = (
    "`target_session_attrs` must be `primary`, which is the default, or `any` for commands that"
    " read from a standby. The service itself needs the primary."
)
NOT_AN_SSL_MODE = f"`sslmode` must be one of {', '.join(sorted(SSL_MODES))}."


class Host(NamedTuple):
    """One server; a name that is None stands for the driver's default."""

    name: str | None
    port: int | None

    def __str__(self) -> str:
        return f"{self.name or 'the default host'}{f':{self.port}' if self.port else ''}"


@dataclass(frozen=True)
class DatabaseAddress:
    """Where the database is, and as whom to connect."""

    hosts: tuple[Host, ...]
    user: str | None
    password: str | None = field(repr=False)
    database: str | None
    requires_primary: bool
    driver_parameters: dict[str, str] = field(repr=False)


def parse_database_address(url: str) -> DatabaseAddress | str:
    """The address, or the sentence that says why the URL cannot be read and how to correct it."""
    written = URL.fullmatch(url)
    if written is None:
        return NOT_A_URL
    parameters = _parse_parameters(written["query"] or "")
    if isinstance(parameters, str):
        return parameters
    hosts = _parse_hosts(written["hosts"], parameters)
    if isinstance(hosts, str):
        return hosts
    user, colon, password = (written["login"] or "").partition(":")
    address = DatabaseAddress(
        hosts=hosts,
        user=unquote(user) or parameters.get("user"),
        password=unquote(password) if colon else parameters.get("password"),
        database=unquote(written["database"] or "") or parameters.get("dbname"),
        requires_primary=parameters.get("target_session_attrs", "primary") in PRIMARY,
        driver_parameters={
            name: value for name, value in parameters.items() if name in DRIVER_PARAMETERS
        },
    )
    texts = (address.user, address.password, address.database, *parameters.values())
    if any(CONTROL_CHARACTER.search(text or "") for text in (*texts, *map(str, hosts))):
        return CONTROL
    return address


def _parse_parameters(query: str) -> dict[str, str] | str:
    """The parameters by name. Hosts may be repeated; of any other repeated name the last counts."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        return NOT_A_PARAMETER
    parameters = dict(pairs)
    if "host" in parameters:
        parameters["host"] = ",".join(value for name, value in pairs if name == "host")
    if not all(parameters.values()) or not parameters.keys() <= DRIVER_PARAMETERS | OWN_PARAMETERS:
        return NOT_A_PARAMETER
    if parameters.get("target_session_attrs", ANY) not in PRIMARY | {ANY}:
        return NOT_A_TARGET
    if parameters.get("sslmode", "prefer") not in SSL_MODES:
        return NOT_AN_SSL_MODE
    return parameters


def _parse_hosts(before_query: str, parameters: dict[str, str]) -> tuple[Host, ...] | str:
    if before_query and "host" in parameters:
        return HOSTS_TWICE
    text = before_query or parameters.get("host", "")
    found = [HOST.fullmatch(unquote(host)) for host in text.split(",")] if text else []
    hosts = [Host(it["name"].strip("[]"), int(it["port"] or 0) or None) for it in found if it]
    has_wrong_port = any(it and it["port"] and not _is_port(it["port"]) for it in found)
    if len(hosts) < len(found) or has_wrong_port:
        return NOT_A_HOST
    if len(hosts) > HOSTS_MAX:
        return TOO_MANY_HOSTS
    hosts = hosts or [Host(None, None)]
    if "port" not in parameters:
        return tuple(hosts)
    ports = parameters["port"].split(",")
    if before_query or len(ports) not in (1, len(hosts)) or any(host.port for host in hosts):
        return NOT_A_PORT_EACH
    if not all(map(_is_port, ports)):
        return NOT_A_HOST
    every_port = ports * len(hosts) if len(ports) == 1 else ports
    return tuple(Host(it.name, int(port)) for it, port in zip(hosts, every_port, strict=True))


def _is_port(text: str) -> bool:
    return re.fullmatch("[0-9]{1,5}", text) is not None and 0 < int(text) <= PORT_MAX
