"""Invoices with their lines and payments, as in the pinned API version."""

from typing import NamedTuple

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.currencies import round_amount
from paywall.sandbox.stripe.forms import optional_text
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.pagination import paginate
from paywall.sandbox.stripe.payment_intents import create_payment_intent
from paywall.sandbox.stripe.taxes import included_tax, taxes_of

# Stripe keeps a renewal's invoice as a draft for an hour before it charges.
DRAFT_SECONDS = 3600


class DraftLine(NamedTuple):
    """A line of an invoice to be drafted; its period is in Unix seconds, half-open.

    `credited` names the invoice and its lines that a credit is for, if they were invoiced.
    """

    item: Json
    price: Json
    amount: int
    starts_at: int
    ends_at: int
    description: str
    is_proration: bool = False
    credited: Json | None = None


def draft_invoice(
    account: StandInAccount, subscription: Json, reason: str, lines: list[DraftLine]
) -> Json:
    """Create a draft invoice; its amount due is what the customer's credit balance leaves."""
    subtotal = sum(line.amount for line in lines)
    discount = _redeem_coupon(account, subscription, subtotal)
    total = subtotal - discount
    balance = account.find("customer", subscription["customer"])["balance"]
    due = amount_due(total + balance, subscription["currency"])
    invoice = account.create(
        "invoice",
        amount_due=due,
        amount_remaining=due,
        automatically_finalizes_at=account.now + DRAFT_SECONDS,
        billing_reason=reason,
        currency=subscription["currency"],
        customer=subscription["customer"],
        parent={
            "quote_details": None,
            "subscription_details": {
                "metadata": dict(subscription["metadata"]),
                "subscription": subscription["id"],
            },
            "type": "subscription_details",
        },
        period_start=min((line.starts_at for line in lines), default=account.now),
        period_end=account.now,
        starting_balance=balance,
        status="draft",
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal,
        total=total,
        total_excluding_tax=total - included_tax(account, total),
        total_discount_amounts=[],
        total_taxes=taxes_of(account, total),
    )
    invoice["lines"]["url"] = f"/v1/invoices/{invoice['id']}/lines"
    invoice["lines"]["data"] = [_line_item(account, invoice, line) for line in lines]
    subscription["latest_invoice"] = invoice["id"]
    account.emit_event("invoice.created", invoice)
    return invoice


def finalize_invoice(account: StandInAccount, invoice: Json) -> Json:
    """Finalize the invoice, and create its payment.

    The customer's credit balance is used now: it can differ from that at the time of the draft.
    What the amount due is rounded by stays in the balance.
    """
    customer = account.find("customer", invoice["customer"])
    starting = customer["balance"]
    due = amount_due(invoice["total"] + starting, invoice["currency"])
    customer["balance"] = ending = invoice["total"] + starting - due
    number = sum(1 for other in account.find_all("invoice") if other["number"]) + 1
    account.update(
        invoice,
        "invoice.finalized",
        amount_due=due,
        amount_remaining=due,
        automatically_finalizes_at=None,
        effective_at=account.now,
        ending_balance=ending,
        hosted_invoice_url=f"{account.address}/invoice/{invoice['id']}",
        number=f"STANDIN-{number:04}",
        starting_balance=starting,
        status="open",
        status_transitions={**invoice["status_transitions"], "finalized_at": account.now},
    )
    if invoice["amount_due"]:
        _create_payment(account, invoice)
    return invoice


def amount_due(owed: int, currency: str) -> int:
    """An amount that can be charged, after prorations that can be of fractions."""
    return round_amount(max(0, owed), currency)


def payment_intent_of(account: StandInAccount, invoice: Json) -> Json:
    """The payment intent of an open invoice."""
    (payment,) = account.find_all("invoice_payment", invoice=invoice["id"])
    return account.find("payment_intent", payment["payment"]["payment_intent"])


def mark_paid(account: StandInAccount, invoice: Json) -> None:
    """Mark the invoice and its payment as paid in full; the amount may be zero."""
    for payment in account.find_all("invoice_payment", invoice=invoice["id"]):
        transitions = {**payment["status_transitions"], "paid_at": account.now}
        account.update(
            payment,
            "invoice_payment.paid",
            amount_paid=invoice["amount_due"],
            status="paid",
            status_transitions=transitions,
        )
    account.update(
        invoice,
        "invoice.paid",
        amount_paid=invoice["amount_due"],
        amount_remaining=0,
        attempt_count=invoice["attempt_count"] + bool(invoice["amount_due"]),
        attempted=True,
        auto_advance=False,
        next_payment_attempt=None,
        status="paid",
        status_transitions={**invoice["status_transitions"], "paid_at": account.now},
    )
    account.emit_event("invoice.payment_succeeded", invoice)


def mark_failed(account: StandInAccount, invoice: Json, *, retry_at: int | None) -> None:
    """Record a declined charge; `retry_at` is the next attempt, or None."""
    account.update(
        invoice,
        "invoice.payment_failed",
        attempt_count=invoice["attempt_count"] + 1,
        attempted=True,
        auto_advance=retry_at is not None,
        next_payment_attempt=retry_at,
    )


