"""Response models of subscriptions and cancellation receipts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.catalogue.models import Price
from paywall.database.tables import (
    StripePrice,
    StripeSubscription,
    Subscription,
)
from paywall.http.bodies import ResponseModel
from paywall.http.fields import (
    AccessUntil,
    NextPayment,
    PassId,
    PaymentType,
    PlanId,
    ReaderAccessUntil,
    TextId,
)
from paywall.rules.enums import StripeStatus, SubscriptionKind
from paywall.rules.phase import (
    SubscriptionAction,
    SubscriptionPhase,
    SubscriptionState,
    actions_of,
    phase_of,
)
from paywall.subscriptions.receipts import (
    ReceiptAnswer,
    access_until_of,
    all_receipts_of,
    receipt_to_response,
    receipts_of,
)

SUBSCRIPTIONS_MAX = 200
NOT_BILLED = (None, None)


class CardAnswer(ResponseModel):
    """A card."""

    brand: Annotated[
        str, Meta(description="Stripe's code of the brand, such as `visa` or `mastercard`.")
    ]
    last4: Annotated[str, Meta(description="The last four digits.")]


class FailedPaymentAnswer(ResponseModel):
    """A payment that was declined and is still open."""

    amount: Annotated[
        int, Meta(description="What is left to pay, in the smallest unit as ISO 4217 counts it.")
    ]
    currency: Annotated[str, Meta(description="ISO 4217, lower case.")]
    next_attempt_at: Annotated[
        datetime | None,
        Meta(description="When Stripe tries again; null if it does not by itself."),
    ]
    pay_url: Annotated[
        str | None, Meta(description="Stripe's page on which it can be paid now; null: none.")
    ]
    has_new_method: Annotated[
        bool,
        Meta(
            description="Whether the reader has chosen another means of payment since it was"
            " declined, which is what Stripe tries next."
        ),
    ]


CardCharged = Annotated[
    CardAnswer | None, Meta(description="The card that Stripe charges; null if none is known.")
]
PaymentFailed = Annotated[
    FailedPaymentAnswer | None,
    Meta(description="The payment that failed and is still open; null if there is none."),
]


class SubscriptionAnswer(ResponseModel):
    """A subscription, pass or prepaid period, which opens all articles until `access_until`.

    Prepaid time is paused while a subscription covers the reader: its times are those that follow
    from what is paid so far, and a renewal moves them.
    """

    id: TextId
    kind: Annotated[SubscriptionKind, Meta(description="Its kind.")]
    status: Annotated[
        str,
        Meta(
            description="The status in Stripe if Stripe bills it; otherwise `active`, or"
            " `canceled` once it has ended."
        ),
    ]
    phase: Annotated[
        SubscriptionPhase,
        Meta(
            description="What the state means to the reader. `active`; `ending`: cancelled, and"
            " open until `access_until`; `ended`; `payment_pending`: the next payment is being"
            " taken; `payment_failed`: the last payment failed, and access goes on until"
            " `access_until`; `lapsed`: it failed, and access is over; `paused`: a trial ended"
            " without a means of payment; `not_started`: the first payment was never made;"
            " `waiting`: a pass or prepaid period whose use begins at `starts_at`, when what the"
            " reader has now ends."
        ),
    ]
    actions: Annotated[
        tuple[SubscriptionAction, ...],
        Meta(
            description="What the reader can do. `fix_payment`: choose another means of payment in"
            " the billing portal; `resume`: withdraw the cancellation, or remove the date in"
            " `cancels_at`; `cancel`; `manage_billing`: open the billing portal."
            " Offer a plan where all of a reader's subscriptions have `subscribe`, and a pass where"
            " all have `buy_pass`: it begins when what the reader has now ends. Beside a"
            " subscription that renews a pass would wait without an end, so none is offered."
        ),
    ]
    plan_id: PlanId
    pass_id: PassId
    starts_at: Annotated[
        datetime,
        Meta(
            description="When its use begins or began; a pass or prepaid period may have to wait."
        ),
    ]
    access_until: AccessUntil
    reader_access_until: ReaderAccessUntil
    opens_all: Annotated[
        bool,
        Meta(
            description="Whether it opens every article now. A `canceled` one does so until the"
            " end of the paid time."
        ),
    ]
    cancel_at_period_end: Annotated[
        bool,
        Meta(description="Whether it was cancelled: it ends at `access_until` and does not renew."),
    ]
    cancels_at: Annotated[
        datetime | None,
        Meta(
            description="A date set in Stripe on which it ends; until then it renews. `cancel` ends"
            " it with the period instead, `resume` removes the date. Null: none is set."
        ),
    ]
    next_payment: NextPayment
    is_renewing: Annotated[
        bool,
        Meta(description="The period has ended and Stripe is about to charge the next one."),
    ]
    payment_type: PaymentType
    card: CardCharged
    failed_payment: PaymentFailed
    price: Annotated[
        Price | None,
        Meta(
            description="The price of a period, without discounts, times the quantity in Stripe;"
            " null unless Stripe bills it with a price of this catalogue."
        ),
    ]
    next_charge: Annotated[
        Price | None,
        Meta(
            description="What Stripe charges at `next_payment`, with discounts, tax and credit; of"
            " a cancelled subscription, what it would charge after `resume`. Null where it is not"
            " known."
        ),
    ]
    receipt: Annotated[
        ReceiptAnswer | None, Meta(description="Of its cancellation, unless withdrawn.")
    ]
    receipts: Annotated[
        list[ReceiptAnswer],
        Meta(
            description="Of all its cancellations, newest first, including withdrawn ones; at most"
            " the last 200 of all subscriptions in the response."
        ),
    ]


async def subscriptions_of(
    session: AsyncSession, reader_id: str, now: datetime
) -> list[SubscriptionAnswer]:
    """A reader's subscriptions, the one with the latest end first."""
    statement = (
        select(Subscription)
        .where(Subscription.reader_id == reader_id)
        .order_by(col(Subscription.entitled_until).desc(), col(Subscription.id).desc())
        .limit(SUBSCRIPTIONS_MAX)
    )
    found = (await session.exec(statement)).all()
    return await load_responses(session, found, now)


