"""Nine timelines of prepaid time in 2027, by the verbs and over HTTP; the date ends the access."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from paywall.database.engine import Database
from paywall.processors.stripe.objects import Snapshot
from paywall.rules.enums import ClawbackKind, StripeStatus
from paywall.rules.refunds import ClawbackSnapshot
from paywall.settings import Settings
from tests.conftest import PATIENT_SECONDS, Bearer, SetClock
from tests.histories.base import record_taken_back
from tests.histories.prepaid_model import Cover, Holder
from tests.histories.stripe_side import (
    Billed,
    Customer,
    Invoice,
    link,
    record_snapshot,
    stripe_prices,
)
from tests.test_story import check

PRICES = [{"amount": 500, "currency": "usd"}]
PRODUCTS: dict[str, dict[str, object]] = {
    "passes/30": {"title": "30 days", "days": 30, "prices": PRICES},
    "plans/monthly": {"title": "A month", "interval": "month", "prices": PRICES},
    "plans/yearly": {"title": "A year", "interval": "year", "prices": PRICES},
}
PASS, MONTH, YEAR = {"pass_id": "30"}, {"plan_id": "monthly"}, {"plan_id": "yearly"}


def on(day: str) -> datetime:
    """`02-10` in 2027, any day, or any time; of the day it is midnight UTC."""
    day = day if len(day) > len("02-10") else f"2027-{day}"
    time = datetime.fromisoformat(day if "T" in day else f"{day}T00:00:00Z")
    return time.astimezone(UTC)


class Site:
    """The site, its clock, and Stripe's subscription of reader `a`, where there is one."""

    def __init__(
        self, service: httpx.AsyncClient, bearer: Bearer, clock: SetClock, database: Database,
        settings: Settings,
    ) -> None:  # fmt: skip
        self.service, self.bearer, self.clock = service, bearer, clock
        self.database, self.settings = database, settings
        self.bought = 0
        self.billed: Billed | None = None

    async def request(self, method: str, path: str, **body: object) -> dict[str, object]:
        headers = self.bearer.site()
        answer = await self.service.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return dict(answer.json())

    async def stock(self) -> None:
        for path, product in PRODUCTS.items():
            await self.request("PUT", f"/v1/{path}", **product)
        async with self.database.writing() as session:
            session.add_all(stripe_prices())

    async def buy(self, day: str, product: dict[str, str], reader: str = "a") -> int:
        self.clock.at = on(day)
        self.bought += 1
        purchase = await self.request(
            "POST", "/v1/purchases", reader_id=reader, processor="cash",
            reference=str(self.bought), amount_paid=500, currency="usd", **product,
        )  # fmt: skip
        return int(str(purchase["id"]))

    async def claw_back(
        self, purchase: int, kind: ClawbackKind, day: str, won: str | None = None
    ) -> None:
        """The bank tells of it when the clock stands at its last day."""
        self.clock.at = on(won or day)
        withdrawn_at = on(won) if won else None
        snapshot = ClawbackSnapshot(
            "back", kind, 500, won is None, False, False, on(day), on(day), withdrawn_at
        )
        async with self.database.writing() as session:
            await record_taken_back(session, purchase, [snapshot], self.clock)

    async def bill(self, starts: str, ends: str) -> None:
        """Stripe's first paid period."""
        self.clock.at = on(starts)
        customer = Customer("cus", Holder([(on(starts), "a")]))
        self.billed = Billed("sub", customer, "monthly", on(starts))
        cover = Cover(customer.holder, 500, on(starts), on(ends))
        self.billed.invoices.append(Invoice("in", "monthly", cover, on(starts), on(ends)))
        async with self.database.writing() as session:
            await link(session, customer, "a", on(starts))
        await self.becomes(StripeStatus.ACTIVE, starts)

    async def becomes(self, status: StripeStatus, day: str) -> None:
        self.clock.at = on(day)
        billed = self.billed
        assert billed is not None
        billed.status = status
        snapshot = Snapshot(
            subscriptions=(billed.snapshot(),),
            invoices=tuple(invoice.snapshot(billed) for invoice in billed.invoices),
        )
        async with self.database.writing() as session:
            await record_snapshot(session, billed.customer, snapshot, self.settings, self.clock)

    async def ends(self, reader: str = "a") -> tuple[list[str], str]:
        """The ends of prepaid time in order, and when all access ends, by a check."""
        mine = await self.service.get("/v1/me", headers=self.bearer.reader(reader))
        ends = [
            item["access_until"]
            for item in mine.json()["subscriptions"]
            if item["kind"] in ("pass", "prepaid")
        ]
        answer = await check(self.service, self.bearer, "x", reader_id=reader)
        return sorted(ends), str(answer["access_until"])


