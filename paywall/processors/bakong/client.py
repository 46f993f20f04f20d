"""The client of the bank's API ("Bakong Open API" 1.0.2).

Every question ends within CALL_SECONDS, retries included. All of them are safe to repeat: they only
ask, or get one more token or link. What the bank did not answer clearly raises BankUnclear, which
is an Unconfirmed: a time-out, 401, 403, 429, 5xx, another shape or an unknown code. After 403 and
429 the same question is not asked again for a while.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from paywall.lazy_import import lazy_import
from paywall.problems import invalid
from paywall.processors.bakong import answers
from paywall.processors.bakong.answers import Answer, UnclearAnswer
from paywall.processors.bakong.api_errors import BankUnclear, outcome_of
from paywall.processors.bakong.backoff import Pause, next_pause, parse_retry_after
from paywall.processors.bakong.objects import AccountAnswer, BankTransaction
from paywall.settings import Settings
from paywall.telemetry import BakongCall, BakongOutcome, count_bakong_call, logger

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_import("httpx")

CALL_SECONDS = 4.0
TRY_SECONDS = 2.0
ANSWER_BYTES_MAX = 256 * 1024
MD5S_MAX = 50
# So many single questions at a time, where a list does not answer them.
SINGLES_AT_ONCE = 5
PATHS = {
    BakongCall.TRANSACTION: "/v1/check_transaction_by_md5",
    BakongCall.LIST: "/v1/check_transaction_by_md5_list",
    BakongCall.DEEP_LINK: "/v1/generate_deeplink_by_qr",
    BakongCall.RENEW_TOKEN: "/v1/renew_token",
    BakongCall.ACCOUNT: "/v1/check_bakong_account",
}
TRIED_AGAIN = frozenset({BakongOutcome.TIMED_OUT, BakongOutcome.UNREACHABLE, BakongOutcome.FAILED})
PAUSED_AFTER = frozenset({BakongOutcome.FORBIDDEN, BakongOutcome.TOO_MANY})
# A list that ends so leaves everything to single questions.
WITHOUT_LIST = frozenset({BakongOutcome.FORBIDDEN, BakongOutcome.NOT_ASKED, BakongOutcome.UNCLEAR})

Result = TypeVar("Result")
Read = Callable[[Answer], Result]


class BakongClient:
    """One process's client, over the network or through a given transport."""

    def __init__(
        self, settings: Settings, transport: "httpx.AsyncBaseTransport | None" = None
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=settings.bakong_api_base, timeout=TRY_SECONDS, transport=transport
        )
        self._token = settings.bakong_token
        self._pauses: dict[BakongCall, Pause] = {}

    async def close(self) -> None:
        await self._http.aclose()

    async def transaction(self, md5: str) -> BankTransaction | None:
        """The payment of a code; None if the bank says that there is none, or that it failed."""
        return await self._ask(BakongCall.TRANSACTION, {"md5": md5}, answers.read_transaction)

    async def paid_among(self, md5s: Sequence[str]) -> set[str]:
        """Which of at most MD5S_MAX codes were paid; `transaction` has the payment of each.

        Codes of which a list says nothing clear are asked about one by one: the bank is reported to
        refuse lists (403) while it answers single questions. All of it ends within
        MD5S_MAX / SINGLES_AT_ONCE + 1 times CALL_SECONDS.
        """
        if len(md5s) > MD5S_MAX:
            raise ValueError(f"{len(md5s)} codes: ask about at most {MD5S_MAX} at once")
        known = await self._list(md5s)
        rest = [md5 for md5 in md5s if md5 not in known]
        for start in range(0, len(rest), SINGLES_AT_ONCE):
            some = rest[start : start + SINGLES_AT_ONCE]
            found = await asyncio.gather(*map(self.transaction, some), return_exceptions=True)
            for md5, transaction in zip(some, found, strict=True):
                if isinstance(transaction, BaseException):
                    raise transaction
                known[md5] = transaction is not None
        return {md5 for md5 in md5s if known[md5]}

    async def _list(self, md5s: Sequence[str]) -> dict[str, bool]:
        """Whether each was paid, as far as the bank answers lists."""
        try:
            return await self._ask(BakongCall.LIST, list(md5s), answers.read_list)
        except BankUnclear as error:
            if error.outcome in WITHOUT_LIST:
                return {}
            raise

    async def renew_token(self, email: str) -> str:
        """A new token for the address that was registered with the bank."""
        token = await self._ask(BakongCall.RENEW_TOKEN, {"email": email}, answers.read_token)
        if token is None:
            raise invalid("email", "The bank knows no registration with this address.")
        return token

    async def deep_link(self, text: str) -> str | None:
        """A link that opens the payment of a code in a bank's app; None if the bank has none."""
        return await self._ask(BakongCall.DEEP_LINK, {"qr": text}, answers.read_deep_link)

    async def account(self, account: str) -> AccountAnswer:
        """Whether the bank has this account."""
        return await self._ask(BakongCall.ACCOUNT, {"accountId": account}, answers.read_account)

    async def _ask(self, call: BakongCall, body: object, read: Read[Result]) -> Result:
        """Ask within the limits, and count how it ended."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                result = await self._try(call, body, read)
        except TimeoutError as error:
            raise _recorded(BankUnclear(call, BakongOutcome.TIMED_OUT)) from error
        except BankUnclear as error:
            raise _recorded(error) from error.__cause__
        self._pauses.pop(call, None)
        count_bakong_call(call, BakongOutcome.ANSWERED)
        return result

    async def _try(self, call: BakongCall, body: object, read: Read[Result]) -> Result:
        """Ask once more after a time-out, a lost connection or a 5xx."""
        pause = self._pauses.get(call)
        if pause is not None and time.monotonic() < pause.until:
            raise BankUnclear(call, BakongOutcome.NOT_ASKED)
        try:
            return await self._send(call, body, read)
        except BankUnclear as error:
            if error.outcome not in TRIED_AGAIN:
                raise
        return await self._send(call, body, read)

    async def _send(self, call: BakongCall, body: object, read: Read[Result]) -> Result:
        headers = {"Content-Type": "application/json"}
        # The bank takes an ended token for a new one, and none at all.
        if call is not BakongCall.RENEW_TOKEN:
            headers["Authorization"] = f"Bearer {self._token}"
        content = msgspec.json.encode(body)
        try:
            async with self._http.stream(
                "POST", PATHS[call], content=content, headers=headers
            ) as response:
                self._require_ok(call, response)
                envelope = answers.read_envelope(await _read_body(response))
            if envelope.error_code == answers.ErrorCode.UNAUTHORIZED:
                raise BankUnclear(call, BakongOutcome.TOKEN_REFUSED)
            return read(Answer(envelope, response.headers.get("Date")))
        except UnclearAnswer as error:
            raise BankUnclear(call, BakongOutcome.UNCLEAR, str(error)) from error
        except httpx.TimeoutException as error:
            raise BankUnclear(call, BakongOutcome.TIMED_OUT) from error
        except httpx.HTTPError as error:
            reason = type(error).__name__
            raise BankUnclear(call, BakongOutcome.UNREACHABLE, reason) from error

    def _require_ok(self, call: BakongCall, response: "httpx.Response") -> None:
        outcome = outcome_of(response.status_code)
        if outcome in PAUSED_AFTER:
            asked = parse_retry_after(response.headers.get("Retry-After"))
            self._pauses[call] = next_pause(self._pauses.get(call), time.monotonic(), asked)
        if outcome is not BakongOutcome.ANSWERED:
            raise BankUnclear(call, outcome, f"status {response.status_code}")


async def _read_body(response: "httpx.Response") -> bytes:
    body = b""
    async for part in response.aiter_bytes():
        body += part
        if len(body) > ANSWER_BYTES_MAX:
            raise UnclearAnswer(f"more than {ANSWER_BYTES_MAX} bytes")
    return body


def _recorded(unclear: BankUnclear) -> BankUnclear:
    """Count and log a call without a clear answer."""
    count_bakong_call(unclear.call, unclear.outcome)
    fields = {"call": unclear.call, "outcome": unclear.outcome, "reason": unclear.reason}
    logger.warning("bakong did not answer clearly", extra={"fields": fields})
    return unclear
