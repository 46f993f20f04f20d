"""The part of the recorded story in which Sophea scans codes, and pays one of them wrongly."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.sophea import Sophea


async def scan_codes(sophea: "Sophea") -> None:
    """A pack is paid; two passes are not paid as their codes ask, and the desk decides."""
    by_khqr: dict[str, Any] = {"processor": "bakong", "currency": "khr", "consent": True}
    page = await sophea.open_code(201, pack_id="ten-articles", **by_khqr)
    await sophea.open_code(200, pack_id="ten-articles", **by_khqr)
    _pay(sophea, page)
    sophea.shop.move(1 / 8640)
    paid = await sophea.reader("GET", f"me/checkout/{page['id']}")
    assert paid["status"] == "paid"
    for reader_id in ("sophea", "bopha"):
        wrong = await sophea.open_code(201, reader_id, pass_id="week", **by_khqr)
        _pay(sophea, wrong, amount="400")
        sophea.shop.move(1 / 8640)
        await sophea.reader("GET", f"me/checkout/{wrong['id']}", 200, reader_id)
    listed = await sophea.site("GET", "unmatched-payments?limit=1")
    await sophea.site("GET", f"unmatched-payments?cursor={listed['next_cursor']}")
    unmatched = await sophea.site("GET", "unmatched-payments?outstanding=true")
    for one, resolution in zip(unmatched["items"], ("returned", "give"), strict=True):
        await sophea.site(
            "POST",
            f"unmatched-payments/{one['id']}/resolution",
            resolution=resolution,
            note="As agreed by telephone.",
        )
    await sophea.site("GET", "purchases")


def _pay(sophea: "Sophea", page: dict[str, Any], **otherwise: str) -> None:
    md5 = page["khqr"]["image_url"].rpartition("/")[2].removesuffix(".svg")
    sophea.bank.pay(md5, page["khqr"]["text"], sophea.shop.clock.at, **otherwise)
