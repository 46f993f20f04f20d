"""The stand-in for Bakong beside the service of the sandbox."""

import os
from datetime import timedelta
from functools import partial

from litestar.types import ASGIApp

from paywall.clock import FollowingClock
from paywall.sandbox.bakong.bank import StandInBank
from paywall.sandbox.bakong.server import create_app
from paywall.server.sandbox_clock import fetch_time
from paywall.settings import Settings

# So that the time machine does not end it.
TOKEN_LASTS = timedelta(days=36_500)


def sandbox_bank(settings: Settings, address: str) -> ASGIApp:
    """A bank at this address, with its state in the data_dir and the sandbox's clock.

    The environment is set as an operator would set it.
    """
    clock, clock_url = FollowingClock(), settings.sandbox_clock_url
    bank = StandInBank(clock.now, address, settings.data_path / "bank.json")
    os.environ |= {
        "PAYWALL_BAKONG_ACCOUNT": "river_post@standin",
        "PAYWALL_BAKONG_MERCHANT_NAME": "The River Post",
        "PAYWALL_BAKONG_TOKEN": bank.issue_token(TOKEN_LASTS),
        "PAYWALL_BAKONG_API_BASE": address,
    }

    if not clock_url:
        return create_app(bank)
    return create_app(bank, partial(fetch_time, clock, clock_url))