async def load_responses(
    session: AsyncSession, subscriptions: Sequence[Subscription], now: datetime
) -> list[SubscriptionAnswer]:
    """Subscriptions of one reader, each with its receipts, and with how Stripe bills it."""
    if not subscriptions:
        return []
    billed = await stripe_billing_of(session, subscriptions)
    reader_access_until = await access_until_of(session, subscriptions[0].reader_id, now)
    in_force = await receipts_of(session, subscriptions)
    receipts = await all_receipts_of(session, subscriptions)
    return [
        to_response(
            one,
            receipt_to_response(in_force[one.id]) if one.id in in_force else None,
            [receipt_to_response(receipt) for receipt in receipts[one.id]],
            *billed.get(one.id, NOT_BILLED),
            reader_access_until=reader_access_until,
            now=now,
        )
        for one in subscriptions
    ]


async def stripe_billing_of(
    session: AsyncSession, subscriptions: Sequence[Subscription]
) -> dict[str, tuple[StripeSubscription, StripePrice | None]]:
    """Stripe's billing state and price of those that Stripe bills, by subscription id."""
    statement = (
        select(StripeSubscription, StripePrice)
        .outerjoin(StripePrice, col(StripePrice.id) == StripeSubscription.price_id)
        .where(col(StripeSubscription.id).in_([one.id for one in subscriptions]))
    )
    return {billing.id: (billing, price) for billing, price in await session.exec(statement)}


def price_of_period(billing: StripeSubscription, price: StripePrice) -> Price:
    """What a period costs without discounts; the quantity is set in Stripe's dashboard."""
    return Price(amount=price.amount * billing.quantity, currency=price.currency)


def card_of(billing: StripeSubscription) -> CardAnswer | None:
    """The card that is charged, if Stripe has named one."""
    if billing.card_brand is None or billing.card_last4 is None:
        return None
    return CardAnswer(brand=billing.card_brand, last4=billing.card_last4)


def next_charge_of(billing: StripeSubscription) -> Price | None:
    """What is charged next, if Stripe has told."""
    if billing.next_amount is None or billing.next_currency is None:
        return None
    return Price(amount=billing.next_amount, currency=billing.next_currency)


def failed_payment_of(billing: StripeSubscription) -> FailedPaymentAnswer | None:
    """The payment that failed and is still open, if there is one."""
    if billing.failed_amount is None or billing.failed_currency is None:
        return None
    return FailedPaymentAnswer(
        amount=billing.failed_amount,
        currency=billing.failed_currency,
        next_attempt_at=billing.next_attempt_at,
        pay_url=billing.pay_url,
        has_new_method=billing.has_new_method,
    )


def has_ended(subscription: Subscription, now: datetime) -> bool:
    return subscription.entitled_until <= now


def to_response(
    subscription: Subscription,
    receipt: ReceiptAnswer | None,
    receipts: list[ReceiptAnswer],
    billing: StripeSubscription | None,
    price: StripePrice | None,
    *,
    reader_access_until: datetime | None,
    now: datetime,
) -> SubscriptionAnswer:
    own_status = StripeStatus.CANCELED if has_ended(subscription, now) else StripeStatus.ACTIVE
    next_payment = billing.next_payment_at if billing else None
    is_renewing = next_payment is not None and next_payment <= now
    is_in_leeway = subscription.access_until <= now < subscription.entitled_until
    state = SubscriptionState(
        kind=subscription.kind,
        status=StripeStatus(billing.status) if billing else own_status,
        opens_all=subscription.starts_at <= now and not has_ended(subscription, now),
        is_over=has_ended(subscription, now),
        is_cancelled=subscription.cancel_at_period_end,
        is_payment_due=is_renewing or is_in_leeway,
        has_later_end=billing is not None and billing.cancels_at is not None,
    )
    return SubscriptionAnswer(
        id=subscription.id,
        kind=subscription.kind,
        status=state.status,
        phase=phase_of(state),
        actions=actions_of(state),
        plan_id=subscription.plan_id,
        pass_id=subscription.pass_id,
        starts_at=subscription.starts_at,
        access_until=None if is_in_leeway else subscription.access_until,
        reader_access_until=reader_access_until,
        opens_all=state.opens_all,
        cancel_at_period_end=subscription.cancel_at_period_end,
        cancels_at=billing.cancels_at if billing else None,
        next_payment=next_payment,
        is_renewing=is_renewing,
        payment_type=billing.payment_type if billing else None,
        card=card_of(billing) if billing else None,
        failed_payment=failed_payment_of(billing) if billing else None,
        price=price_of_period(billing, price) if billing and price else None,
        next_charge=next_charge_of(billing) if billing else None,
        receipt=receipt,
        receipts=receipts,
    )
