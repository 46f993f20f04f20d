"""What a reader does at the plain pages, in a word each."""

import base64
import json
from html import unescape
from html.parser import HTMLParser
from typing import NamedTuple

import httpx

from tests.conftest import Bearer
from tests.web.conftest import ORIGIN

COOKIE = "__Host-paywall"


class Form(NamedTuple):
    """A form of a page, with what it would send."""

    action: str
    fields: dict[str, str]


class _Reading(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self.forms.append(Form(str(values["action"]), {}))
        is_chosen = values.get("type") == "hidden" or "checked" in values
        if tag == "input" and is_chosen:
            self.forms[-1].fields[str(values["name"])] = str(values["value"])


def forms(page: httpx.Response) -> dict[str, Form]:
    """By where they lead."""
    reading = _Reading()
    reading.feed(page.text)
    return {form.action: form for form in reading.forms}


async def enter(
    service: httpx.AsyncClient, bearer: Bearer, reader_id: str, **fields: str
) -> httpx.Response:
    """As the form on a page of the site does; keeps the cookie."""
    token = bearer.reader(reader_id)["Authorization"].removeprefix("Bearer ")
    entered = await service.post(
        "/account/enter",
        data={"token": token, "page": "account", **fields},
        headers={"Origin": ORIGIN},
    )
    value = entered.cookies.get(COOKIE)
    # The client keeps no cookie that is Secure for an address that is not.
    if value:
        service.headers["Cookie"] = f"{COOKIE}={value}"
    return entered


async def send(service: httpx.AsyncClient, form: Form, **fields: str) -> httpx.Response:
    """The page that the form leads to; of one that only leads back, the redirect."""
    answer = await service.post(form.action, data={**form.fields, **fields})
    location = answer.headers.get("Location", "")
    if not location.startswith("/account/done/"):
        return answer
    assert answer.status_code == 303
    return await service.get(location)


def has_own_address(page: httpx.Response) -> bool:
    """Whether a browser that reloads the page asks for it again and sends no form again."""
    return page.request.method == "GET" and page.url.path.startswith("/account/done/")


async def account(service: httpx.AsyncClient) -> str:
    page = await service.get("/account")
    assert page.status_code == 200, page.text
    return unescape(page.text)


async def subscribe(service: httpx.AsyncClient, bearer: Bearer, reader_id: str) -> str:
    """A complimentary subscription; its id."""
    answer = await service.put(
        f"/v1/subscribers/{reader_id}/subscription",
        json={"current_period_end": "2026-12-24T12:00:00Z"},
        headers=bearer.site(),
    )
    assert answer.status_code == 201
    return str(answer.json()["id"])


def cookie_of(*received: str) -> bytes:
    """As a session is kept."""
    return base64.urlsafe_b64encode(json.dumps(received).encode()).rstrip(b"=")
