"""A telephone scans and pays codes, lets the bank fail, and says that no money moves."""

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from paywall.processors.bakong.khqr import md5_of
from paywall.sandbox.bakong.bank import PaymentWay, StandInBank
from paywall.sandbox.bakong.faults import BankFault
from tests.conftest import PATIENT_SECONDS
from tests.sandbox.bakong.bank_server import NOW, code, serve_bank

TEXT = code()


@pytest.fixture
async def telephone(tmp_path: Path) -> AsyncIterator[tuple[StandInBank, httpx.AsyncClient]]:
    bank = StandInBank(lambda: NOW, file=tmp_path / "bank.json")
    async with (
        serve_bank(bank),
        httpx.AsyncClient(
            base_url=bank.address, follow_redirects=True, timeout=PATIENT_SECONDS
        ) as browser,
    ):
        yield bank, browser


async def test_a_scanned_code_is_paid_by_a_button(
    telephone: tuple[StandInBank, httpx.AsyncClient], tmp_path: Path
) -> None:
    bank, browser = telephone
    shown = unescape((await browser.get("/scan", params={"qr": TEXT})).text)
    assert "This is not a bank. No money moves." in shown
    assert all(way.value in shown for way in PaymentWay)
    form = {"qr": TEXT, "way": "EXACT"}
    paid = unescape((await browser.post("/pay", data=form)).text)
    assert "Paid 4,000 KHR to river_post@standin" in paid
    assert re.search(r"4,000 KHR, The River Post</a> <span>paid<", (await browser.get("/")).text)
    restarted = StandInBank(lambda: NOW, file=tmp_path / "bank.json")
    assert restarted.last_payment(md5_of(TEXT)) == bank.last_payment(md5_of(TEXT)) is not None


async def test_what_is_no_code_is_refused_in_a_sentence(
    telephone: tuple[StandInBank, httpx.AsyncClient],
) -> None:
    _, browser = telephone
    for text in ("", "no code", TEXT[:-4] + "0000", TEXT + TEXT * 9):
        for answer in (
            await browser.get("/scan", params={"qr": text}),
            await browser.post("/pay", data={"qr": text}),
        ):
            assert answer.status_code == 400
            assert "This is not a KHQR code" in answer.text


async def test_faults_are_switched_on_and_off_over_http(
    telephone: tuple[StandInBank, httpx.AsyncClient],
) -> None:
    bank, browser = telephone
    await browser.post("/faults", data={"fault": "TOO_MANY", "path": "by_md5", "times": "1"})
    page = await browser.post("/faults", data={"fault": "SLOW"})
    assert all(fault.value in unescape(page.text) for fault in BankFault)
    assert [bank.faults.take_for("/v1/check_transaction_by_md5") for _ in range(2)] == [
        BankFault.TOO_MANY,
        BankFault.SLOW,
    ]
    await browser.post("/faults")
    assert bank.faults.planned == []
    assert (await browser.post("/faults", data={"fault": "FIRE"})).status_code == 400
