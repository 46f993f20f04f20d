"""What each type of Stripe's events is about, and so what has to be fetched.

An event only reports that something happened: the state is fetched, not taken from the event, as
events arrive late, twice and in any order.
"""

from paywall.processors.stripe.objects import ObjectKind


def kind_of_event(event_type: str) -> ObjectKind | None:
    """The kind of the object that has to be fetched; None for a type that means nothing here."""
    match event_type:
        case (
            # A reader has paid on Stripe's page, or can no longer do so.
            "checkout.session.completed"
            # A payment that takes days has arrived or failed.
            | "checkout.session.async_payment_succeeded"
            | "checkout.session.async_payment_failed"
            | "checkout.session.expired"
        ):
            return ObjectKind.SESSION
        case (
            # A subscription begins.
            "customer.subscription.created"
            # It renews, lapses, is cancelled or resumed, switches its plan, or ends its trial.
            | "customer.subscription.updated"
            | "customer.subscription.paused"
            | "customer.subscription.resumed"
            # It has ended for good.
            | "customer.subscription.deleted"
        ):
            return ObjectKind.SUBSCRIPTION
        case (
            # Another card is charged from now on, or a credit or discount of the customer's changes
            # what the next payment is.
            "customer.updated"
        ):
            return ObjectKind.CUSTOMER
        case (
            # A period was paid for, or cost nothing.
            "invoice.paid"
            # It was not paid: the subscription is past due, or will be.
            | "invoice.payment_failed"
        ):
            return ObjectKind.INVOICE
        case (
            # A refund was made, or failed.
            "charge.refunded"
            | "charge.refund.updated"
            | "refund.created"
            | "refund.updated"
            | "refund.failed"
            # A bank takes money back, returns it, or only inquires.
            | "charge.dispute.created"
            | "charge.dispute.updated"
            | "charge.dispute.closed"
            | "charge.dispute.funds_withdrawn"
            | "charge.dispute.funds_reinstated"
        ):
            return ObjectKind.PAYMENT
        case _:
            return None
