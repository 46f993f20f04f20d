"""The newspaper and the service, both over HTTP, with a clock that the test moves."""

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import msgspec

from paywall.app import create_app
from paywall.clock import Clock
from paywall.sandbox.prepare import SandboxSummary, newspaper_token, prepare
from paywall.sandbox.site.app import newspaper
from paywall.sandbox.site.paywall_client import PaywallClient
from paywall.sandbox.site.server import address_of, listening
from paywall.sandbox.site.time_machine import TimeMachine
from paywall.sandbox.site.translations import THEME_DIR, ZONE
from paywall.sandbox.stripe.runner import StandInRunner
from paywall.sandbox.stripe.server import create_app as stand_in
from paywall.sandbox.stripe.stand_in import StandIn
from paywall.sandbox.stripe_process import API_KEY, WEBHOOK_SECRET
from paywall.settings import Settings
from tests.conftest import PATIENT_SECONDS
from tests.prompt_server import served_in_a_thread
from tests.router import give_back

HOST = "127.0.0.1"
NO_CHANGES: Mapping[str, object] = {}


class BankClock(Clock):
    """Reads the bank's clock at each look: one time for all, at once after it was moved."""

    def __init__(self, bank: StandInRunner) -> None:
        self.bank = bank

    def measured(self, received: datetime, asked: float, answered: float) -> None:
        """The bank tells the time, not the database."""

    def now(self) -> datetime:
        return self.bank.stand_in.account.at


class Press:
    """One newspaper with its readers.

    ann has 3 credits, bo has none, chan has a subscription, and dara reads in Khmer.
    """

    def __init__(
        self, paper: str, service: str, bank: str, clock: BankClock, sandbox: SandboxSummary
    ) -> None:
        self.paper = paper
        self.service = service
        self.bank = bank
        self.clock = clock
        self.site_token = sandbox.site_token
        headers = {"Authorization": f"Bearer {sandbox.site_token}"}
        self._site = httpx.Client(base_url=service, headers=headers, timeout=PATIENT_SECONDS)

    def call(self, method: str, path: str, **body: object) -> dict[str, Any]:
        """What the publisher's server does by itself."""
        answer = self._site.request(method, path, json=body or None)
        assert answer.is_success, answer.text
        received: dict[str, Any] = answer.json() if answer.content else {}
        return received

    def here(self, at: datetime) -> datetime:
        """As clocks tell it where the newspaper is made."""
        return at.astimezone(ZoneInfo(ZONE))

    def unlocks_left(self, reader_id: str) -> int:
        return int(self.call("GET", f"/v1/subscribers/{reader_id}")["unlocks_left"])

    def sell_pack(self, reader_id: str, reference: str) -> None:
        """Five credits, paid for by the site's own means."""
        self.call(
            "POST", "/v1/purchases",
            reader_id=reader_id, processor="khqr", reference=reference,
            pack_id="five", amount_paid=800_000, currency="khr",
        )  # fmt: skip

    def sell_pass(self, reader_id: str) -> None:
        """A week of everything, paid for by the site's own means."""
        self.call(
            "POST", "/v1/purchases",
            reader_id=reader_id, processor="khqr", reference="a week",
            pass_id="week", amount_paid=600_000, currency="khr",
        )  # fmt: skip

    def subscribe(self, reader_id: str, days: int) -> None:
        until = self.clock.now().timestamp() + days * 86_400
        end = datetime.fromtimestamp(until, UTC).isoformat()
        self.call("PUT", f"/v1/subscribers/{reader_id}/subscription", current_period_end=end)

    def end_in_stripe(self, reader_id: str) -> None:
        """The publisher ends the reader's subscription at Stripe's own desk."""
        subscription_id = self.call("GET", f"/v1/subscribers/{reader_id}")["subscription"]["id"]
        ended = httpx.delete(
            f"{self.bank}/v1/subscriptions/{subscription_id}",
            headers={"Authorization": f"Bearer {API_KEY}"},
            timeout=PATIENT_SECONDS,
        )
        assert ended.is_success, ended.text
        self.move(seconds=1)

    def set_end_in_stripe(self, reader_id: str, days: int) -> None:
        """The publisher sets a date at Stripe's own desk on which the subscription ends."""
        subscription_id = self.call("GET", f"/v1/subscribers/{reader_id}")["subscription"]["id"]
        ends_at = int(self.clock.now().timestamp()) + days * 86_400
        changed = httpx.post(
            f"{self.bank}/v1/subscriptions/{subscription_id}",
            data={"cancel_at": str(ends_at)},
            headers={"Authorization": f"Bearer {API_KEY}"},
            timeout=PATIENT_SECONDS,
        )
        assert changed.is_success, changed.text
        self.move(seconds=1)

    def price(self, article_id: str, unlock_cost: int) -> None:
        self.call(
            "PUT", f"/v1/articles/{article_id}",
            title="The rice bank opens its books", policy="premium",
            unlock_cost=unlock_cost, url=f"{self.paper}/{article_id}", language="en",
        )  # fmt: skip

    def give_article(self, reader_id: str, article_id: str) -> None:
        """An article as a gift of the newspaper's."""
        self.call(
            "POST",
            f"/v1/subscribers/{reader_id}/unlocks",
            article_id=article_id,
            source="complimentary",
        )

    def delete_article(self, article_id: str) -> None:
        self.delete(f"/v1/articles/{article_id}")

    def delete(self, path: str) -> None:
        assert self._site.delete(path).is_success

    def move(self, **by: float) -> None:
        """Time passes for everybody."""
        seconds = {"seconds": int(timedelta(**by).total_seconds())}
        assert self._site.post(f"{self.bank}/clock/advance", data=seconds).is_success

    def close(self) -> None:
        self._site.close()


