"""Checkout sessions: made by the service, completed or left by the payer."""

from http import HTTPStatus

from paywall.sandbox.stripe.account import Account
from paywall.sandbox.stripe.billing import collect, settle_invoice
from paywall.sandbox.stripe.catalogue import price_of
from paywall.sandbox.stripe.customers import Card, create_customer, keep_card
from paywall.sandbox.stripe.forms import integer, merged, nested, required, rows, text, truth
from paywall.sandbox.stripe.invoices import discount_of
from paywall.sandbox.stripe.listing import page
from paywall.sandbox.stripe.payments import DECLINED, begin_payment, decline, succeed
from paywall.sandbox.stripe.periods import DAY_SECONDS
from paywall.sandbox.stripe.refusal import Refusal, invalid, missing
from paywall.sandbox.stripe.shapes import Json, copy_of
from paywall.sandbox.stripe.subscriptions import Bought, begin, first_invoice

STAND_IN_PAYER = "payer@standin.example"


def create_session(account: Account, given: Json) -> Json:
    """A page to pay on, open for a day unless told."""
    mode = required(given, "mode")
    lines = _lines(account, given)
    if (mode == "subscription") != any(line.price["recurring"] for line in lines):
        kind = "recurring" if mode == "payment" else "one-time"
        raise Refusal(f"You specified `{mode}` mode but passed a {kind} price.", param="mode")
    if customer := text(given, "customer"):
        account.find("customer", customer, "customer")
    trial = mode == "subscription" and _has_trial(nested(given, "subscription_data"))
    subtotal = 0 if trial else sum(line.price["unit_amount"] * line.quantity for line in lines)
    session = account.new(
        "checkout.session",
        allow_promotion_codes=truth(given, "allow_promotion_codes"),
        amount_subtotal=subtotal,
        cancel_url=text(given, "cancel_url"),
        client_reference_id=text(given, "client_reference_id"),
        currency=lines[0].price["currency"],
        customer=customer,
        customer_email=text(given, "customer_email"),
        discounts=[],
        expires_at=integer(given, "expires_at") or account.now + DAY_SECONDS,
        locale=text(given, "locale"),
        metadata=merged({}, given),
        mode=mode,
        payment_method_collection=text(given, "payment_method_collection") or "always",
        payment_status="unpaid",
        status="open",
        success_url=required(given, "success_url"),
    )
    session["url"] = f"{account.address}/checkout/{session['id']}"
    account.note(session["id"]).update(
        lines=[(copy_of(line.price), line.quantity) for line in lines],
        subscription_data=nested(given, "subscription_data"),
        payment_intent_data=nested(given, "payment_intent_data"),
    )
    coupons = [required(discount, "coupon") for discount in rows(given, "discounts")]
    _take_off(account, session, coupons[0] if coupons else None)
    return session


def expire(account: Account, session: Json) -> None:
    """The page closes for good."""
    account.change(session, "checkout.session.expired", status="expired", url=None)


def expire_session(account: Account, _given: Json, session_id: str) -> Json:
    """Close an open page; one that is complete stays so."""
    session = _open_session(account, session_id, "expired")
    expire(account, session)
    return session


def list_sessions(account: Account, given: Json) -> Json:
    """Sessions of a customer, a payment or a subscription, in one status or all."""
    names = ("customer", "payment_intent", "status", "subscription")
    equal = {name: given[name] for name in names if given.get(name)}
    return page(account.all("checkout.session", **equal), given, "/v1/checkout/sessions")


def list_line_items(account: Account, given: Json, session_id: str) -> Json:
    """What a session sells."""
    session = account.find("checkout.session", session_id)
    note = account.note(session_id)
    if "items" not in note:
        note["items"] = [
            account.part(
                "item",
                amount_subtotal=price["unit_amount"] * quantity,
                amount_total=price["unit_amount"] * quantity,
                currency=session["currency"],
                price=price,
                quantity=quantity,
            )
            for price, quantity in note["lines"]
        ]
    return page(note["items"], given, f"/v1/checkout/sessions/{session_id}/line_items")


def pay(
    account: Account,
    session_id: str,
    card: Card = Card.PAYS,
    *,
    later: bool = False,
    code: str | None = None,
) -> Json:
    """The payer pays; `later`: by a way whose outcome is known days later (see `settle`).

    `code` is a coupon's id. Raises Refusal where the card declines: the page stays open.
    """
    session = _open_session(account, session_id, "paid")
    if code is not None:
        if not session["allow_promotion_codes"]:
            raise Refusal("This page takes no promotion codes.", param="code")
        _take_off(account, session, code)
    if session["amount_total"] and card in {Card.DECLINES, Card.NONE}:
        _decline(account, session, card)
    customer_id = _customer_of(account, session)
    method = keep_card(account, customer_id, card)
    session["customer_details"] = _details(account, session)
    if session["mode"] == "payment":
        changes = _pay_once(account, session, method, later=later)
    else:
        changes = _subscribe(account, session, card, later=later)
    return account.change(
        session, "checkout.session.completed", status="complete", url=None, **changes
    )


