"""The client of Stripe's API, and the only import of its SDK.

Every call ends within CALL_SECONDS, retries included, and returns the values of `objects`. A call
that changes something takes the idempotency key of its intent.
"""

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from paywall.lazy_import import lazy_import
from paywall.problems import Problem
from paywall.processors.stripe import parse_clawbacks, parsing
from paywall.processors.stripe.api_errors import EXTRA_SECONDS, api_call
from paywall.processors.stripe.objects import (
    SEALED_ORDER,
    Charge,
    PriceOrder,
    SessionOrder,
    StripeEventRef,
    StripeInvoiceSnapshot,
    StripePriceSnapshot,
    StripeSessionSnapshot,
    StripeSubscriptionSnapshot,
)
from paywall.processors.stripe.parse_subscription import (
    declined_method,
    parse_subscription,
    previewed_charge,
)
from paywall.processors.stripe.signature import event_ref_of
from paywall.processors.stripe.units import to_stripe
from paywall.rules.refunds import ClawbackSnapshot
from paywall.settings import Settings

if TYPE_CHECKING:
    import stripe
    from stripe.params import (
        CustomerListParams,
        EventListParams,
        InvoiceCreatePreviewParams,
        InvoicePaymentListParams,
        PriceCreateParams,
        RefundCreateParams,
        SubscriptionListParams,
        SubscriptionUpdateParams,
    )
    from stripe.params.billing_portal import SessionCreateParams as PortalParams
    from stripe.params.checkout import SessionCreateParams
else:
    stripe = lazy_import("stripe")

API_VERSION = "2026-10-28.endive"
TRY_SECONDS = 3.0
RETRIES_MAX = 2
PAGE = 100
# The transaction has the time at which a refund failed.
FAILED_REFUND = "data.failure_balance_transaction"
# With a subscription: its means of payment, else its customer's, and what was billed last.
HOW_IT_IS_PAID = [
    "default_payment_method",
    "customer.invoice_settings.default_payment_method",
    "latest_invoice",
]


