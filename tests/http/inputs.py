"""Every row of docs/inputs.md as requests: so much of this input, and whether it was refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import NamedTuple

from paywall.processors.stripe.api import EVENT_BYTES_MAX
from paywall.processors.stripe.signature import HEADER_LENGTH_MAX
from paywall.server.request_reader import (
    CHUNKS_MAX,
    HEAD_BYTES_MAX,
    HEADER_FIELDS_MAX,
    TRAILER_BYTES_MAX,
)
from paywall.tokens.guard import PROXY_HEADER
from paywall.tokens.limits import TOKEN_BYTES_MAX
from paywall.web.assets import LANGUAGES_MAX
from paywall.web.language import LANGUAGE_TAG_CHARS_MAX, LANGUAGE_TAGS_MAX
from paywall.web.pages.form import ADDRESS_CHARS_MAX, FIELD_CHARS_MAX, FORM_BYTES_MAX
from paywall.web.pages.session import COOKIE, COOKIE_BYTES_MAX
from tests.conftest import START
from tests.http.exchange import HEAD_END, Answer, chunked, request

ORIGIN = "https://news.example"
WEBHOOK_SECRET = "whsec_test"
# No token of anybody's: the service takes it apart, and refuses it.
TOKEN = "t"
FORM = b"Content-Type: application/x-www-form-urlencoded"
MULTIPART = b"Content-Type: multipart/form-data; boundary=b"
WEBHOOK = "POST /v1/webhooks/stripe"
ENTER = "POST /account/enter"
EVENT = {
    "id": "evt_1",
    "type": "nothing.here",
    "created": int(START.timestamp()),
    "livemode": False,
    "data": {"object": {}},
}

Stream = Callable[[int], bytes]
Judge = Callable[[Answer], bool]


class Input(NamedTuple):
    """One row: `streams` give requests with so much of the input, `is_refused` judges an answer.

    Without a judge, what is past the bound is not read at all.
    """

    bound: int
    streams: Mapping[str, Stream]
    is_refused: Judge | None


def status(code: int) -> Judge:
    return lambda answer: answer.status == code


def has(text: str) -> Judge:
    return lambda answer: text in answer.text


def filled(before: bytes, unit: bytes, after: bytes = b"", *, to: int) -> bytes:
    """A head that is exactly so long, by as many units as fit and a filling field."""
    room = max(0, to - len(before) - len(after) - len(b"\r\nA: ") - len(HEAD_END))
    middle = unit * (room // len(unit))
    filling = b"x" * (room - len(middle))
    return before + middle + after + b"\r\nA: " + filling + HEAD_END


def in_target(line: str, unit: str, rest: str = "") -> Stream:
    """In the address, after the beginning of it."""
    after = f"{rest} HTTP/1.1\r\nHost: paywall.test".encode()
    return lambda size: filled(line.encode(), unit.encode(), after, to=size)


def in_header(
    line: str, name: str, unit: bytes, *headers: bytes, begun: bytes = b"", ended: bytes = b""
) -> Stream:
    """In the value of a header; with no body, which is as good where the head is what costs."""
    before = request(line, *headers, name.encode() + b": " + begun).removesuffix(HEAD_END)
    return lambda size: filled(before, unit, ended, to=size)


def fields_of(size: int) -> bytes:
    return request("GET /livez", *[b"A%d: 1" % number for number in range(size - 1)])


def form(*headers: bytes, path: str = ENTER, **fields: str) -> bytes:
    body = "&".join(f"{name}={value}" for name, value in fields.items()).encode()
    return request(path, FORM, *headers, body=body)


def session(*, padded_to: int = 0) -> bytes:
    received = json.dumps([TOKEN, "km", "", ""]).encode()
    value = base64.urlsafe_b64encode(received).rstrip(b"=").ljust(padded_to, b"=")
    return b"Cookie: " + COOKIE.encode() + b"=" + value


def form_token() -> str:
    return hashlib.sha256(f"paywall forms {TOKEN}".encode()).hexdigest()


def token_of(size: int, payload: dict[str, object], **header: object) -> bytes:
    """A token that is exactly so long, with a signature of nothing."""
    head = {"alg": "EdDSA", "typ": "reader+jwt", **header}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in (head, payload)]
    begun = b".".join(part.rstrip(b"=") for part in parts) + b"."
    return begun + b"A" * (size - len(begun))


def with_token(make: Callable[[int], bytes]) -> Stream:
    return lambda size: request("GET /v1/me", b"Authorization: Bearer " + make(size))


def signed(size: int) -> bytes:
    """An event whose signature ends at this character of the header."""
    body = json.dumps(EVENT).encode()
    at = int(START.timestamp())
    signature = hmac.new(WEBHOOK_SECRET.encode(), b"%d.%b" % (at, body), "sha256").hexdigest()
    received = f",t={at},v1={signature}".encode()
    return request(WEBHOOK, b"Stripe-Signature: " + received.rjust(size, b","), body=body)


def multipart_of(size: int) -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    end = b"--b--\r\n"
    body = (part * ((size - len(end)) // len(part)) + end).ljust(size)
    return request(ENTER, MULTIPART, body=body)


def many_fields(size: int) -> bytes:
    body = b"&".join(b"a%05d=1" % number for number in range(size // 9)).ljust(size, b"&")
    return request(ENTER, FORM, body=body)


def field_of(name: str) -> Stream:
    def stream(size: int) -> bytes:
        sent = {"token": TOKEN, "page": "unlock", "form_token": form_token(), name: "1" * size}
        path = ENTER if name in OF_ENTERING else OTHER_PATHS.get(name, "POST /account/unlock")
        return form(session(), path=path, **sent)

    return stream


OF_ENTERING = {
    "token",
    "back",
    "name",
    "page",
    "article",
    "subscription",
    "return",
    "consent",
    "receipt",
    "khqr",
}
OTHER_PATHS = {
    "agreed": "POST /account/buy",
    "comment": "POST /account/why",
    "language": "POST /account/language",
    "order": "POST /account/buy",
    "processor": "POST /account/buy",
    "purchase_id": "POST /account/withdraw",
    "reason": "POST /account/why",
    "receipt_id": "POST /account/why",
    "search": "POST /account/search",
    "subscription_id": "POST /account/resume",
    "when": "POST /account/cancel",
}
LEAVE = "GET /account/leave"
READER: dict[str, object] = {"iss": "paywall"}
PREFLIGHT = (b"Origin: " + ORIGIN.encode(), b"Access-Control-Request-Method: POST")
GOES_HOME = f"{ORIGIN}/"


def back_of(size: int) -> bytes:
    return request(f"{LEAVE}?back={GOES_HOME.ljust(size, 'x')}")


def languages_of(tags: int) -> bytes:
    """The last of so many tags is one that there are words in."""
    return request("GET /account", b"Accept-Language: " + b"fr," * (tags - 1) + b"km")


def tag_of(size: int) -> bytes:
    """A well-formed tag of so many characters, of a language that there are words in."""
    tag = ("km" + "-abc" * (size // 4 + 1))[:size].removesuffix("-").ljust(size, "a")
    return request("GET /account", b"Accept-Language: " + tag.encode())


TRACEPARENT = b"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PREFLIGHT_LINE = "OPTIONS /v1/me/unlocks"
MEDIA_TYPE = b"multipart/form-data"
# What only the limit of a head bounds: each in the place of the head where it stands.
HEAD_ROWS: Mapping[str, Mapping[str, Stream]] = {
    "head": {"one field": in_header("GET /livez", "X", b"x")},
    "path": {
        "a segment": in_target("GET /v1/", "a"),
        "segments": in_target("GET ", "/a"),
        "escapes": in_target("GET /", "%41"),
        "another method": in_target("PATCH /problems/", "a"),
        "a problem": in_target("GET /problems/", "a"),
        "a version": in_target("GET /web/", "a", "/words.json"),
        "a name": in_target("GET /web/1/", "a"),
        "a part": in_target("GET /v1/parts/current/", "a"),
        "a receipt": in_target("GET /account/receipts/", "a"),
        "a code": in_target("GET /account/khqr/", "a"),
    },
    "query": {
        "parameters": in_target(f"{LEAVE}?", "a=1&"),
        "one again and again": in_target(f"{LEAVE}?", "back=1&"),
        "escapes": in_target(f"{LEAVE}?back=", "%C3%A9"),
        "languages": in_target("GET /web/1/words.json?languages=", "a-"),
    },
    "accept-language": {
        "subtags": in_header(LEAVE, "Accept-Language", b"-a", begun=b"zz"),
        "tags": in_header(LEAVE, "Accept-Language", b"zz,"),
        "qualities": in_header(LEAVE, "Accept-Language", b"1", begun=b"zz;q="),
        "spaces": in_header(LEAVE, "Accept-Language", b" ", begun=b"x"),
    },
    "authorization": {
        "spaces": in_header("GET /v1/me", "Authorization", b" ", begun=b"Bearer a"),
        "schemes": in_header("GET /v1/me", "Authorization", b"Bearer "),
    },
    "proxy-token": {
        "letters": in_header("GET /v1/access/forward-auth", PROXY_HEADER, b"a"),
        "dots": in_header("GET /v1/access/forward-auth", PROXY_HEADER, b"."),
    },
    "cookies": {
        "many": in_header("GET /account", "Cookie", b"a=1; "),
        "quoted": in_header("GET /account", "Cookie", b'\\"', begun=b'a="', ended=b'"'),
        "semicolons": in_header("GET /account", "Cookie", b"; "),
        "ours again and again": in_header("GET /account", "Cookie", COOKIE.encode() + b"=;"),
    },
    "origin": {
        "of a form": in_header(ENTER, "Origin", b"a", begun=b"https://"),
        "of a script": in_header("GET /livez", "Origin", b"a", begun=b"https://"),
        "brackets": in_header(ENTER, "Origin", b"[", begun=b"https://"),
    },
    "preflight": {
        "headers": in_header(PREFLIGHT_LINE, "Access-Control-Request-Headers", b"a,", *PREFLIGHT),
        "a method": in_header(PREFLIGHT_LINE, "Access-Control-Request-Method", b"P", PREFLIGHT[0]),
    },
    "content-type": {
        "a boundary": in_header(ENTER, "Content-Type", b"a", begun=MEDIA_TYPE + b"; boundary="),
        "parameters": in_header(ENTER, "Content-Type", b"; a=b", begun=MEDIA_TYPE),
        "quotes": in_header(ENTER, "Content-Type", b'\\"', begun=MEDIA_TYPE + b'; boundary="'),
        "spaces": in_header(ENTER, "Content-Type", b" ", begun=MEDIA_TYPE + b";"),
    },
    "accept-encoding": {
        "codings": in_header("GET /docs", "Accept-Encoding", b"gzip;q=0,"),
        "parameters": in_header("GET /docs", "Accept-Encoding", b";q=1", begun=b"gzip"),
        "spaces": in_header("GET /docs", "Accept-Encoding", b" ", begun=b"gzip"),
    },
    "if-none-match": {
        "tags": in_header("GET /docs", "If-None-Match", b'"a",'),
        "weak tags": in_header("GET /docs", "If-None-Match", b"W/"),
        "a tag": in_header("GET /docs", "If-None-Match", b"a", begun=b'"'),
    },
    "traceparent": {
        "digits": in_header("GET /docs", "Traceparent", b"0"),
        "of a later version": in_header("GET /docs", "Traceparent", b"-", begun=TRACEPARENT),
    },
    "x-forwarded-for": {"addresses": in_header(ENTER, "X-Forwarded-For", b"1.1.1.1,")},
    "other-headers": {
        name: in_header("GET /docs", name, unit)
        for name, unit in {
            "Accept": b"a/b;q=0.1,",
            "Forwarded": b"for=1.1.1.1,",
            "Referer": b"https://a/",
            "X-Forwarded-Host": b"a,",
        }.items()
    },
}


def own_rows() -> Iterator[tuple[str, Input]]:
    """What has a limit of its own."""
    too_large = status(413)
    yield "head-fields", Input(HEADER_FIELDS_MAX, {"fields": fields_of}, status(431))
    yield "chunks", Input(CHUNKS_MAX, {"of a webhook": chunks_of}, too_large)
    yield "trailers", Input(TRAILER_BYTES_MAX, {"one": trailers_of}, status(431))
    yield "back", Input(ADDRESS_CHARS_MAX, {"of the site": back_of}, goes_home)
    words = {"languages": words_of}
    yield "languages", Input(LANGUAGES_MAX, words, status(422))
    yield "language-tags", Input(LANGUAGE_TAGS_MAX, {"tags": languages_of}, has('<html lang="en"'))
    yield "language-tag", Input(LANGUAGE_TAG_CHARS_MAX, {"a tag": tag_of}, has('<html lang="en"'))
    # Whether the session was read is to be seen in the page's language.
    cookie = {"padding": lambda size: request("GET /account", session(padded_to=size))}
    yield "session-cookie", Input(COOKIE_BYTES_MAX, cookie, lacks('<html lang="km"'))
    tokens = {
        "a word": with_token(lambda size: b"a" * size),
        "dots": with_token(lambda size: b"." * size),
        "a kid": with_token(lambda size: token_of(size, READER, kid="k" * (size * 5 // 8))),
        "claims": with_token(
            lambda size: token_of(size, {f"a{number}": 1 for number in range(size // 20)})
        ),
    }
    yield "token", Input(TOKEN_BYTES_MAX, tokens, is_too_long)
    yield "stripe-signature", Input(HEADER_LENGTH_MAX, {"its place": signed}, status(400))
    forms = {
        "a field": lambda size: request(ENTER, FORM, body=b"token=".ljust(size, b"a")),
        "fields": many_fields,
        "parts": multipart_of,
    }
    yield "form", Input(FORM_BYTES_MAX, forms, too_large)
    events = {
        "at once": lambda size: request(WEBHOOK, body=b"a" * size),
        "in chunks": lambda size: chunked(WEBHOOK, body=b"a" * size, chunks=2000),
        "signed": lambda size: request(WEBHOOK, unsigned(size), body=b"[" * size),
    }
    yield "webhook", Input(EVENT_BYTES_MAX, events, too_large)
    bodies = {"a check": lambda size: request("POST /v1/access/check", body=b"[" * size)}
    yield "body-without-token", Input(1024 * 1024, bodies, None)
    for name, bound in FIELD_CHARS_MAX.items():
        yield f"form-{name}", Input(bound, {"a value": field_of(name)}, None)


def chunks_of(chunks: int) -> bytes:
    return chunked(WEBHOOK, body=b"a" * chunks, chunks=chunks)


def trailers_of(size: int) -> bytes:
    trailers = b"A: ".ljust(size - len(b"0\r\n\r\n\r\n"), b"x") + b"\r\n"
    return chunked(WEBHOOK, body=b"a", chunks=1, trailers=trailers)


def words_of(size: int) -> bytes:
    return request(f"GET /web/1/words.json?languages={'a-' * (size // 2)}{'a' * (size % 2)}")


def unsigned(_size: int) -> bytes:
    return b"Stripe-Signature: t=%d,v1=%b" % (START.timestamp(), b"0" * 64)


def is_too_long(answer: Answer) -> bool:
    return answer.status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE or (
        answer.status == HTTPStatus.UNAUTHORIZED and "longer than" in answer.text
    )


def goes_home(answer: Answer) -> bool:
    return answer.headers.get("location") == GOES_HOME


def lacks(text: str) -> Judge:
    return lambda answer: text not in answer.text


INPUTS: Mapping[str, Input] = {
    **{row: Input(HEAD_BYTES_MAX, streams, status(431)) for row, streams in HEAD_ROWS.items()},
    **dict(own_rows()),
}
