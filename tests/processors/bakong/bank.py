"""A bank at the other end of the client: payers pay codes, and it answers questions about them.

It is written apart from the service, by what is published about the bank's API.
"""

import asyncio
import json
from collections import Counter
from datetime import datetime
from itertools import count
from typing import NamedTuple

import httpx

from tests.processors.bakong.khqr_parser import parse

CURRENCIES = {"116": "KHR", "840": "USD"}


class Payment(NamedTuple):
    """A transfer for a code; `amount` as the bank writes it, such as 4000 riel or 1.50 dollars."""

    md5: str
    hash: str
    payee: str
    amount: str
    currency: str
    at: datetime


class Bank(httpx.AsyncBaseTransport):
    """Reports the payments of a code one after the other, so that each is seen at some time."""

    def __init__(self) -> None:
        self.payments: list[Payment] = []
        # By MD5: all questions, and those about one code alone.
        self.questions: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.calls: list[str] = []
        self.is_down = False
        self.has_links = True
        # While it is not set, no answer is given.
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked = asyncio.Event()
        self.at_once = self.at_once_most = 0
        self._numbers = count(1)

    def pay(
        self,
        md5: str,
        text: str,
        at: datetime,
        *,
        payee: str | None = None,
        amount: str | None = None,
        currency: str | None = None,
        hash_: str | None = None,
    ) -> Payment:
        """Pay what the code asks for, or something else."""
        fields = parse(text)
        payment = Payment(
            md5,
            hash_ or f"{next(self._numbers):064x}",
            payee or fields["29.00"],
            amount or fields["54"],
            currency or CURRENCIES[fields["53"]],
            at,
        )
        self.payments.append(payment)
        return payment

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(await request.aread())
        self.calls.append(request.url.path)
        self.at_once += 1
        self.at_once_most = max(self.at_once, self.at_once_most)
        self.asked.set()
        try:
            await self.answers.wait()
            # Others have their turn here, as they have while a real bank answers.
            await asyncio.sleep(0)
            if self.is_down:
                return httpx.Response(500, text="out of order")
            return httpx.Response(200, json=self._answer(request.url.path, body))
        finally:
            self.at_once -= 1

    def _answer(self, path: str, body: object) -> object:
        match path, body:
            case "/v1/check_transaction_by_md5_list", list(md5s):
                self.questions.update(md5s)
                paid = {payment.md5 for payment in self.payments}
                return _done(
                    [
                        {"md5": md5, "status": "SUCCESS" if md5 in paid else "NOT_FOUND"}
                        for md5 in md5s
                    ]
                )
            case "/v1/check_transaction_by_md5", {"md5": str(md5)}:
                self.questions[md5] += 1
                return self._transaction(md5)
            case "/v1/generate_deeplink_by_qr", {"qr": str()} if self.has_links:
                return _done({"shortLink": "https://bank.example/pay"})
        return {"data": None, "responseCode": 1, "errorCode": 4, "responseMessage": "No."}

    def _transaction(self, md5: str) -> object:
        made = [payment for payment in self.payments if payment.md5 == md5]
        if not made:
            return {"data": None, "responseCode": 1, "errorCode": 1, "responseMessage": "Not found"}
        payment = made[self.answered[md5] % len(made)]
        self.answered[md5] += 1
        milliseconds = int(payment.at.timestamp() * 1000)
        data = {
            "hash": payment.hash,
            "fromAccountId": "payer@bank",
            "toAccountId": payment.payee,
            "currency": payment.currency,
            "amount": float(payment.amount),
            "description": "",
            "createdDateMs": milliseconds,
            "acknowledgedDateMs": milliseconds,
        }
        return _done(data)


def _done(data: object) -> dict[str, object]:
    return {"responseCode": 0, "responseMessage": "Success", "errorCode": None, "data": data}
