"""The page of a KHQR code: what a reader sees until it is paid, without a script."""

import re
from html import unescape

from tests.processors.bakong.till import RETURN_URL, Till
from tests.web.plain import enter, forms, send

REFRESHES = re.compile(r'<meta http-equiv="refresh" content="(\d+)">')
SILENT = "We have not heard from the bank yet."


async def _show(till: Till, url: str) -> str:
    shown = await till.service.get(url)
    assert shown.status_code == 200, shown.text
    return unescape(shown.text)


async def _buy(till: Till, **fields: str) -> str:
    """By the form of the offers; the address of the code's page."""
    offers = await enter(till.service, till.bearer, "ann", page="buy", **{"return": RETURN_URL})
    form = forms(offers)["/account/buy"]
    led = await send(till.service, form, order="pack:khr:six", **fields)
    assert led.status_code == 303, led.text
    return led.headers["Location"]


async def test_a_pack_is_bought_by_khqr_without_a_script(till: Till) -> None:
    url = await _buy(till)
    shown = await _show(till, url)
    assert REFRESHES.findall(shown) == ["5"]
    assert "24,000\N{NO-BREAK SPACE}riel" in shown
    assert "Six" in shown
    assert SILENT not in shown
    link = re.search(r'<img class="paywall-khqr" src="(/v1/khqr/\w+\.svg)" alt="KHQR[^"]+"', shown)
    assert link is not None
    picture = await till.service.get(link[1])
    assert picture.headers["Content-Type"].startswith("image/svg+xml")
    till.pay(await till.open(pack_id="six", currency="khr"))
    till.move(seconds=5)
    paid = await _show(till, url)
    assert REFRESHES.findall(paid) == []
    assert "<h1>Paid</h1>" in paid
    assert "6 credits were added" in paid
    assert f'href="{RETURN_URL}"' in paid


async def test_a_silent_bank_is_named_and_asked_again(till: Till) -> None:
    till.bank.is_down = True
    url = await _buy(till)
    assert SILENT in await _show(till, url)
    till.bank.is_down = False
    till.move(seconds=5)
    assert SILENT not in await _show(till, url)


async def test_an_expired_code_leads_to_a_new_one_and_is_still_asked(till: Till) -> None:
    url = await _buy(till)
    page = await till.open(pack_id="six", currency="khr")
    till.move(minutes=11)
    over = await till.service.get(url)
    assert "<h1>The time for this code is over</h1>" in over.text
    assert "paywall-khqr" not in over.text.split("<main", 1)[1].replace("paywall-khqr-price", "")
    assert REFRESHES.findall(over.text) == ["60"]
    again = await send(till.service, forms(over)["/account/buy"])
    assert again.status_code == 303
    assert again.headers["Location"] not in (url, "/account")
    till.pay(page)
    till.move(seconds=5)
    assert "<h1>Paid</h1>" in await _show(till, url)


async def test_a_code_is_shown_to_its_reader_alone(till: Till) -> None:
    page = await till.open("ben")
    assert (await till.service.get(page["url"])).status_code == 403
    await enter(till.service, till.bearer, "ann")
    assert (await till.service.get(page["url"])).status_code == 404
    entered = await enter(till.service, till.bearer, "ben", page="khqr", khqr=page["id"])
    assert (entered.status_code, entered.headers["Location"]) == (303, page["url"])


async def test_the_page_speaks_khmer_and_names_the_app_link(till: Till) -> None:
    page = await till.open()
    await enter(till.service, till.bearer, "ann", language="km")
    shown = await _show(till, page["url"])
    assert "<h1>បង់ប្រាក់តាម KHQR</h1>" in shown
    assert f'href="{page["khqr"]["deep_link"]}"' in shown