def settle(account: Account, session_id: str, *, paid: bool) -> Json:
    """The bank tells of a payment that was made `later`."""
    session = account.find("checkout.session", session_id)
    if (session["status"], session["payment_status"]) != ("complete", "unpaid"):
        raise Refusal(f"Checkout Session {session_id} waits for no payment.")
    if session["invoice"]:
        settle_invoice(account, account.find("invoice", session["invoice"]), paid=paid)
    else:
        intent = account.find("payment_intent", session["payment_intent"])
        (succeed if paid else decline)(account, intent)
    if paid:
        told_as = "checkout.session.async_payment_succeeded"
        return account.change(session, told_as, payment_status="paid")
    account.tell("checkout.session.async_payment_failed", session)
    return session


def _lines(account: Account, given: Json) -> list[Bought]:
    lines = [
        Bought(price_of(account, line), integer(line, "quantity") or 1)
        for line in rows(given, "line_items")
    ]
    if not lines:
        raise missing("line_items")
    if len({line.price["currency"] for line in lines}) > 1:
        raise invalid("line_items", "All prices of a session have one currency.")
    return lines


def _has_trial(data: Json) -> bool:
    return "trial_period_days" in data or "trial_end" in data


def _take_off(account: Account, session: Json, coupon_id: str | None) -> None:
    """Set the session's total, after its coupon if it has one."""
    subtotal = session["amount_subtotal"]
    off = 0
    if coupon_id:
        off = discount_of(account.find("coupon", coupon_id, "coupon"), subtotal)
        session["discounts"] = [{"coupon": coupon_id, "promotion_code": None}]
    account.note(session["id"])["coupon"] = coupon_id
    session["amount_total"] = subtotal - off
    session["total_details"] = {"amount_discount": off, "amount_shipping": 0, "amount_tax": 0}


def _open_session(account: Account, session_id: str, wish: str) -> Json:
    session = account.find("checkout.session", session_id)
    if session["status"] != "open":
        raise Refusal(
            'Only Checkout Sessions with a status in ["open"] can be '
            f"{wish}. This Checkout Session has a status of `{session['status']}`."
        )
    return session


def _customer_of(account: Account, session: Json) -> str | None:
    """A one-time payment needs no customer; it is then a guest's."""
    if session["customer"] is None and session["mode"] == "subscription":
        email = session["customer_email"] or STAND_IN_PAYER
        session["customer"] = create_customer(account, {"email": email})["id"]
    customer_id: str | None = session["customer"]
    return customer_id


def _details(account: Account, session: Json) -> Json:
    known = account.find("customer", session["customer"])["email"] if session["customer"] else None
    return {
        "address": None,
        "business_name": None,
        "email": known or session["customer_email"] or STAND_IN_PAYER,
        "individual_name": None,
        "name": None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def _decline(account: Account, session: Json, card: Card) -> None:
    intent = begin_payment(
        account,
        session["customer"],
        keep_card(account, None, card),
        amount=session["amount_total"],
        currency=session["currency"],
    )
    decline(account, intent)
    raise Refusal(
        DECLINED, status=HTTPStatus.PAYMENT_REQUIRED, kind="card_error", code="card_declined"
    )


def _pay_once(account: Account, session: Json, method: str | None, *, later: bool) -> Json:
    if not session["amount_total"]:
        return {"payment_status": "no_payment_required"}
    intent = begin_payment(
        account,
        session["customer"],
        method,
        amount=session["amount_total"],
        currency=session["currency"],
        metadata=merged({}, account.note(session["id"])["payment_intent_data"]),
    )
    if not later:
        succeed(account, intent)
    return {
        "payment_intent": intent["id"],
        "payment_status": "unpaid" if later else "paid",
    }


def _subscribe(account: Account, session: Json, card: Card, *, later: bool) -> Json:
    note = account.note(session["id"])
    lines = [Bought(price, quantity) for price, quantity in note["lines"]]
    subscription = begin(
        account, session["customer"], lines, note["subscription_data"], coupon=note["coupon"]
    )
    invoice = first_invoice(account, subscription)
    waits = later and invoice["amount_due"] > 0
    if waits:
        # Stripe trusts a payment under way: the subscription is active while it is.
        account.change(subscription, "customer.subscription.updated", status="active")
    else:
        collect(account, invoice, card)
    free = not session["amount_total"]
    return {
        "invoice": invoice["id"],
        "payment_status": "no_payment_required" if free else "unpaid" if waits else "paid",
        "subscription": subscription["id"],
    }
