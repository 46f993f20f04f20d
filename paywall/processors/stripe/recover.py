"""Recording checkouts that a database restored from a backup does not have."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.database.tables import Checkout, StripeCustomer
from paywall.processors.stripe.customers import link_customer
from paywall.processors.stripe.objects import StripeEventRef
from paywall.processors.stripe.order_seal import unseal
from paywall.processors.stripe.prices import find_price
from paywall.processors.stripe.state import is_erased, state
from paywall.rules.enums import CheckoutStatus


async def recover_checkout(
    session: AsyncSession, event: StripeEventRef, customer_id: str, now: datetime
) -> None:
    """Record the checkout and the customer of this event's session, from the session's seal.

    Does nothing for a checkout on record, and for sessions of other products or erased readers.
    """
    if event.sealed_order is None or event.checkout_id is None:
        return
    order = unseal(
        event.sealed_order,
        checkout_id=event.checkout_id,
        hash_key=(await state(session)).hash_key,
    )
    if order is None or await is_erased(session, (event.object_id, customer_id)):
        return
    await link_customer(session, customer_id, order.reader_id, now)
    # Asked under the reader's lock, for which another worker may have been first.
    price = await find_price(session, order.price_id)
    if price is None or await session.get(Checkout, event.checkout_id) is not None:
        return
    # Since the checkout, the reader may have been merged into another.
    customer = await session.get_one(StripeCustomer, customer_id)
    session.add(
        Checkout(
            id=event.checkout_id,
            reader_id=customer.reader_id,
            product_kind=price.product_kind,
            product_id=price.product_id,
            price_id=price.id,
            return_url=event.return_url or "",
            consent_at=order.consent_at,
            customer_id=customer_id,
            session_id=event.object_id,
            # Syncing the session sets what it is in Stripe.
            status=CheckoutStatus.PROCESSING,
            created_at=event.at,
        )
    )