class StripeClient:
    """One process's client, over the network or through a given transport."""

    def __init__(self, settings: Settings, http_client: "stripe.HTTPClient | None" = None) -> None:
        self.is_live = settings.is_live
        self.webhook_secrets = settings.stripe_webhook_secrets
        self._http = http_client or stripe.HTTPXClient(timeout=TRY_SECONDS)
        base: dict[str, Any] = {"api": settings.stripe_api_base} if settings.stripe_api_base else {}
        self._v1 = stripe.StripeClient(
            settings.stripe_secret_key,
            stripe_version=API_VERSION,
            base_addresses=base,  # type: ignore[arg-type]  # a TypedDict of it
            max_network_retries=RETRIES_MAX,
            http_client=self._http,
        ).v1

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]  # the SDK's

    async def customer_of_intent(self, key: str, since: datetime) -> str | None:
        """Find the customer created for this intent when the response was lost."""
        made: CustomerListParams = {
            "created": {"gte": int(since.timestamp()) - 60},
            "limit": PAGE,
        }
        async with api_call():
            page = await self._v1.customers.list_async(made)
            return parsing.made_for(key, [customer.to_dict() for customer in page.data])

    async def make_customer(self, key: str) -> str:
        """Create a customer without personal data: neither the reader's id nor an address."""
        async with api_call():
            customer = await self._v1.customers.create_async(
                {"metadata": {parsing.INTENT: key}}, {"idempotency_key": key}
            )
        return customer.id

    async def open_session(self, order: SessionOrder, key: str) -> StripeSessionSnapshot:
        """Raises Missing, with the param "customer" if the customer was deleted."""
        params: SessionCreateParams = {
            "mode": "subscription" if order.is_plan else "payment",
            "customer": order.customer_id,
            "client_reference_id": order.checkout_id,
            "line_items": [{"price": order.price_id, "quantity": 1}],
            "success_url": order.return_url,
            "cancel_url": order.return_url,
            "allow_promotion_codes": True,
        }
        if order.sealed is not None:
            params["metadata"] = {SEALED_ORDER: order.sealed}
        if order.is_plan and order.trial_days:
            params["subscription_data"] = {"trial_period_days": order.trial_days}
        async with api_call():
            data = await self._v1.checkout.sessions.create_async(params, {"idempotency_key": key})
            return parsing.session(data.to_dict(), paid_at=None, has_failed=False)

    async def session_of_checkout(self, customer_id: str, checkout_id: str) -> str | None:
        """Find the session created for this checkout when the response was lost."""
        async with api_call():
            page = await self._v1.checkout.sessions.list_async(
                {"customer": customer_id, "limit": PAGE}
            )
        return next((s.id for s in page.data if s.client_reference_id == checkout_id), None)

    async def session_of_payment(self, payment_id: str) -> str | None:
        async with api_call():
            page = await self._v1.checkout.sessions.list_async(
                {"payment_intent": payment_id, "limit": 1}
            )
        return next((session.id for session in page.data), None)

    async def expire_session(self, session_id: str, key: str) -> None:
        """Raises Problem(STRIPE_REFUSED) for a session that is no longer open."""
        async with api_call():
            await self._v1.checkout.sessions.expire_async(session_id, {}, {"idempotency_key": key})

    async def session(self, session_id: str) -> StripeSessionSnapshot:
        """A Checkout session with its payment; raises Missing."""
        async with api_call():
            data = (await self._v1.checkout.sessions.retrieve_async(session_id)).to_dict()
            payment_id = parsing.payment_of(data)
            if payment_id is None and (invoice_id := parsing.unpaid_invoice_of(data)):
                # A plan's first payment is its invoice's.
                payment_id = next(iter(await self._payments_of(invoice_id)), None)
            if payment_id is None:
                return parsing.session(data, paid_at=None, has_failed=False)
            payment = await self._v1.payment_intents.retrieve_async(payment_id)
            charge_id, has_failed = parsing.payment(payment.to_dict())
        paid_at = await self._charged_at(charge_id) if charge_id else None
        clawbacks = await self.clawbacks(payment_id) if paid_at else []
        async with api_call():
            return parsing.session(
                data, paid_at=paid_at, has_failed=has_failed, clawbacks=clawbacks
            )

    async def subscription(self, subscription_id: str) -> StripeSubscriptionSnapshot:
        """A subscription with how it is paid, and with a payment that failed; raises Missing."""
        async with api_call():
            found = await self._v1.subscriptions.retrieve_async(
                subscription_id, {"expand": HOW_IT_IS_PAID}
            )
            return parse_subscription(found.to_dict())

    async def next_charge(self, subscription: StripeSubscriptionSnapshot) -> Charge | None:
        """What the next period is going to cost, or would if a cancellation was withdrawn.

        None if Stripe does not answer: what it is asked beside must not fail for it.
        """
        params: InvoiceCreatePreviewParams = {"subscription": subscription.id}
        if subscription.cancels_at_period_end:
            params["subscription_details"] = {"cancel_at_period_end": False}
        elif subscription.is_cancelled:
            params["subscription_details"] = {"cancel_at": ""}
        with suppress(Problem):
            async with api_call(EXTRA_SECONDS):
                preview = await self._v1.invoices.create_preview_async(params)
                return previewed_charge(preview.to_dict())
        return None

    async def declined_method(self, invoice_id: str) -> str | None:
        """The means of payment by which an open invoice was to be paid last.

        None if Stripe does not answer, as for `next_charge`.
        """
        with suppress(Problem):
            async with api_call(EXTRA_SECONDS):
                page = await self._v1.invoice_payments.list_async(
                    {"invoice": invoice_id, "expand": ["data.payment.payment_intent"]}
                )
                return declined_method([payment.to_dict() for payment in page.data])
        return None

    async def subscriptions_of(self, customer_id: str) -> list[str]:
        """The ids of a customer's newest hundred subscriptions that have not ended."""
        async with api_call():
            page = await self._v1.subscriptions.list_async({"customer": customer_id, "limit": PAGE})
        return [subscription.id for subscription in page.data]

    async def subscriptions(self, after: str | None) -> list[StripeSubscriptionSnapshot]:
        """A page of all subscriptions, ended ones too, newest first; empty after the last."""
        params: SubscriptionListParams = {"status": "all", "limit": PAGE}
        if after is not None:
            params["starting_after"] = after
        async with api_call():
            page = await self._v1.subscriptions.list_async(params)
            return [parse_subscription(data.to_dict()) for data in page.data]

    async def invoice(self, invoice_id: str) -> StripeInvoiceSnapshot:
        """An invoice with all refunds and disputes of its payments; raises Missing."""
        async with api_call():
            data = (await self._v1.invoices.retrieve_async(invoice_id)).to_dict()
            if data["lines"]["has_more"]:
                lines = await self._v1.invoices.line_items.list_async(invoice_id, {"limit": PAGE})
                data["lines"] = lines.to_dict()
            snapshot = parsing.invoice(data)
        if snapshot.paid_at is None or snapshot.amount_paid == 0:
            return snapshot
        async with api_call():
            payment_ids = await self._payments_of(invoice_id, are_paid=True)
        clawbacks = [clawback for id_ in payment_ids for clawback in await self.clawbacks(id_)]
        return snapshot._replace(clawbacks=tuple(clawbacks))

    async def _payments_of(self, invoice_id: str, *, are_paid: bool = False) -> list[str]:
        """The payment intents of an invoice, the newest first."""
        params: InvoicePaymentListParams = {"invoice": invoice_id}
        if are_paid:
            params["status"] = "paid"
        page = await self._v1.invoice_payments.list_async(params)
        intents = (payment.payment.payment_intent for payment in page.data)
        return [intent for intent in intents if isinstance(intent, str)]

    async def invoice_of_payment(self, payment_id: str) -> str | None:
        async with api_call():
            page = await self._v1.invoice_payments.list_async(
                {"payment": {"type": "payment_intent", "payment_intent": payment_id}, "limit": 1}
            )
            return parsing.invoice_paid([payment.to_dict() for payment in page.data])

    async def paid_invoices_of(self, subscription_id: str) -> list[str]:
        """The ids of a subscription's newest hundred paid invoices."""
        async with api_call():
            page = await self._v1.invoices.list_async(
                {"subscription": subscription_id, "status": "paid", "limit": PAGE}
            )
        return [invoice.id for invoice in page.data]

    async def clawbacks(self, payment_id: str) -> list[ClawbackSnapshot]:
        """Every refund and dispute of a payment, in force or not."""
        async with api_call():
            refunds = await self._v1.refunds.list_async(
                {"payment_intent": payment_id, "limit": PAGE, "expand": [FAILED_REFUND]}
            )
            disputes = await self._v1.disputes.list_async(
                {"payment_intent": payment_id, "limit": PAGE}
            )
            return [parse_clawbacks.refund(data.to_dict()) for data in refunds.data] + [
                parse_clawbacks.dispute(data.to_dict()) for data in disputes.data
            ]

    async def payments_for(self, reference: str) -> list[str]:
        """The payment intents by which an invoice or a Checkout session was paid, by its id."""
        async with api_call():
            if reference.startswith("in_"):
                return await self._payments_of(reference, are_paid=True)
            data = (await self._v1.checkout.sessions.retrieve_async(reference)).to_dict()
        payment_id = parsing.payment_of(data)
        return [] if payment_id is None else [payment_id]

    async def refund(
        self, payment_id: str, amount: int | None, currency: str, withdrawal_id: str, key: str
    ) -> None:
        """Refund a payment for a withdrawal, once; without an amount all that is left of it."""
        params: RefundCreateParams = {
            "payment_intent": payment_id,
            "metadata": {parse_clawbacks.WITHDRAWAL: withdrawal_id},
        }
        if amount is not None:
            params["amount"] = to_stripe(amount, currency)
        async with api_call():
            page = await self._v1.refunds.list_async({"payment_intent": payment_id, "limit": PAGE})
            made = [refund.to_dict() for refund in page.data]
            if not parse_clawbacks.has_refund_for(withdrawal_id, made):
                await self._v1.refunds.create_async(params, {"idempotency_key": key})

    async def _charged_at(self, charge_id: str) -> datetime:
        async with api_call():
            charge = await self._v1.charges.retrieve_async(charge_id)
        return parsing.at(charge.created)

    async def payment_of_charge(self, charge_id: str) -> str | None:
        async with api_call():
            charge = await self._v1.charges.retrieve_async(charge_id)
        payment = charge.payment_intent
        return payment if isinstance(payment, str) else None

    async def customer_of_payment(self, payment_id: str) -> str | None:
        async with api_call():
            payment = await self._v1.payment_intents.retrieve_async(payment_id)
        customer = payment.customer
        return customer if isinstance(customer, str) else None

    async def end_with_period(self, subscription_id: str, key: str) -> None:
        async with api_call():
            await self._v1.subscriptions.update_async(
                subscription_id, {"cancel_at_period_end": True}, {"idempotency_key": key}
            )

    async def resume(self, snapshot: StripeSubscriptionSnapshot, key: str) -> None:
        """Withdraw a cancellation; the billing portal cancels by `cancel_at` alone."""
        with_period = snapshot.cancels_at_period_end
        change: SubscriptionUpdateParams = (
            {"cancel_at_period_end": False} if with_period else {"cancel_at": ""}
        )
        own_key = f"{key}-{'period' if with_period else 'at'}"
        async with api_call():
            await self._v1.subscriptions.update_async(
                snapshot.id, change, {"idempotency_key": own_key}
            )

    async def release_schedule(self, schedule_id: str, key: str) -> None:
        """End a subscription schedule, which removes the end that it set for its subscription."""
        async with api_call():
            await self._v1.subscription_schedules.release_async(
                schedule_id, {}, {"idempotency_key": key}
            )

    async def end_now(self, subscription_id: str, key: str) -> None:
        """End a subscription immediately; nothing is refunded or billed for it.

        Stripe reports one that has already ended as missing: the caller fetches it.
        """
        async with api_call():
            await self._v1.subscriptions.cancel_async(
                subscription_id, {"prorate": False}, {"idempotency_key": key}
            )

    async def portal(self, customer_id: str, return_url: str | None) -> str:
        """The address of a billing portal for this customer, valid for some minutes.

        Raises Missing if the customer was deleted.
        """
        params: PortalParams = {"customer": customer_id}
        if return_url is not None:
            params["return_url"] = return_url
        async with api_call():
            made = await self._v1.billing_portal.sessions.create_async(params)
        return made.url

    async def account(self) -> str:
        """The id of the account to which the key belongs."""
        async with api_call():
            return (await self._v1.accounts.retrieve_current_async()).id

    async def prices(self, lookup_keys: list[str]) -> dict[str, StripePriceSnapshot]:
        """The prices with these lookup keys, at most ten, by their key."""
        async with api_call():
            page = await self._v1.prices.list_async(
                {"lookup_keys": lookup_keys, "active": True, "limit": PAGE}
            )
            return parsing.prices([price.to_dict() for price in page.data])

    async def make_price(self, order: PriceOrder, key: str) -> str:
        """Create a price with its product; Stripe refuses a second one with the same lookup key."""
        params: PriceCreateParams = {
            "currency": order.currency,
            "unit_amount": to_stripe(order.amount, order.currency),
            "lookup_key": order.lookup_key,
            "product_data": {"name": order.title},
        }
        if order.interval is not None:
            params["recurring"] = {
                "interval": order.interval.value,
                "interval_count": order.interval_count,
            }
        async with api_call():
            price = await self._v1.prices.create_async(params, {"idempotency_key": key})
        return price.id

    async def events(self, since: datetime, after: str | None) -> list[StripeEventRef]:
        """A page of the events since then, newest first; empty after the last."""
        params: EventListParams = {
            "created": {"gte": int(since.timestamp())},
            "limit": PAGE,
        }
        if after is not None:
            params["starting_after"] = after
        async with api_call():
            page = await self._v1.events.list_async(params)
            return [event_ref_of(data.to_dict()) for data in page.data]
