"""Connecting to PostgreSQL: the one place that opens connections, for sessions and for checks.

Of several hosts it finds the primary, whichever that is at the moment.
"""

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

import asyncpg
from asyncpg.exceptions import TargetServerAttributeNotMatched

from paywall.database.errors import CannotConnect
from paywall.rules.database_address import Host, parse_database_address
from paywall.settings import Settings, SettingsError

# What connecting raises; OSError includes time-outs and unknown host names.
CONNECT_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)


class Connector:
    """Opens connections to the hosts of `database_url`, the last that worked first.

    Raises SettingsError for a URL that cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        address = parse_database_address(settings.database)
        if isinstance(address, str):
            raise SettingsError(f"database_url cannot be read: {address}")
        self._address = address
        self._timeout_seconds = settings.request_timeout_seconds
        self._has_pooler = settings.database_pooler
        self._current: Host | None = address.hosts[0]
        self._hosts: WeakKeyDictionary[asyncpg.Connection, Host] = WeakKeyDictionary()

    @property
    def requires_primary(self) -> bool:
        return self._address.requires_primary

    def is_current(self, connection: asyncpg.Connection) -> bool:
        """Whether it leads to the host that the newest connection was opened to.

        Others lead to a former primary, which may be frozen, or answer from old rows.
        """
        return self._hosts.get(connection) == self._current

    def forget_primary(self) -> None:
        """Replace all connections, because the host that they lead to is no primary any more."""
        self._current = None

    async def connect(
        self, server_settings: Mapping[str, str], *, command_timeout_seconds: float | None = None
    ) -> asyncpg.Connection:
        """A connection to the primary; raises CannotConnect for every error.

        The time-out is shared: a host that does not answer uses up its own part alone. A pooler
        refuses server settings, so through one none are sent.
        """
        now = asyncio.get_running_loop().time
        ends_at = now() + self._timeout_seconds
        # The sort is stable: the others keep the order of the URL.
        hosts = sorted(self._address.hosts, key=lambda host: host != self._current)
        errors: dict[Host, Exception] = {}
        for hosts_left, host in zip(range(len(hosts), 0, -1), hosts, strict=True):
            try:
                async with asyncio.timeout((ends_at - now()) / hosts_left):
                    connection = await self._connect_to(
                        host, server_settings, command_timeout_seconds
                    )
            except CONNECT_ERRORS as error:
                errors[host] = error
                continue
            self._hosts[connection] = self._current = host
            return connection
        raise CannotConnect(_summary(errors)) from _most_informative(list(errors.values()))

    async def _connect_to(
        self,
        host: Host,
        server_settings: Mapping[str, str],
        command_timeout_seconds: float | None,
    ) -> asyncpg.Connection:
        address = self._address
        asks_primary = address.requires_primary and self._has_pooler
        connection = await asyncpg.connect(
            f"postgresql://?{urlencode(address.driver_parameters)}",
            host=host.name,
            port=host.port,
            user=address.user,
            password=address.password,
            database=address.database,
            timeout=self._timeout_seconds,
            command_timeout=command_timeout_seconds,
            server_settings=None if self._has_pooler else dict(server_settings),
            target_session_attrs=(
                "primary" if address.requires_primary and not asks_primary else "any"
            ),
        )
        if asks_primary:
            await _require_primary(connection)
        return connection


async def _require_primary(connection: asyncpg.Connection) -> None:
    """Ask the server itself: what a pooler reports may be older than the last failover."""
    is_standby = True
    try:
        is_standby = await connection.fetchval("select pg_is_in_recovery()")
    finally:
        if is_standby:
            connection.terminate()
    if is_standby:
        raise TargetServerAttributeNotMatched("the server behind the pooler is a standby")


def _summary(errors: Mapping[Host, Exception]) -> str:
    texts = {host: str(error) or "no answer in time" for host, error in errors.items()}
    if len(texts) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{host}: {text}" for host, text in texts.items())


def _most_informative(errors: Sequence[Exception]) -> Exception:
    """What a server answered explains more than that another host did not."""
    return max(errors, key=lambda error: not isinstance(error, OSError))
