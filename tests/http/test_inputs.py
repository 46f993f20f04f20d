"""Every input that needs no token has a bound: it is listed, it is held, and the work is linear.

The list is docs/inputs.md; each row of it has requests in tests/http/inputs.py.
"""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from paywall.app import create_app
from paywall.database.engine import Database
from paywall.database.migrations import migrate
from paywall.server.connection_limits import HEAD_WITHIN_SECONDS, IDLE_SECONDS, WRITE_WITHIN_SECONDS
from paywall.settings import Settings
from paywall.tokens.guard import guard_of
from paywall.tokens.jwks import JWKS_BYTES_MAX, JWKS_KEYS_MAX
from paywall.web.pages.form import FIELD_CHARS_MAX
from tests.conftest import PATIENT_SECONDS, SetClock, running
from tests.cost import ROUNDS_MAX, Costs, counted
from tests.http.exchange import Exchange
from tests.http.inputs import INPUTS, ORIGIN, WEBHOOK_SECRET, Input
from tests.router import router_of

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "inputs.md").read_text(encoding="utf-8")
HEADER_READ = re.compile(r"""headers\.get\(\s*b?["']([A-Za-z-]+)["']""")
# Read by whoever reads the head, and bounded with it.
FRAMING_HEADERS = {"connection", "content-length"}
# Rows of what the service fetches; tests/tokens/test_jwks_limits.py has their tests.
NO_REQUEST = {"jwks-document": JWKS_BYTES_MAX, "jwks-keys": JWKS_KEYS_MAX}
OTHER_BY = 16
# What holds the input as a whole, a form or a head, may be past its own bound by then.
TOO_LARGE = (413, 431)
TIMES = (HEAD_WITHIN_SECONDS, IDLE_SECONDS, WRITE_WITHIN_SECONDS)


class Row(NamedTuple):
    """One row of the document."""

    name: str
    where: str
    what: str
    bound: str
    past: str


def rows() -> Iterator[Row]:
    for line in DOCUMENT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            yield Row(cells[0].strip("`"), *cells[1:])


ROWS = {row.name: row for row in rows()}
CASES = [(name, variant) for name, item in INPUTS.items() for variant in item.streams]


def test_every_row_has_its_requests_and_every_request_its_row() -> None:
    assert sorted(row.name for row in rows()) == sorted([*INPUTS, *NO_REQUEST])


@pytest.mark.parametrize("name", [*INPUTS, *NO_REQUEST])
def test_the_bound_in_the_document_is_the_one_of_the_code(name: str) -> None:
    bound = NO_REQUEST.get(name) or INPUTS[name].bound
    assert re.match(rf"{bound:,} [a-z]", ROWS[name].bound), ROWS[name].bound
    assert ROWS[name].past


def test_the_times_in_the_document_are_those_of_the_code() -> None:
    for seconds in TIMES:
        assert f"{seconds:.0f} s" in DOCUMENT


class Anonymous(NamedTuple):
    """A route that needs no token, with the names of its parameters."""

    path: str
    parameters: frozenset[str]


def anonymous_routes() -> Iterator[Anonymous]:
    app = router_of(create_app(Settings()))
    assert isinstance(app, Litestar)
    for route in app.routes:
        assert isinstance(route, HTTPRoute), f"{route.path}: say in docs/inputs.md what it reads"
        for handler in route.route_handlers:
            if handler.http_methods == {"OPTIONS"} or guard_of(handler).kind is not None:
                continue
            model = handler.create_kwargs_model(path_parameters=route.path_parameters)
            read = (
                model.expected_path_params
                | model.expected_query_params
                | model.expected_header_params
                | model.expected_cookie_params
            )
            path = re.sub(r":\w+\}", "}", route.path)
            yield Anonymous(path, frozenset(item.field_alias for item in read))


ROUTES = sorted(set(anonymous_routes()))


def test_there_are_anonymous_routes() -> None:
    assert {"/livez", "/account/enter", "/v1/webhooks/stripe"} <= {route.path for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_every_route_without_a_token_is_in_the_document_with_what_it_reads(
    route: Anonymous,
) -> None:
    own = [row for row in ROWS.values() if f"`{route.path}`" in row.where]
    assert own, f"docs/inputs.md names no row for {route.path}"
    missing = [
        name
        for name in route.parameters
        if f"{{{name}}}" not in route.path and not any(f"`{name}`" in row.what for row in own)
    ]
    assert missing == []


def headers_read() -> set[str]:
    """The headers of requests that are looked up; `leaks` and `bakong` read those of answers."""
    others = {"sandbox", "leaks", "bakong"}
    paths = [path for path in (ROOT / "paywall").rglob("*.py") if others.isdisjoint(path.parts)]
    sources = (path.read_text("utf-8") for path in paths)
    return {name.lower() for source in sources for name in HEADER_READ.findall(source)}


def test_every_header_that_is_read_is_in_the_document() -> None:
    read = headers_read()
    assert {"origin", "accept-language", "stripe-signature"} <= read
    document = DOCUMENT.lower()
    assert [name for name in sorted(read - FRAMING_HEADERS) if f"`{name}`" not in document] == []


@pytest.mark.parametrize("field", FIELD_CHARS_MAX)
def test_every_field_of_a_form_is_in_the_document(field: str) -> None:
    assert f"`{field}`" in ROWS[f"form-{field}"].what


@pytest.fixture(scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    folder = tmp_path_factory.mktemp("inputs")
    settings = Settings(
        data_dir=str(folder),
        allowed_origins=[ORIGIN],
        request_timeout_seconds=PATIENT_SECONDS,
        stripe_secret_key="sk_test_1",
        stripe_webhook_secrets=[WEBHOOK_SECRET],
        stripe_api_base="http://127.0.0.1:1",
    )
    database = Database(settings)
    await migrate(database)
    await database.close()
    app = create_app(settings, SetClock())
    async with running(app):
        yield Exchange(app)


@pytest.mark.parametrize(("name", "variant"), CASES)
async def test_an_input_is_read_in_linear_time_and_refused_past_its_limit(
    name: str, variant: str, exchange: Exchange
) -> None:
    tried = INPUTS[name]
    await refused_past_its_bound(tried, variant, exchange)
    sizes = [tried.bound * 2**power // 16 for power in range(7)]
    costs = Costs([size for size in sizes if size])
    for number in range(1, ROUNDS_MAX + 1):
        for size in costs.sizes:
            # Each time a little less, since what comes again may be remembered somewhere.
            less = OTHER_BY * number if size >= OTHER_BY * ROUNDS_MAX * 8 else 0
            stream = tried.streams[variant](size - less)
            with counted(costs, size):
                await exchange.ask(stream)
        if not list(costs.steep()):
            return
    raise AssertionError("; ".join(costs.steep()))


async def refused_past_its_bound(tried: Input, variant: str, exchange: Exchange) -> None:
    stream = tried.streams[variant]
    at_it, past_it, far_past_it = [
        await exchange.ask(stream(size)) for size in (tried.bound, tried.bound + 1, tried.bound * 4)
    ]
    assert {answer.status // 100 for answer in (at_it, past_it, far_past_it)} <= {2, 3, 4}
    if tried.is_refused is None:
        assert far_past_it.status in {past_it.status, *TOO_LARGE}
        return
    assert not tried.is_refused(at_it), at_it
    assert tried.is_refused(past_it), past_it
    assert tried.is_refused(far_past_it), far_past_it
