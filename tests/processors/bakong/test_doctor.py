"""`paywall doctor` looks at Bakong too, and `paywall bakong renew-token` gets the next token."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from paywall.cli.main import main
from paywall.diagnosis import Diagnosis
from paywall.processors.bakong.doctor import diagnose_bakong
from paywall.sandbox.bakong.bank import REGISTERED_EMAIL, StandInBank
from paywall.sandbox.bakong.faults import BankFault
from tests.sandbox.bakong.bank_server import NOW, settings_for


async def _found(
    stand_in: StandInBank, ahead: timedelta = timedelta(), **changes: str
) -> tuple[str, str]:
    """What is well, and what is wrong; the stand-in's server says the real time."""
    settings = settings_for(stand_in, **changes)
    shown = [line async for line in diagnose_bakong(settings, datetime.now(UTC) + ahead)]
    wrong = "\n".join(str(line) for line in shown if isinstance(line, Diagnosis))
    return "\n".join(line for line in shown if isinstance(line, str)), wrong


async def test_all_that_is_well_with_bakong_is_said(stand_in: StandInBank) -> None:
    ends_at = datetime.now(UTC) + timedelta(days=90)
    token = stand_in.issue_token(ends_at - NOW)
    well, wrong = await _found(stand_in, bakong_token=token)
    assert wrong == ""
    assert f"bakong_token is valid until {ends_at:%-d %B %Y}." in well
    assert "Bakong has the account river_post@standin." in well
    assert "Bakong takes the token" in well


async def test_a_token_is_renewed_two_weeks_before_it_ends(stand_in: StandInBank) -> None:
    for days, what in ((13, "bakong_token ends on"), (-1, "bakong_token ended on")):
        token = stand_in.issue_token(datetime.now(UTC) + timedelta(days=days) - NOW)
        _, wrong = await _found(stand_in, bakong_token=token)
        assert what in wrong
        assert "Run `paywall bakong renew-token`" in wrong
    _, wrong = await _found(stand_in, bakong_token="standin-strange")
    assert "does not say when it ends" in wrong
    assert "Bakong refuses the token of this service." in wrong


async def test_an_unknown_account_and_a_wrong_clock_are_named(stand_in: StandInBank) -> None:
    _, wrong = await _found(stand_in, timedelta(minutes=10), bakong_account="nobody@standin")
    assert "Bakong has no account nobody@standin." in wrong
    assert "The clocks of this machine and of Bakong are" in wrong


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (BankFault.FORBIDDEN, "Run the service in Cambodia"),
        (BankFault.SERVER_ERROR, "Check the network and the setting bakong_api_base"),
    ],
)
async def test_a_bank_that_does_not_answer_is_explained(
    stand_in: StandInBank, fault: BankFault, remedy: str
) -> None:
    stand_in.faults.plan(fault)
    _, wrong = await _found(stand_in)
    assert remedy in wrong


async def test_the_next_token_is_printed(stand_in: StandInBank) -> None:
    def renew(email: str) -> tuple[int, str, str]:
        given = {"PAYWALL_BAKONG_API_BASE": stand_in.address}
        ended = CliRunner().invoke(main, ["bakong", "renew-token", "--email", email], env=given)
        return ended.exit_code, ended.stdout.strip(), ended.stderr

    status, token, hint = await asyncio.to_thread(renew, REGISTERED_EMAIL)
    assert (status, stand_in.accepts(token)) == (0, True)
    assert "It ends on 1 March 2027." in hint
    status, token, hint = await asyncio.to_thread(renew, "nobody@example.com")
    assert (status, token) == (2, "")
    assert "no registration with this address" in hint
