"""The client takes nothing for an answer that the bank did not say clearly."""

from decimal import Decimal

import httpx
import pytest

from paywall.problems import Problem, Unconfirmed
from paywall.processors.bakong import client as client_module
from paywall.processors.bakong.api_errors import BankUnclear
from paywall.processors.bakong.backoff import SECONDS_MAX, next_pause
from paywall.processors.bakong.client import BakongClient
from paywall.processors.bakong.khqr import md5_of
from paywall.sandbox.bakong.bank import REGISTERED_EMAIL, PaymentWay, StandInBank
from paywall.sandbox.bakong.faults import BankFault
from paywall.telemetry import BakongCall, BakongOutcome
from tests.sandbox.bakong.bank_server import MERCHANT, NOW, code, settings_for

LIST = "check_transaction_by_md5_list"
PAID = b'{"responseCode":0,"data":{"hash":"h","toAccountId":"a@b","currency":"KHR","amount":1}}'
STRANGE = {
    "empty": b"",
    "a list": b"[]",
    "not UTF-8": b"\xff",
    "deep": b"[" * 10_000,
    "no payment": b'{"responseCode":0,"data":null}',
    "no amount": PAID.replace(b',"amount":1', b""),
    "not a number": PAID.replace(b'"amount":1', b'"amount":"NaN"'),
    "no hash": PAID.replace(b'"h"', b'""'),
    "no payee": PAID.replace(b'"toAccountId":"a@b",', b""),
    "a server that cannot connect": b'{"responseCode":1,"errorCode":9}',
    "a code that is text": b'{"responseCode":"1","errorCode":1}',
    "too long": PAID + b" " * client_module.ANSWER_BYTES_MAX,
}
TEXT = code()
MD5 = md5_of(TEXT)


async def test_a_payment_is_what_the_bank_says_of_it(
    stand_in: StandInBank, client: BakongClient
) -> None:
    assert await client.transaction(MD5) is None
    paid = stand_in.pay(TEXT)
    found = await client.transaction(MD5)
    assert found is not None
    assert found == (paid.hash, "reader@standin", MERCHANT.account, Decimal(4000), "khr", NOW)
    dollars = code("RP2", 150, "usd")
    stand_in.pay(dollars)
    in_dollars = await client.transaction(md5_of(dollars))
    assert in_dollars is not None
    assert (in_dollars.amount, in_dollars.currency) == (Decimal("1.50"), "usd")


@pytest.mark.parametrize(
    ("way", "amount", "currency", "payee"),
    [
        (PaymentWay.HALF, Decimal(2000), "khr", MERCHANT.account),
        (PaymentWay.DOUBLE, Decimal(8000), "khr", MERCHANT.account),
        (PaymentWay.OTHER_CURRENCY, Decimal(1), "usd", MERCHANT.account),
        (PaymentWay.OTHER_PAYEE, Decimal(4000), "khr", "stranger@standin"),
    ],
)
async def test_an_odd_payment_is_reported_as_it_was_made(
    stand_in: StandInBank,
    client: BakongClient,
    way: PaymentWay,
    amount: Decimal,
    currency: str,
    payee: str,
) -> None:
    stand_in.pay(TEXT, way)
    found = await client.transaction(MD5)
    assert found is not None
    assert (found.amount, found.currency, found.to_account) == (amount, currency, payee)


async def test_the_hash_of_another_code_and_a_second_payment_are_seen(
    stand_in: StandInBank, client: BakongClient
) -> None:
    first, again = stand_in.pay(TEXT), code("RP2")
    stand_in.pay(again, PaymentWay.SAME_HASH)
    repeated = await client.transaction(md5_of(again))
    assert repeated is not None
    assert repeated.hash == first.hash
    second = stand_in.pay(TEXT)
    found = await client.transaction(MD5)
    assert found is not None
    assert first.hash != second.hash == found.hash


@pytest.mark.parametrize(
    ("fault", "outcome", "questions"),
    [
        (BankFault.SLOW, BakongOutcome.TIMED_OUT, 2),
        (BankFault.FORBIDDEN, BakongOutcome.FORBIDDEN, 1),
        (BankFault.TOO_MANY, BakongOutcome.TOO_MANY, 1),
        (BankFault.SERVER_ERROR, BakongOutcome.FAILED, 2),
        (BankFault.ENDED, BakongOutcome.TOKEN_REFUSED, 1),
        (BankFault.MALFORMED, BakongOutcome.UNCLEAR, 1),
        (BankFault.UNKNOWN_CODE, BakongOutcome.UNCLEAR, 1),
    ],
)
async def test_what_is_no_clear_answer_says_nothing_of_a_payment(
    stand_in: StandInBank,
    client: BakongClient,
    monkeypatch: pytest.MonkeyPatch,
    fault: BankFault,
    outcome: BakongOutcome,
    questions: int,
) -> None:
    monkeypatch.setattr(client_module, "TRY_SECONDS", 0.1)
    impatient = BakongClient(settings_for(stand_in))
    stand_in.pay(TEXT)
    stand_in.faults.plan(fault, times=questions)
    with pytest.raises(BankUnclear) as unclear:
        await impatient.transaction(MD5)
    assert isinstance(unclear.value, Unconfirmed)
    assert unclear.value.outcome is outcome
    assert unclear.value.is_answered is (fault is not BankFault.SLOW)
    assert stand_in.faults.planned == []
    assert await client.transaction(MD5) is not None
    await impatient.close()


