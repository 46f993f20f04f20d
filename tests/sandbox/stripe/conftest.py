"""A stand-in whose every request and object is compared with the SDK's own types."""

from collections.abc import Iterator

import pytest

from paywall.sandbox.stripe.stand_in import StandIn
from tests.sandbox.stripe.sdk_contract import SdkContract
from tests.sandbox.stripe.shop import START, Shop


@pytest.fixture
def sdk() -> Iterator[SdkContract]:
    contract = SdkContract()
    yield contract
    contract.assert_no_breaches()


@pytest.fixture
def stand_in(sdk: SdkContract) -> StandIn:
    return StandIn(START, inspector=sdk)


@pytest.fixture
async def shop(stand_in: StandIn) -> Shop:
    shop = Shop(stand_in)
    await shop.open()
    return shop
