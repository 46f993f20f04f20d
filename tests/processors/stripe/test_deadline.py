"""Whoever asks Stripe has the time for it."""

import msgspec
import pytest

from paywall.processors.stripe.client import StripeClient
from paywall.sandbox.stripe.faults import Fault
from paywall.sandbox.stripe.in_process_client import InProcessClient
from paywall.sandbox.stripe.stand_in import StandIn
from paywall.settings import Settings
from tests.processors.stripe.shop import Shop


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, request_timeout_seconds=2.0)


@pytest.fixture
def stripe_client(settings: Settings, stand_in: StandIn) -> StripeClient:
    return StripeClient(settings, InProcessClient(stand_in, timeout_seconds=1.2))


async def test_a_slow_stripe_is_waited_for_past_the_usual_deadline(shop: Shop) -> None:
    shop.stand_in.faults.plan(Fault.TIMEOUT_BEFORE, "POST", "/v1/customers", times=2)
    opened = await shop.open(pack_id="six")
    assert opened.status_code == 201, opened.text