@pytest.fixture
def zone() -> str:
    return "UTC"


@pytest.fixture
def settings(database_url: str, tmp_path: Path, zone: str) -> Settings:
    return Settings(
        database_url=database_url,
        data_dir=str(tmp_path),
        request_timeout_seconds=PATIENT_SECONDS,
        meter_timezone=zone,
        grace_days=3,
    )


@pytest.fixture
async def site(
    service: httpx.AsyncClient,
    bearer: Bearer,
    clock: SetClock,
    database: Database,
    settings: Settings,
) -> Site:
    site = Site(service, bearer, clock, database, settings)
    await site.stock()
    return site


def at(*days: str) -> tuple[list[str], str]:
    """These ends; the last one is the end of all access."""
    ends = [f"{on(day):%Y-%m-%dT%H:%M:%SZ}" for day in days]
    return ends, ends[-1]


async def test_a_pass_waits_for_a_paid_stripe_period(site: Site) -> None:
    await site.buy("01-01", PASS)
    await site.bill("01-10", "02-10")
    assert await site.ends() == at("03-03")


async def test_a_pass_does_not_wait_for_days_of_grace(site: Site) -> None:
    await site.buy("01-01", PASS)
    await site.bill("01-10", "02-10")
    await site.becomes(StripeStatus.PAST_DUE, "02-10")
    assert await site.ends() == at("03-03")
    await site.becomes(StripeStatus.CANCELED, "02-13")
    assert await site.ends() == at("03-03")


async def test_a_refund_takes_no_time_that_was_used(site: Site) -> None:
    first = await site.buy("01-01", PASS)
    await site.buy("01-20", PASS)
    await site.claw_back(first, ClawbackKind.REFUND, "02-15")
    assert await site.ends() == at("01-31", "03-02")


async def test_a_won_dispute_gives_back_what_was_left(site: Site) -> None:
    first = await site.buy("01-01", PASS)
    await site.buy("01-02", PASS)
    await site.claw_back(first, ClawbackKind.DISPUTE, "01-11")
    assert await site.ends() == at("01-11", "02-10")
    await site.claw_back(first, ClawbackKind.DISPUTE, "01-11", won="03-01")
    assert await site.ends() == at("02-10", "03-21")


@pytest.mark.parametrize(
    ("merged", "end"), [("2026-07-01", "2027-07-04"), ("2027-01-01", "2027-01-01")]
)
async def test_merged_years_run_on_with_what_each_has_left(
    site: Site, merged: str, end: str
) -> None:
    for reader in ("a", "b"):
        await site.buy("2026-01-01", YEAR, reader)
    site.clock.at = on(merged)
    await site.request("POST", "/v1/subscribers/b/merge", into="a")
    ends, until = await site.ends()
    assert ends == at("2027-01-01", end)[0]
    assert until == (at(end)[1] if end > merged else "None")


async def test_a_pass_waits_for_a_complimentary_subscription(site: Site) -> None:
    site.clock.at = on("01-01")
    end = "2027-03-31T00:00:00Z"
    await site.request("PUT", "/v1/subscribers/a/subscription", current_period_end=end)
    await site.buy("03-25", PASS)
    assert await site.ends() == at("04-30")


@pytest.mark.parametrize(
    ("zone", "bought", "end"),
    [
        ("Asia/Phnom_Penh", "2027-03-01T02:00+07:00", "2027-04-01T02:00+07:00"),
        ("America/New_York", "2027-02-14T02:30-05:00", "2027-03-14T03:30-04:00"),
    ],
)
async def test_months_are_counted_in_the_zone_of_the_site(
    site: Site, bought: str, end: str
) -> None:
    await site.buy(bought, MONTH)
    assert await site.ends() == at(end)


async def test_counting_restarts_after_a_pause(site: Site) -> None:
    await site.buy("01-31", MONTH)
    await site.bill("02-10", "03-10")
    await site.buy("02-10", MONTH)
    assert await site.ends() == at("03-28", "04-28")


async def test_unbroken_months_keep_the_day_of_the_first(site: Site) -> None:
    for _ in range(4):
        await site.buy("2026-12-31", MONTH)
    assert await site.ends() == at("2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30")
