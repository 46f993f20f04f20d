"""Requests and responses about payments that match no code."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from paywall.database.tables import UnmatchedPayment
from paywall.http.bodies import RequestModel, ResponseModel
from paywall.http.fields import ReaderId, Text, TextId
from paywall.rules.enums import PaymentResolution, UnmatchedReason

NOTE_CHARS_MAX = 2000


class ResolutionAction(StrEnum):
    """What to do with an unmatched payment."""

    GIVE = "give"
    RETURNED = "returned"


RESOLUTIONS = {
    ResolutionAction.GIVE: PaymentResolution.GIVEN,
    ResolutionAction.RETURNED: PaymentResolution.RETURNED,
}


class ResolutionInput(RequestModel, kw_only=True):
    """What becomes of an unmatched payment."""

    resolution: Annotated[
        ResolutionAction,
        Meta(
            description="`give`: record it as a purchase of what the code sold, with what was paid."
            " `returned`: note that the site returned the money."
        ),
    ]
    note: Annotated[
        Annotated[Text, Meta(max_length=NOTE_CHARS_MAX)] | None,
        Meta(description="For the site's own records."),
    ] = None


class UnmatchedPaymentAnswer(ResponseModel):
    """A payment for a KHQR code that is not the one that the code asks for."""

    id: TextId
    checkout_id: Annotated[str, Meta(description="The checkout by Bakong that it was made for.")]
    reader_id: ReaderId
    hash: Annotated[str, Meta(description="The bank's id of the payment.")]
    from_account: Annotated[str, Meta(description="The account that paid.")]
    to_account: Annotated[str, Meta(description="The account that was paid.")]
    amount: Annotated[
        int, Meta(description="In the smallest unit by ISO 4217: 4,000 riel are 400000.")
    ]
    currency: Annotated[str, Meta(description="ISO 4217, in lower case.")]
    reason: Annotated[
        UnmatchedReason,
        Meta(
            description="What differs from the code, or that the code is paid already, or that its"
            " reader was erased, whose payment can only be returned."
        ),
    ]
    paid_at: Annotated[
        datetime | None, Meta(description="When it was paid, by the bank's clock; null: unknown.")
    ]
    found_at: Annotated[datetime, Meta(description="When the bank reported it.")]
    resolution: Annotated[
        PaymentResolution | None, Meta(description="What became of it; null while outstanding.")
    ]
    resolved_at: Annotated[datetime | None, Meta(description="When that was decided.")]
    resolved_by: Annotated[str | None, Meta(description="Who decided: the token's `sub`.")]
    note: Annotated[str | None, Meta(description="The site's own note.")]
    purchase_id: Annotated[
        int | None, Meta(description="The purchase as which it was given, if it was.")
    ]


def unmatched_to_response(payment: UnmatchedPayment) -> UnmatchedPaymentAnswer:
    return UnmatchedPaymentAnswer.from_row(
        payment, checkout_id=payment.code_id, resolved_by=payment.actor_subject
    )
