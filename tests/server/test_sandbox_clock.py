"""The service has the time of the stand-in that it sells through, also when that is moved."""

from datetime import timedelta

import pytest

from paywall.clock import FollowingClock
from paywall.sandbox.stripe.stand_in import StandIn
from paywall.server.sandbox_clock import fetch_time
from tests.conftest import START
from tests.postgres import free_port
from tests.sandbox.stripe.stand_in_server import serve_stand_in

AN_HOUR = timedelta(hours=1)


async def test_it_follows_a_clock_that_is_moved() -> None:
    clock = FollowingClock()
    async with serve_stand_in(StandIn(START)) as running:
        url = f"{running.stand_in.account.address}/clock"
        await fetch_time(clock, url)
        assert START <= clock.now() < START + AN_HOUR
        running.advance(40 * 86_400)
        await fetch_time(clock, url)
        moved_to = START + timedelta(days=40)
        assert moved_to <= clock.now() < moved_to + AN_HOUR
    # What the database says after that counts no more.
    clock.measured(START, 0, 0)
    assert clock.now() >= moved_to


@pytest.mark.parametrize("path", ["", "/nothing", "/v1/account"])
async def test_where_no_clock_answers_time_goes_on_as_it_did(path: str) -> None:
    clock = FollowingClock()
    before = clock.now()
    async with serve_stand_in(StandIn(START)) as running:
        await fetch_time(clock, running.stand_in.account.address + path)
    await fetch_time(clock, f"http://127.0.0.1:{free_port()}/clock")
    assert before <= clock.now() < before + AN_HOUR
