"""Checkout sessions: create, list, expire, pay and settle."""

from http import HTTPStatus

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.billing import collect_invoice, record_payment_result
from paywall.sandbox.stripe.catalogue import find_price
from paywall.sandbox.stripe.customers import Card, attach_card, create_customer
from paywall.sandbox.stripe.errors import ApiError, invalid_parameter, missing_parameter
from paywall.sandbox.stripe.forms import (
    merge_metadata,
    nested_object,
    object_list,
    optional_boolean,
    optional_integer,
    optional_text,
    required_text,
)
from paywall.sandbox.stripe.invoices import discount_amount
from paywall.sandbox.stripe.objects import Json, copy_object
from paywall.sandbox.stripe.pagination import paginate
from paywall.sandbox.stripe.payment_intents import (
    DECLINED,
    create_payment_intent,
    decline_payment,
    succeed_payment,
)
from paywall.sandbox.stripe.periods import DAY_SECONDS
from paywall.sandbox.stripe.subscriptions import (
    PriceQuantity,
    create_first_invoice,
    create_subscription,
)
from paywall.sandbox.stripe.taxes import included_tax

STAND_IN_PAYER = "payer@standin.example"


def create_session(account: StandInAccount, params: Json) -> Json:
    """Create a session, open for a day unless `expires_at` is given."""
    mode = required_text(params, "mode")
    lines = _price_quantities(account, params)
    if (mode == "subscription") != any(line.price["recurring"] for line in lines):
        kind = "recurring" if mode == "payment" else "one-time"
        raise ApiError(f"You specified `{mode}` mode but passed a {kind} price.", param="mode")
    if customer := optional_text(params, "customer"):
        account.find("customer", customer, "customer")
    trial = mode == "subscription" and _has_trial(nested_object(params, "subscription_data"))
    subtotal = 0 if trial else sum(line.price["unit_amount"] * line.quantity for line in lines)
    session = account.create(
        "checkout.session",
        allow_promotion_codes=optional_boolean(params, "allow_promotion_codes"),
        amount_subtotal=subtotal,
        cancel_url=optional_text(params, "cancel_url"),
        client_reference_id=optional_text(params, "client_reference_id"),
        currency=lines[0].price["currency"],
        customer=customer,
        customer_email=optional_text(params, "customer_email"),
        discounts=[],
        expires_at=optional_integer(params, "expires_at") or account.now + DAY_SECONDS,
        locale=optional_text(params, "locale"),
        metadata=merge_metadata({}, params),
        mode=mode,
        payment_method_collection=optional_text(params, "payment_method_collection") or "always",
        payment_status="unpaid",
        status="open",
        success_url=required_text(params, "success_url"),
    )
    session["url"] = f"{account.address}/checkout/{session['id']}"
    account.hidden_fields(session["id"]).update(
        lines=[(copy_object(line.price), line.quantity) for line in lines],
        subscription_data=nested_object(params, "subscription_data"),
        payment_intent_data=nested_object(params, "payment_intent_data"),
    )
    coupons = [required_text(discount, "coupon") for discount in object_list(params, "discounts")]
    _apply_coupon(account, session, coupons[0] if coupons else None)
    return session


def expire_open_session(account: StandInAccount, session: Json) -> None:
    """Expire a session that is open."""
    account.update(session, "checkout.session.expired", status="expired", url=None)


def expire_session(account: StandInAccount, _given: Json, session_id: str) -> Json:
    """Expire a session. Raises ApiError unless it is open."""
    session = _open_session(account, session_id, "expired")
    expire_open_session(account, session)
    return session


def list_sessions(account: StandInAccount, params: Json) -> Json:
    """Sessions by customer, payment intent, subscription or status."""
    names = ("customer", "payment_intent", "status", "subscription")
    equal = {name: params[name] for name in names if params.get(name)}
    return paginate(account.find_all("checkout.session", **equal), params, "/v1/checkout/sessions")


def list_line_items(account: StandInAccount, params: Json, session_id: str) -> Json:
    """A session's line items."""
    session = account.find("checkout.session", session_id)
    hidden = account.hidden_fields(session_id)
    if "items" not in hidden:
        hidden["items"] = [
            account.build(
                "item",
                amount_subtotal=price["unit_amount"] * quantity,
                amount_total=price["unit_amount"] * quantity,
                currency=session["currency"],
                price=price,
                quantity=quantity,
            )
            for price, quantity in hidden["lines"]
        ]
    return paginate(hidden["items"], params, f"/v1/checkout/sessions/{session_id}/line_items")


def pay_session(
    account: StandInAccount,
    session_id: str,
    card: Card = Card.PAYS,
    *,
    later: bool = False,
    code: str | None = None,
) -> Json:
    """Pay as the payer; `later` leaves the payment pending until `settle_session`.

    `code` is a coupon's id. Raises ApiError where the card is declined: the session stays open.
    """
    session = _open_session(account, session_id, "paid")
    if code is not None:
        if not session["allow_promotion_codes"]:
            raise ApiError("This page accepts no promotion codes.", param="code")
        _apply_coupon(account, session, code)
    if session["amount_total"] and card in {Card.DECLINES, Card.NONE}:
        _decline_payment(account, session, card)
    customer_id = _find_or_create_customer(account, session)
    method = attach_card(account, customer_id, card)
    session["customer_details"] = _customer_details(account, session)
    if session["mode"] == "payment":
        changes = _pay_once(account, session, method, later=later)
    else:
        changes = _subscribe(account, session, card, later=later)
    return account.update(
        session, "checkout.session.completed", status="complete", url=None, **changes
    )


