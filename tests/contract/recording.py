"""Records the contract's examples from a played story, for `paywall/contract/examples.json`.

What is random is replaced by values that stay the same, and lists of objects are cut to two items.
"""

import asyncio
import hashlib
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import msgspec
from litestar import Litestar
from msgspec.inspect import CollectionType, Metadata, StructType, Type, UnionType, type_info

from paywall import problems
from paywall.app import create_app
from paywall.contract.operation import Operation, operations
from paywall.contract.schemas import model_name
from paywall.database.engine import Database
from paywall.database.migrations import migrate
from paywall.processors.bakong import sweeper
from paywall.processors.bakong.client import BakongClient
from paywall.processors.bakong.khqr import CodeTerms, Merchant, build_code, md5_of
from paywall.processors.stripe import reconcile
from paywall.processors.stripe.client import StripeClient
from paywall.sandbox.stripe.in_process_client import InProcessClient
from paywall.sandbox.stripe.stand_in import StandIn
from paywall.settings import Settings
from tests.conftest import PATIENT_SECONDS, START, Bearer, SetClock, running
from tests.contract.sophea import ORIGIN, Sophea
from tests.processors.bakong.bank import Bank
from tests.processors.bakong.till import ACCOUNT
from tests.processors.stripe.shop import SECRET, Shop
from tests.router import router_of

Json = dict[str, Any]
FILE = Path(__file__).parents[2] / "paywall" / "contract" / "examples.json"
ITEMS_MAX = 2
TOKEN = "eyJhbGciOiJFZERTQSIsInR5cCI6InJlYWRlcitqd3QifQ.eyJzdWIiOiJzb3BoZWEifQ.c2ln"
CURSOR = "WyIyMDI2LTExLTI0VDEyOjAxOjAxWiIsMl0"
HASH = "oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC"
# The terms of the pack of the story; what is random in its codes has a fixed value here.
CODE = build_code(
    Merchant(ACCOUNT, "River Post", "Phnom Penh", None, None),
    CodeTerms(400000, "khr", "7f3a9c2e5b1d8046e9a7c3f2", START, START + timedelta(minutes=10)),
)
FIXED = (
    (r"\"00020101021229[^\"]*\"", f'"{CODE}"'),
    (r"/v1/khqr/[0-9a-f]{32}", f"/v1/khqr/{md5_of(CODE)}"),
    (r"eyJ[\w-]+\.[\w.-]+", TOKEN),
    # The position that a cursor encodes has a random id.
    (r"(cursor\": ?)\"[\w-]+\"", rf'\1"{CURSOR}"'),
    # The number of a receipt is made from its random id.
    (r"\b2026-[A-Z2-7]{4}-[A-Z2-7]{4}\b", "2026-K3QZ-7T4M"),
    (r"sha384-[^\"]+", f"sha384-{HASH}"),
    (r"/web/[0-9a-f]+/", "/web/9f2c41d07ab3e865/"),
    (r"(\"token_id\": ?)\"[^\"]+\"", r'\1"0mDqsT3Zx2wB8yqk0cJ8uA"'),
    (r"(\"kid\": ?)\"[^\"]+\"", r'\1"fX3kQ9vB2mZ8"'),
    (r"(\"x\": ?)\"[^\"]+\"", r'\1"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"'),
)
RANDOM_ID = re.compile(
    r"\b(checkout|khqr|unmatched|receipt|complimentary|prepaid|pass|withdrawal)_[0-9a-f]{24}\b"
)


