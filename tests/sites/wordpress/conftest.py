"""One MariaDB and one installed WordPress for the session; each module has a copy of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import PATIENT_SECONDS
from tests.processes import Served, serving
from tests.sites.wordpress.mariadb import MariaDB, running_mariadb
from tests.sites.wordpress.site import WordPress, running_wordpress

SCOPES = (
    "access:check articles:read articles:write readers:token subscribers:read subscribers:write"
    " admin"
)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    with running_mariadb(tmp_path_factory.mktemp("mariadb") / "server") as server:
        yield server


@pytest.fixture(scope="session")
def installed(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The dump of a new WordPress, without any plug-in."""
    folder = tmp_path_factory.mktemp("template") / "installed"
    with running_wordpress(folder, mariadb) as wordpress:
        return mariadb.dump(wordpress.database)


@pytest.fixture(scope="module")
def new_wordpress(
    mariadb: MariaDB, installed: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], WordPress]]:
    """Make another WordPress, stopped at the module's end."""
    folder = tmp_path_factory.mktemp("wordpress")
    with ExitStack() as stack:
        made: list[WordPress] = []

        def make() -> WordPress:
            name = f"{folder.name}_{len(made)}"
            made.append(stack.enter_context(running_wordpress(folder / name, mariadb, installed)))
            return made[-1]

        yield make


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The service on SQLite."""
    folder: Path = tmp_path_factory.mktemp("service")
    with serving(folder, request_timeout_seconds=str(PATIENT_SECONDS)) as served:
        yield served


@pytest.fixture(scope="module")
def wordpress(new_wordpress: Callable[[], WordPress], service: Served) -> WordPress:
    """WordPress with the plug-in, connected to the service."""
    made = new_wordpress()
    connect(made, service)
    made.activate()
    return made


def connect(wordpress: WordPress, service: Served, **constants: str | int) -> None:
    """Configure the plug-in by constants, as a site does in wp-config.php."""
    usual: dict[str, str | int] = {
        "PAYWALL_SERVICE_URL": service.address,
        "PAYWALL_PUBLIC_URL": service.address,
        "PAYWALL_SITE_TOKEN": service.site_token(SCOPES),
    }
    wordpress.define(**{**usual, **constants})