def settle_session(account: StandInAccount, session_id: str, *, paid: bool) -> Json:
    """Settle a payment that was made `later`."""
    session = account.find("checkout.session", session_id)
    if (session["status"], session["payment_status"]) != ("complete", "unpaid"):
        raise ApiError(f"Checkout Session {session_id} has no pending payment.")
    if session["invoice"]:
        record_payment_result(account, account.find("invoice", session["invoice"]), paid=paid)
    else:
        intent = account.find("payment_intent", session["payment_intent"])
        (succeed_payment if paid else decline_payment)(account, intent)
    if paid:
        event_type = "checkout.session.async_payment_succeeded"
        return account.update(session, event_type, payment_status="paid")
    account.emit_event("checkout.session.async_payment_failed", session)
    return session


def _price_quantities(account: StandInAccount, params: Json) -> list[PriceQuantity]:
    lines = [
        PriceQuantity(find_price(account, line), optional_integer(line, "quantity") or 1)
        for line in object_list(params, "line_items")
    ]
    if not lines:
        raise missing_parameter("line_items")
    if len({line.price["currency"] for line in lines}) > 1:
        raise invalid_parameter("line_items", "All prices of a session have one currency.")
    return lines


def _has_trial(data: Json) -> bool:
    return "trial_period_days" in data or "trial_end" in data


def _apply_coupon(account: StandInAccount, session: Json, coupon_id: str | None) -> None:
    """Set the session's total, with a coupon if there is one."""
    subtotal = session["amount_subtotal"]
    discount = 0
    if coupon_id:
        coupon = account.find("coupon", coupon_id, "coupon")
        discount = discount_amount(coupon, subtotal, session["currency"])
        session["discounts"] = [{"coupon": coupon_id, "promotion_code": None}]
    account.hidden_fields(session["id"])["coupon"] = coupon_id
    session["amount_total"] = subtotal - discount
    tax = included_tax(account, session["amount_total"])
    session["total_details"] = {
        "amount_discount": discount,
        "amount_shipping": 0,
        "amount_tax": tax,
    }


def _open_session(account: StandInAccount, session_id: str, participle: str) -> Json:
    session = account.find("checkout.session", session_id)
    if session["status"] != "open":
        raise ApiError(
            'Only Checkout Sessions with a status in ["open"] can be '
            f"{participle}. This Checkout Session has a status of `{session['status']}`."
        )
    return session


def _find_or_create_customer(account: StandInAccount, session: Json) -> str | None:
    """The session's customer; a one-time payment may have none, as for a guest."""
    if session["customer"] is None and session["mode"] == "subscription":
        email = session["customer_email"] or STAND_IN_PAYER
        session["customer"] = create_customer(account, {"email": email})["id"]
    customer_id: str | None = session["customer"]
    return customer_id


def _customer_details(account: StandInAccount, session: Json) -> Json:
    email = account.find("customer", session["customer"])["email"] if session["customer"] else None
    return {
        "address": None,
        "business_name": None,
        "email": email or session["customer_email"] or STAND_IN_PAYER,
        "individual_name": None,
        "name": None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def _decline_payment(account: StandInAccount, session: Json, card: Card) -> None:
    intent = create_payment_intent(
        account,
        session["customer"],
        attach_card(account, None, card),
        amount=session["amount_total"],
        currency=session["currency"],
    )
    decline_payment(account, intent)
    raise ApiError(
        DECLINED, status=HTTPStatus.PAYMENT_REQUIRED, error_type="card_error", code="card_declined"
    )


def _pay_once(account: StandInAccount, session: Json, method: str | None, *, later: bool) -> Json:
    if not session["amount_total"]:
        return {"payment_status": "no_payment_required"}
    intent = create_payment_intent(
        account,
        session["customer"],
        method,
        amount=session["amount_total"],
        currency=session["currency"],
        metadata=merge_metadata({}, account.hidden_fields(session["id"])["payment_intent_data"]),
    )
    if not later:
        succeed_payment(account, intent)
    return {
        "payment_intent": intent["id"],
        "payment_status": "unpaid" if later else "paid",
    }


def _subscribe(account: StandInAccount, session: Json, card: Card, *, later: bool) -> Json:
    hidden = account.hidden_fields(session["id"])
    lines = [PriceQuantity(price, quantity) for price, quantity in hidden["lines"]]
    subscription = create_subscription(
        account, session["customer"], lines, hidden["subscription_data"], coupon=hidden["coupon"]
    )
    invoice = create_first_invoice(account, subscription)
    is_pending = later and invoice["amount_due"] > 0
    if is_pending:
        # Stripe activates the subscription while its first payment is pending.
        account.update(subscription, "customer.subscription.updated", status="active")
    else:
        collect_invoice(account, invoice, card)
    is_free = not session["amount_total"]
    return {
        "invoice": invoice["id"],
        "payment_status": "no_payment_required" if is_free else "unpaid" if is_pending else "paid",
        "subscription": subscription["id"],
    }
