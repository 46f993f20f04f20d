"""Stripe subscriptions of an old plug-in, linked by `paywall import wordpress`."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner, Result

from paywall.cli.main import main
from paywall.database.tables import StripeInvoice, StripeSubscription, Subscription
from paywall.imports.wordpress.oddities import OddityKind
from paywall.rules.enums import StripeStatus, SubscriptionKind
from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.stand_in import StandIn
from paywall.settings import Settings
from tests.imports.wordpress.old_site import write_folder
from tests.installation import Installation
from tests.postgres import free_port
from tests.processors.stripe.old_subscriptions import begin_old_subscription
from tests.sandbox.stripe.stand_in_server import serve_stand_in

STATUS, END = "wp_pencipw_subscribe_status", "wp_pencipw_expired_date"
STRIPE = "wp_pencipw_stripe_subs_id"


class OldShop(NamedTuple):
    """An operator with a folder, and Stripe with old subscriptions."""

    folder: Path
    account: StandInAccount
    # Reads in a thread, as it runs a loop of its own.
    here: Installation

    async def import_(self, *options: str, **settings: str) -> Result:
        usual = {
            "stripe_secret_key": "sk_test_standin",
            "stripe_webhook_secrets": "whsec_standin",
            "stripe_api_base": self.account.address,
        }
        given = {f"PAYWALL_{name.upper()}": text for name, text in (usual | settings).items()}
        words = ["import", "wordpress", str(self.folder), *options]
        return await asyncio.to_thread(CliRunner().invoke, main, words, env=given)

    async def subscriptions(self) -> dict[str, Subscription]:
        found = await asyncio.to_thread(self.here.all, Subscription)
        return {one.reader_id: one for one in found}


@pytest.fixture
async def old_shop(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[OldShop]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYWALL_DATABASE_URL", settings.database_url)
    async with serve_stand_in(StandIn(datetime.now(UTC))) as running:
        account = running.stand_in.account
        yield OldShop(tmp_path / "old", account, Installation(settings, tmp_path))


def subscribed(user_id: int, stored: str) -> list[tuple[object, str, str]]:
    return [(user_id, STATUS, "ACTIVE"), (user_id, END, "2031-01-01"), (user_id, STRIPE, stored)]


async def test_subscriptions_are_linked_and_mirrored_once(old_shop: OldShop) -> None:
    one, other = (begin_old_subscription(old_shop.account) for _ in range(2))
    users = [*subscribed(1, one.id), *subscribed(2, "41")]
    write_folder(old_shop.folder, users, profiles=[("41", other.id)])
    tried = await old_shop.import_("--dry-run")
    assert "newly linked Stripe subscriptions: 2" in tried.stdout
    assert OddityKind.STRIPE_PRICE_UNKNOWN in tried.stderr
    assert await old_shop.subscriptions() == {}

    done = await old_shop.import_()
    assert done.exit_code == 0, done.output
    assert "newly linked Stripe subscriptions: 2" in done.stdout
    found = await old_shop.subscriptions()
    assert {id_: (one.id, one.kind) for id_, one in found.items()} == {
        "1": (one.id, SubscriptionKind.STRIPE),
        "2": (other.id, SubscriptionKind.STRIPE),
    }
    item = old_shop.account.find("subscription", one.id)["items"]["data"][0]
    assert found["1"].paid_through == datetime.fromtimestamp(item["current_period_end"], UTC)
    assert f"new: {one.id}" in done.stdout
    assert OddityKind.STRIPE_PRICE_UNKNOWN in done.stderr
    billing = await asyncio.to_thread(old_shop.here.all, StripeSubscription)
    assert {one.status for one in billing} == {StripeStatus.ACTIVE}
    invoices = await asyncio.to_thread(old_shop.here.all, StripeInvoice)

    write_folder(old_shop.folder, subscribed(3, one.id))
    for options in (["--dry-run"], []):
        refused = await old_shop.import_(*options)
        assert f"TO DO: reader 3: {OddityKind.STRIPE_SHARED}" in refused.stderr
    write_folder(old_shop.folder, users, profiles=[("41", other.id)])
    again = await old_shop.import_()
    assert "newly linked Stripe subscriptions: 0" in again.stdout
    assert await old_shop.subscriptions() == found
    assert await asyncio.to_thread(old_shop.here.all, StripeInvoice) == invoices
    await asyncio.to_thread(old_shop.here.assert_sound)


async def test_what_stripe_does_not_confirm_is_listed_and_not_recorded(
    old_shop: OldShop,
) -> None:
    one = begin_old_subscription(old_shop.account)
    users = [*subscribed(1, "sub_gone"), *subscribed(2, one.id), *subscribed(3, one.id)]
    write_folder(old_shop.folder, [*users, (1, "wp_pencipw_unlock_remaining", "5")])
    away = await old_shop.import_(stripe_api_base=f"http://127.0.0.1:{free_port()}")
    off = await old_shop.import_(stripe_secret_key="", stripe_api_base="")
    for failed in (away, off):
        assert failed.exit_code == 1
        assert "Stripe subscriptions that could not be linked: 3" in failed.stdout
    assert "Stripe cannot be reached" in away.stderr
    assert "no stripe_secret_key" in off.stderr
    assert await old_shop.subscriptions() == {}

    done = await old_shop.import_()
    assert done.exit_code == 1
    assert list(await old_shop.subscriptions()) == ["2"]
    assert f"TO DO: reader 1: {OddityKind.STRIPE_NOT_LINKED} (sub_gone: Stripe has no such" in (
        done.stderr
    )
    assert f"TO DO: reader 3: {OddityKind.STRIPE_SHARED} ({one.id}: it is of reader 2)" in (
        done.stderr
    )
    assert "new credits: 0" in done.stdout
    await asyncio.to_thread(old_shop.here.assert_sound)
