"""What a browser sends to the plain pages is read up to a limit, and not one character further."""

import base64
import json

import httpx
import pytest

from paywall.http.cookies import find_cookie
from paywall.web.language import (
    LANGUAGE_TAG_CHARS_MAX,
    LANGUAGE_TAGS_MAX,
    is_language_tag,
)
from paywall.web.pages.form import ADDRESS_CHARS_MAX, FIELD_CHARS_MAX
from paywall.web.pages.session import COOKIE, COOKIE_BYTES_MAX
from tests.conftest import Bearer
from tests.test_story import grant, put_article
from tests.web.conftest import ORIGIN
from tests.web.plain import enter, forms, send

LONGEST_TAG = "km" + "-abcdefgh" * 3 + "-abcde"
OTHERS = ["fr", "de", "it", "es", "pt", "nl", "sv", "da", "fi"]


@pytest.fixture(params=["sqlite"])
def database_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


def session_cookie(*received: str) -> bytes:
    value = base64.urlsafe_b64encode(json.dumps(received).encode()).rstrip(b"=")
    return COOKIE.encode() + b"=" + value


async def language(service: httpx.AsyncClient, headers: dict[bytes, bytes]) -> str:
    page = await service.get("/account", headers=headers)
    return page.text.partition('<html lang="')[2].partition('"')[0]


@pytest.mark.parametrize(("extra", "spoken"), [("", "km"), ("f", "en")])
async def test_a_language_tag_of_35_characters_is_read_and_of_36_is_not(
    extra: str, spoken: str, service: httpx.AsyncClient, bearer: Bearer
) -> None:
    tag = f"{LONGEST_TAG}{extra}"
    assert len(tag) == LANGUAGE_TAG_CHARS_MAX + len(extra)
    assert is_language_tag(tag) is not bool(extra)
    assert await language(service, {b"Accept-Language": tag.encode()}) == spoken
    cookie = session_cookie("token", tag, "", "")
    assert await language(service, {b"Cookie": cookie}) == spoken
    parts = (await service.get("/v1/parts")).json()["script"]["path"].rpartition("/")[0]
    words = await service.get(f"{parts}/words.json", params={"languages": tag})
    assert words.json()["language"] == spoken
    entered = await enter(service, bearer, "ann", language=tag, page="buy")
    assert f'<html lang="{spoken}"' in entered.text


@pytest.mark.parametrize(("before", "spoken"), [(9, "km"), (10, "en")])
async def test_ten_language_tags_are_read_and_no_eleventh(
    before: int, spoken: str, service: httpx.AsyncClient
) -> None:
    tags = [*OTHERS, "no"][:before]
    assert len([*tags, "km"]) - LANGUAGE_TAGS_MAX == before - 9
    asked = ",".join([*tags, "km"])
    assert await language(service, {b"Accept-Language": asked.encode()}) == spoken
    parts = (await service.get("/v1/parts")).json()["script"]["path"].rpartition("/")[0]
    words = await service.get(f"{parts}/words.json", params={"languages": asked})
    assert words.json()["language"] == spoken


@pytest.mark.parametrize(("extra", "status"), [(0, 200), (1, 403)])
async def test_a_cookie_is_read_up_to_its_limit(
    extra: int, status: int, service: httpx.AsyncClient, bearer: Bearer
) -> None:
    token = bearer.reader("ann")["Authorization"].removeprefix("Bearer ")
    cookie = session_cookie(token, "", "", "")
    padding = COOKIE_BYTES_MAX + extra - len(cookie.partition(b"=")[2])
    # Base64 stops at the first `=`; what follows only makes the cookie longer.
    page = await service.get("/account", headers={b"Cookie": cookie + b"=" * padding})
    assert page.status_code == status


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        ([(b"cookie", b"a=1; name=2; b=3")], "2"),
        ([(b"Cookie", b"a=1"), (b"cookie", b"name=2")], "2"),
        ([(b"cookie", b"name=1;name=2")], "1"),
        ([(b"cookie", b'other="x; name=2"')], '2"'),
        ([(b"cookie", b"my_name=1")], None),
        ([(b"cookie", b"name")], None),
        ([(b"cookie", b"name=")], ""),
        ([(b"cookie", b"name=12345678")], "12345678"),
        ([(b"cookie", b"name=123456789")], None),
        ([(b"x-cookie", b"name=1")], None),
    ],
)
def test_a_cookie_is_found_by_its_name(
    headers: list[tuple[bytes, bytes]], value: str | None
) -> None:
    assert find_cookie(headers, "name", bytes_max=8) == value


async def test_a_cookie_that_somebody_wrote_is_bounded_like_a_form(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    token = bearer.reader("ann")["Authorization"].removeprefix("Bearer ")
    far = f"{ORIGIN}/" + "x" * 500
    cookie = session_cookie(token, "", far, "n" * 61)
    page = await service.get("/account", headers={b"Cookie": cookie})
    assert far not in page.text
    assert f'<a href="{ORIGIN}/">' in page.text
    assert f"<span>{'n' * 60}</span>" in page.text


@pytest.mark.parametrize(("extra", "is_kept"), [(0, True), (1, False)])
async def test_an_address_of_2000_characters_is_kept_and_a_longer_one_is_not(
    extra: int, *, is_kept: bool, service: httpx.AsyncClient, bearer: Bearer
) -> None:
    long = f"{ORIGIN}/" + "x" * (ADDRESS_CHARS_MAX + extra - len(ORIGIN) - 1)
    gone = await service.get("/account/leave", params={"back": long})
    assert gone.headers["location"] == (long if is_kept else f"{ORIGIN}/")
    await put_article(service, bearer, "42")
    await grant(service, bearer, "ann", 3)
    received = {"page": "unlock", "article": "42", "return": long, "back": long}
    fields = forms(await enter(service, bearer, "ann", **received))["/account/unlock"].fields
    assert {fields["return"], fields["back"]} == {long if is_kept else f"{ORIGIN}/"}


@pytest.mark.parametrize("name", ["article_id", "form_token", "max_cost"])
async def test_a_field_past_its_limit_is_not_taken_for_its_beginning(
    name: str, service: httpx.AsyncClient, bearer: Bearer
) -> None:
    article_id = "a" * FIELD_CHARS_MAX["article_id"]
    await put_article(service, bearer, article_id)
    await grant(service, bearer, "ann", 3)
    page = await enter(service, bearer, "ann", page="unlock", article=article_id)
    form = forms(page)["/account/unlock"]
    longer = form.fields[name] + "0" * (FIELD_CHARS_MAX[name] + 1 - len(form.fields[name]))
    assert (await send(service, form, **{name: longer})).status_code in (403, 422)
    assert (await send(service, form)).status_code == 200


@pytest.mark.parametrize(
    ("charset", "value"),
    [("", b"\xff"), ("utf-8", b"\xff"), ("nothing", b"a"), ("hex", b"a")],
)
async def test_a_form_of_several_parts_that_is_no_text_is_malformed(
    charset: str, value: bytes, service: httpx.AsyncClient
) -> None:
    media_type = f"Content-Type: text/plain; charset={charset}\r\n" if charset else ""
    head = f'--b\r\nContent-Disposition: form-data; name="token"\r\n{media_type}\r\n'
    answer = await service.post(
        "/account/enter",
        content=head.encode() + value + b"\r\n--b--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed")
