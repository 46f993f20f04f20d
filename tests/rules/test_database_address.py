"""What the URL of a PostgreSQL database says, and how one that cannot be read is refused."""

import pytest

from paywall.rules import database_address as rule
from paywall.rules.database_address import HOSTS_MAX, DatabaseAddress, Host, parse_database_address

READ = {
    "postgresql://h/d": [Host("h", None)],
    "postgresql://u:p@h:1/d": [Host("h", 1)],
    "postgresql://u:p@h1,h2:2,h3:3/d": [Host("h1", None), Host("h2", 2), Host("h3", 3)],
    "postgresql://u:p@[::1]:1,[fe80::1%25eth0]/d": [Host("::1", 1), Host("fe80::1%eth0", None)],
    "postgresql://%2Frun%2Fpostgresql/d": [Host("/run/postgresql", None)],
    "postgresql:///d": [Host(None, None)],
    "postgresql:///d?port=5433": [Host(None, 5433)],
    "postgresql:///d?host=/run/postgresql": [Host("/run/postgresql", None)],
    "postgresql://u@/d?host=h1,h2&port=1,2": [Host("h1", 1), Host("h2", 2)],
    "postgresql://u@/d?host=h1,h2&port=7": [Host("h1", 7), Host("h2", 7)],
    "postgresql://u@/d?host=h1:1&host=h2:2": [Host("h1", 1), Host("h2", 2)],
}
SECRET = "s3cret"
REFUSED = {
    "sqlite:/it.sqlite3": rule.NOT_A_URL,
    "mysql://h/d": rule.NOT_A_URL,
    f"postgresql://u:{SECRET}#x@h/d": rule.NOT_A_URL,
    f"postgresql://u:{SECRET}?x@h/d": rule.NOT_A_PARAMETER,
    f"postgresql://u:{SECRET}/x@h/d": rule.NOT_A_URL,
    f"postgresql://u:{SECRET}@h:port/d": rule.NOT_A_HOST,
    f"postgresql://u:{SECRET}@h:0/d": rule.NOT_A_HOST,
    f"postgresql://u:{SECRET}@h:65536/d": rule.NOT_A_HOST,
    f"postgresql://u:{SECRET}@h1,,h2/d": rule.NOT_A_HOST,
    f"postgresql://u:{SECRET}@h 1/d": rule.NOT_A_HOST,
    f"postgresql://u:{SECRET}@h1/d?host=h2": rule.HOSTS_TWICE,
    f"postgresql://u:{SECRET}@h1,h2/d?port=1,2": rule.NOT_A_PORT_EACH,
    f"postgresql://u:{SECRET}@/d?host=h1,h2,h3&port=1,2": rule.NOT_A_PORT_EACH,
    f"postgresql://u:{SECRET}@/d?host=h1:1&port=1": rule.NOT_A_PORT_EACH,
    f"postgresql://u:{SECRET}@/d?host=h1&port=x": rule.NOT_A_HOST,
    f"postgresql://u:{SECRET}@h%00/d": rule.CONTROL,
    f"postgresql://u%0A:{SECRET}@h/d": rule.CONTROL,
    f"postgresql://u:{SECRET}@h/d?connect_timeout=2": rule.NOT_A_PARAMETER,
    f"postgresql://u:{SECRET}@h/d?sslmode": rule.NOT_A_PARAMETER,
    f"postgresql://u:{SECRET}@h/d?sslmode=on": rule.NOT_AN_SSL_MODE,
    f"postgresql://u:{SECRET}@h/d?target_session_attrs=standby": rule.NOT_A_TARGET,
}


def read(url: str) -> DatabaseAddress:
    address = parse_database_address(url)
    assert isinstance(address, DatabaseAddress), address
    return address


@pytest.mark.parametrize("url", READ)
def test_hosts_and_ports_are_read(url: str) -> None:
    assert list(read(url).hosts) == READ[url]


@pytest.mark.parametrize("url", REFUSED)
def test_what_cannot_be_read_is_refused_without_the_password(url: str) -> None:
    why = parse_database_address(url)
    assert why == REFUSED[url]
    assert isinstance(why, str)
    assert SECRET not in why


def test_the_login_and_the_database_are_decoded() -> None:
    address = read("postgresql://a%40b:p%2F%3A@c@h/d%20e?sslmode=require&sslrootcert=%2Fca.pem")
    assert (address.user, address.password, address.database) == ("a@b", "p/:@c", "d e")
    assert address.driver_parameters == {"sslmode": "require", "sslrootcert": "/ca.pem"}
    assert "p/:@c" not in repr(address)
    by_parameters = read("postgresql://h?user=a&password=b&dbname=c")
    assert (by_parameters.user, by_parameters.password, by_parameters.database) == ("a", "b", "c")
    assert read("postgresql://u@h").password is None
    assert read("postgresql://u:@h").password == ""


@pytest.mark.parametrize(
    ("target", "requires_primary"),
    [("", True), ("primary", True), ("read-write", True), ("any", False)],
)
def test_the_primary_is_required_unless_any_host_will_do(
    target: str, *, requires_primary: bool
) -> None:
    query = f"?target_session_attrs={target}" if target else ""
    assert read(f"postgresql://h1,h2/d{query}").requires_primary is requires_primary


def test_the_number_of_hosts_is_bounded() -> None:
    hosts = ["h"] * HOSTS_MAX
    assert len(read(f"postgresql://{','.join(hosts)}/d").hosts) == HOSTS_MAX
    assert (
        parse_database_address(f"postgresql://{','.join([*hosts, 'h'])}/d") == rule.TOO_MANY_HOSTS
    )
