"""The end of the recorded story: what follows a cancellation and a purchase."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contract.sophea import Sophea


async def answer_why(sophea: "Sophea", receipt_id: str) -> None:
    """A reader answers why they cancelled, and the desk reads it."""
    why = {"receipt_id": receipt_id, "reason": "other", "comment": "I am moving abroad."}
    await sophea.reader("POST", "me/cancellation-feedback", **why)
    await sophea.reader("POST", "me/cancellation-feedback", 404, **{**why, "receipt_id": "old"})
    await sophea.site("GET", "cancellation-feedback")
    await sophea.site("GET", "cancellation-feedback/figures")
    period = "since=2026-11-01T00:00:00Z&until=2026-12-31T00:00:00Z"
    await sophea.site("GET", f"cancellation-feedback/figures?{period}")


async def withdraw(sophea: "Sophea") -> None:
    """A reader withdraws from a pass that they paid by KHQR; the desk has to return the money."""
    bought = (await sophea.reader("GET", "me/purchases"))["items"]
    (purchase_id,) = [one["id"] for one in bought if one["pass_id"]]
    mine = (await sophea.reader("GET", "me"))["subscriptions"]
    (pass_id,) = [one["id"] for one in mine if one["pass_id"]]
    ending = {"subscription_id": pass_id, "when": "now", "dry_run": True}
    await sophea.reader("POST", "me/subscription/cancel", **ending)
    declared = {"purchase_id": purchase_id}
    await sophea.reader("POST", "me/withdrawals", **declared, dry_run=True)
    await sophea.reader("POST", "me/withdrawals", 201, **declared)
    await sophea.reader("POST", "me/withdrawals", 404, "dara", **declared)
    await sophea.reader("GET", "me/purchases")
    await sophea.site("GET", "withdrawals?outstanding=true")


async def list_by_one(sophea: "Sophea", reader_id: str, receipt_id: str, purchase_id: int) -> None:
    """Another reader does the same, so that the desk's lists have a next page."""
    why = {"receipt_id": receipt_id, "reason": "not_reading_enough", "comment": "No time."}
    await sophea.reader("POST", "me/cancellation-feedback", 200, reader_id, **why)
    await sophea.reader("POST", "me/withdrawals", 201, reader_id, purchase_id=purchase_id)
    await sophea.site("GET", "cancellation-feedback?limit=1")
    await sophea.site("GET", "withdrawals?limit=1")