def stop_collection(account: StandInAccount, subscription: Json) -> None:
    """Stop collecting the open invoices of a subscription that has ended."""
    for invoice in invoices_of(account, subscription["id"]):
        if invoice["status"] in {"draft", "open"} and invoice["auto_advance"]:
            account.update(
                invoice,
                "invoice.updated",
                auto_advance=False,
                automatically_finalizes_at=None,
                next_payment_attempt=None,
            )


def invoices_of(account: StandInAccount, subscription_id: str) -> list[Json]:
    """The invoices of a subscription, oldest first."""
    return [
        invoice
        for invoice in account.find_all("invoice")
        if subscription_id_of(invoice) == subscription_id
    ]


def subscription_id_of(invoice: Json) -> str:
    """The id of the subscription that an invoice bills."""
    subscription_id: str = invoice["parent"]["subscription_details"]["subscription"]
    return subscription_id


def list_invoices(account: StandInAccount, params: Json) -> Json:
    """Invoices by subscription, customer or status."""
    equal = {name: params[name] for name in ("customer", "status") if params.get(name)}
    subscription_id = optional_text(params, "subscription")
    rows = [
        invoice
        for invoice in account.find_all("invoice", **equal)
        if subscription_id in {None, subscription_id_of(invoice)}
    ]
    return paginate(rows, params, "/v1/invoices")


def list_invoice_lines(account: StandInAccount, params: Json, invoice_id: str) -> Json:
    """The lines of an invoice."""
    lines = account.find("invoice", invoice_id)["lines"]
    return paginate(lines["data"][::-1], params, lines["url"])


def list_invoice_payments(account: StandInAccount, params: Json) -> Json:
    """Invoice payments by invoice, payment intent or status."""
    equal = {name: params[name] for name in ("invoice", "status") if params.get(name)}
    payment = params.get("payment") or {}
    rows = [
        row
        for row in account.find_all("invoice_payment", **equal)
        if payment.items() <= row["payment"].items()
    ]
    return paginate(rows, params, "/v1/invoice_payments")


def _create_payment(account: StandInAccount, invoice: Json) -> None:
    intent = create_payment_intent(
        account,
        invoice["customer"],
        account.hidden_fields(invoice["customer"]).get("payment_method"),
        amount=invoice["amount_due"],
        currency=invoice["currency"],
    )
    account.create(
        "invoice_payment",
        amount_requested=invoice["amount_due"],
        currency=invoice["currency"],
        invoice=invoice["id"],
        is_default=True,
        payment={"payment_intent": intent["id"], "type": "payment_intent"},
        status="open",
    )


def _line_item(account: StandInAccount, invoice: Json, line: DraftLine) -> Json:
    return account.build(
        "line_item",
        amount=line.amount,
        currency=invoice["currency"],
        description=line.description,
        discountable=not line.is_proration,
        invoice=invoice["id"],
        parent={
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": line.is_proration,
                "proration_details": {"credited_items": line.credited},
                "subscription": line.item["subscription"],
                "subscription_item": line.item["id"],
            },
            "type": "subscription_item_details",
        },
        period={"end": line.ends_at, "start": line.starts_at},
        pricing={
            "price_details": {"price": line.price["id"], "product": line.price["product"]},
            "type": "price_details",
            "unit_amount_decimal": str(line.price["unit_amount"]),
        },
        quantity=line.item["quantity"],
        subscription=line.item["subscription"],
        subtotal=line.amount,
        taxes=[],
    )


def discount_of(account: StandInAccount, subscription: Json, subtotal: int) -> int:
    """The discount of the subscription's coupon, if it still has one."""
    coupon_id = account.hidden_fields(subscription["id"]).get("coupon")
    if not coupon_id or subtotal <= 0:
        return 0
    coupon = account.find("coupon", coupon_id)
    return discount_amount(coupon, subtotal, subscription["currency"])


def _redeem_coupon(account: StandInAccount, subscription: Json, subtotal: int) -> int:
    """The discount of the subscription's coupon, which counts as one use of it."""
    hidden = account.hidden_fields(subscription["id"])
    coupon_id = hidden.get("coupon")
    if not coupon_id or subtotal <= 0:
        return 0
    discount = discount_of(account, subscription, subtotal)
    coupon = account.find("coupon", coupon_id)
    uses_max = {"once": 1, "repeating": coupon["duration_in_months"]}.get(coupon["duration"])
    hidden["coupon_uses"] = hidden.get("coupon_uses", 0) + 1
    if uses_max is not None and hidden["coupon_uses"] >= uses_max:
        hidden["coupon"] = None
    return discount


def discount_amount(coupon: Json, subtotal: int, currency: str) -> int:
    """The discount of a coupon on an amount."""
    if coupon["percent_off"] is None:
        return int(min(coupon["amount_off"], subtotal))
    percent: float = coupon["percent_off"]
    return round_amount(subtotal * percent / 100, currency)