async def test_one_failure_is_asked_again_within_the_same_call(
    stand_in: StandInBank, client: BakongClient
) -> None:
    stand_in.pay(TEXT)
    stand_in.faults.plan(BankFault.SERVER_ERROR, times=1)
    assert await client.transaction(MD5) is not None


@pytest.mark.parametrize("name", STRANGE)
async def test_an_answer_of_another_shape_is_unclear(stand_in: StandInBank, name: str) -> None:
    answer = STRANGE[name]
    strange = httpx.MockTransport(lambda _: httpx.Response(200, content=answer))
    client = BakongClient(settings_for(stand_in), strange)
    with pytest.raises(BankUnclear) as unclear:
        await client.transaction(MD5)
    assert unclear.value.outcome is BakongOutcome.UNCLEAR
    await client.close()


async def test_the_token_is_in_no_log_line(
    stand_in: StandInBank, client: BakongClient, caplog: pytest.LogCaptureFixture
) -> None:
    stand_in.faults.plan(BankFault.ENDED)
    with pytest.raises(BankUnclear):
        await client.transaction(MD5)
    ours = [line for line in caplog.records if line.name == "paywall"]
    assert [(line.message, line.__dict__["fields"]) for line in ours] == [
        (
            "bakong did not answer clearly",
            {"call": "transaction", "outcome": "token_refused", "reason": "status 401"},
        )
    ]


@pytest.mark.parametrize("fault", [BankFault.FORBIDDEN, BankFault.TOO_MANY])
async def test_after_a_refusal_the_bank_is_not_asked_for_a_while(
    stand_in: StandInBank, client: BakongClient, fault: BankFault
) -> None:
    stand_in.faults.plan(fault, "check_transaction_by_md5", times=1)
    outcomes = []
    for _ in range(2):
        with pytest.raises(BankUnclear) as unclear:
            await client.transaction(MD5)
        outcomes.append(unclear.value.outcome)
    assert outcomes[1] is BakongOutcome.NOT_ASKED
    assert (await client.account(MERCHANT.account)).exists


def test_pauses_grow_to_a_minute() -> None:
    first = next_pause(None, 10.0, None)
    assert first == (11.0, 1.0)
    assert next_pause(first, 20.0, None) == (22.0, 2.0)
    assert next_pause(first, 20.0, 30.0) == (50.0, 30.0)
    assert next_pause(first._replace(seconds=50), 20.0, 9e9).seconds == SECONDS_MAX


async def test_a_list_names_the_paid_codes(stand_in: StandInBank, client: BakongClient) -> None:
    texts = [code(f"RP{number}") for number in range(50)]
    md5s = [md5_of(text) for text in texts]
    for text in texts[10:20]:
        stand_in.pay(text)
    assert await client.paid_among(md5s) == set(md5s[10:20])
    with pytest.raises(ValueError, match="at most 50"):
        await client.paid_among([*md5s, MD5])


@pytest.mark.parametrize("fault", [BankFault.FORBIDDEN, BankFault.MALFORMED])
async def test_where_lists_are_refused_codes_are_asked_one_by_one(
    stand_in: StandInBank, client: BakongClient, fault: BankFault
) -> None:
    texts = [code(f"RP{number}") for number in range(12)]
    stand_in.pay(texts[11])
    stand_in.faults.plan(fault, LIST)
    md5s = [md5_of(text) for text in texts]
    assert await client.paid_among(md5s) == {md5s[11]}
    assert await client.paid_among(md5s) == {md5s[11]}


async def test_an_outage_makes_a_list_unclear(stand_in: StandInBank, client: BakongClient) -> None:
    stand_in.faults.plan(BankFault.SERVER_ERROR)
    with pytest.raises(BankUnclear):
        await client.paid_among([MD5])


async def test_a_token_is_renewed_for_the_registered_address(stand_in: StandInBank) -> None:
    ended = BakongClient(settings_for(stand_in, bakong_token="standin-ended"))
    token = await ended.renew_token(REGISTERED_EMAIL)
    assert stand_in.accepts(token)
    with pytest.raises(Problem, match="no registration"):
        await ended.renew_token("nobody@example.com")
    await ended.close()
    renewed = BakongClient(settings_for(stand_in, bakong_token=token))
    assert await renewed.transaction(MD5) is None
    await renewed.close()


async def test_a_deep_link_opens_the_code_on_the_telephone(client: BakongClient) -> None:
    link = await client.deep_link(TEXT)
    assert link is not None
    async with httpx.AsyncClient() as browser:
        page = (await browser.get(link)).text
    assert "4,000 KHR" in page
    assert await client.deep_link("no code") is None


def test_every_call_has_an_address() -> None:
    assert client_module.PATHS.keys() == set(BakongCall)