class Recorder:
    """Takes in each request and its response, and keeps the first value of each thing."""

    def __init__(self, app: Litestar) -> None:
        self.operations = [
            (re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(item.path))), item)
            for item in operations(app)
        ]
        self.models: dict[str, Json] = {}
        self.fields: dict[tuple[str, str], Any] = {}
        self.parameters: Json = {}
        self.problems: dict[str, Json] = {}

    async def see(self, response: httpx.Response) -> None:
        """An httpx hook."""
        await response.aread()
        asked = response.request
        operation, in_path = self._operation_of(asked)
        if not response.is_success:
            self._see_problem(response.json())
            return
        for parameter in operation.parameters:
            value = in_path.get(parameter.name, asked.url.params.get(parameter.name))
            if value is not None:
                kind = parameter.field.annotation
                is_plain = isinstance(kind, type) and issubclass(kind, int)
                value = msgspec.convert(value, kind, strict=False) if is_plain else value
                self.parameters.setdefault(parameter.name, value)
        for name in operation.headers:
            if name in asked.headers:
                self.parameters.setdefault(name, asked.headers[name])
        if operation.request is not None and asked.content:
            self._see(type_info(operation.request), msgspec.json.decode(asked.content))
        if operation.answer is not None:
            self._see(type_info(operation.answer), response.json())

    def _operation_of(self, asked: httpx.Request) -> tuple[Operation, dict[str, str]]:
        for pattern, operation in self.operations:
            match = pattern.fullmatch(asked.url.path)
            if match and operation.method == asked.method:
                return operation, match.groupdict()
        raise LookupError(f"{asked.method} {asked.url.path} is not an operation of the contract")

    def _see_problem(self, problem: Json) -> None:
        code = problem["type"].removeprefix("/problems/")
        if any(kind.code == code and kind.members for kind in problems.ALL):
            self.problems.setdefault(code, problem)

    def _see(self, info: Type, value: Any) -> None:
        match info:
            case Metadata(type=inner):
                self._see(inner, value)
            case UnionType(types=types):
                for inner in types:
                    self._see(inner, value)
            case CollectionType(item_type=inner) if isinstance(value, list):
                for item in value:
                    self._see(inner, item)
                del value[ITEMS_MAX if _is_model(inner) else len(value) :]
            case StructType() if isinstance(value, dict):
                self._see_model(info, value)

    def _see_model(self, info: StructType, value: Json) -> None:
        owner = model_name(info.cls)
        for field in info.fields:
            inner = value.get(field.encode_name)
            self._see(field.type, inner)
            if inner not in (None, []):
                self.fields.setdefault((owner, field.encode_name), inner)
        self.models.setdefault(owner, value)

    def examples(self) -> Json:
        """Each model's first value; and of its fields that are null or left out in it, theirs."""
        lacking = {
            f"{owner}.{name}": value
            for (owner, name), value in self.fields.items()
            if self.models[owner].get(name) in (None, [])
        }
        return {
            "models": dict(sorted(self.models.items())),
            "fields": dict(sorted(lacking.items())),
            "parameters": dict(sorted(self.parameters.items())),
            "problems": dict(sorted(self.problems.items())),
        }


def _is_model(info: Type) -> bool:
    return isinstance(info.type if isinstance(info, Metadata) else info, StructType)


def recorded() -> bytes:
    """The file with the examples, as the service of today answers."""
    # Else the service would ask Stripe and the bank by itself at some moment in between.
    reconciled_later = patch.object(reconcile, "BEGINS_AFTER_SECONDS", 3600)
    swept_later = patch.object(sweeper, "EVERY_SECONDS", 3600)
    with tempfile.TemporaryDirectory() as folder, reconciled_later, swept_later:
        examples = asyncio.run(_record(Path(folder)))
    text = msgspec.json.format(msgspec.json.encode(examples), indent=2).decode()
    for pattern, value in FIXED:
        text = re.sub(pattern, value, text)
    ids: dict[str, str] = {}
    return f"{RANDOM_ID.sub(lambda found: _fixed_id(found, ids), text)}\n".encode()


def _fixed_id(found: re.Match[str], ids: dict[str, str]) -> str:
    digest = hashlib.sha256(f"{found[1]} {len(ids)}".encode()).hexdigest()[:24]
    return ids.setdefault(found[0], f"{found[1]}_{digest}")


async def _record(folder: Path) -> Json:
    bank = Bank()
    async with shop_in(folder, bank) as (shop, app):
        recorder = Recorder(app)
        sophea = Sophea(shop, bank)
        await sophea.begin()
        shop.service.event_hooks = {"response": [recorder.see]}
        await sophea.play()
    return recorder.examples()


@asynccontextmanager
async def shop_in(folder: Path, bank: Bank) -> AsyncIterator[tuple[Shop, Litestar]]:
    """The service on a new SQLite file, with stand-ins for Stripe and Bakong, at a fixed time."""
    settings = Settings(
        database_url=f"sqlite:///{folder / 'paywall.sqlite3'}",
        data_dir=str(folder),
        request_timeout_seconds=PATIENT_SECONDS,
        allowed_origins=[ORIGIN],
        stripe_secret_key="sk_test_standin",
        stripe_webhook_secrets=[SECRET],
        bakong_account=ACCOUNT,
        bakong_merchant_name="River Post",
        bakong_token="standin-token",
        withdrawal_days=14,
    )
    lone = Database(settings)
    await migrate(lone)
    await lone.close()
    clock, stand_in = SetClock(), StandIn(START)
    stand_in.account.tax_percent = 10
    client = StripeClient(settings, InProcessClient(stand_in, timeout_seconds=5))
    edge = create_app(settings, clock, client, BakongClient(settings, bank))
    async with running(edge):
        transport = httpx.ASGITransport(edge)  # type: ignore[arg-type]  # looser types
        async with httpx.AsyncClient(transport=transport, base_url="http://paywall.test") as http:
            app = router_of(edge)
            assert isinstance(app, Litestar)
            yield (
                Shop(http, Bearer(app, clock), clock, stand_in, app.state.database, client),
                app,
            )


if __name__ == "__main__":
    FILE.write_bytes(recorded())