@contextmanager
def printing(
    folder: Path, *other_sites: str, selling: Mapping[str, object] = NO_CHANGES
) -> Iterator[Press]:
    """A newspaper of its own, in this folder, with a bank and a service.

    Pages of other sites, named by their origins, may use the service as well. `selling` changes
    the service's settings, once the sandbox is prepared.
    """
    with ExitStack() as stack:
        paper, bank, service = (stack.enter_context(listening(HOST, 0)) for _ in range(3))
        settings = Settings(
            data_dir=str(folder / "var"),
            allowed_origins=[address_of(paper), *other_sites],
            meter_timezone=ZONE,
            theme_dir=str(THEME_DIR),
            seller_name="The River Post Ltd.",
            seller_address="12 Sisowath Quay\nPhnom Penh",
            seller_tax_number="K001-901234567",
            withdrawal_days=14,
            request_timeout_seconds=PATIENT_SECONDS,
            stripe_secret_key=API_KEY,
            stripe_webhook_secrets=[WEBHOOK_SECRET],
            stripe_api_base=address_of(bank),
            sandbox_clock_url=f"{address_of(bank)}/clock",
        )
        account = StandIn(datetime.now(UTC), address=address_of(bank))
        running = StandInRunner(
            account, f"{address_of(service)}/v1/webhooks/stripe", WEBHOOK_SECRET
        )
        clock = BankClock(running)
        stack.enter_context(served_in_a_thread(stand_in(running), bank))
        sandbox = _prepared(settings, address_of(paper))
        publisher = PaywallClient(address_of(service), partial(newspaper_token, settings))
        time_machine = TimeMachine(publisher, settings.sandbox_clock_url)
        app = create_app(msgspec.structs.replace(settings, **selling), clock)
        stack.callback(give_back, app)
        stack.enter_context(served_in_a_thread(app, service))
        stack.enter_context(served_in_a_thread(newspaper(publisher, time_machine), paper))
        press = Press(address_of(paper), address_of(service), address_of(bank), clock, sandbox)
        # The bank counts whole seconds: by now what the readers were given has begun.
        press.move(seconds=2)
        yield press
        press.close()


def _prepared(settings: Settings, paper: str) -> SandboxSummary:
    """Playwright keeps a loop of its own in this thread, and one is all that a thread can have."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, prepare(settings, paper)).result()
