"""The hosted page of an invoice, on which it can be paid."""

from litestar import Response
from litestar.response import Redirect

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.billing import collect_invoice
from paywall.sandbox.stripe.customers import card_for_renewal
from paywall.sandbox.stripe.rendering import FormButton, format_money, render_page


def show_invoice(account: StandInAccount, invoice_id: str) -> Response[str]:
    """What is due, and the button that pays it with the customer's card."""
    invoice = account.find("invoice", invoice_id)
    due = format_money(invoice["amount_remaining"], invoice["currency"])
    is_open = invoice["status"] == "open"
    return render_page(
        "invoice.html",
        f"Invoice {invoice['number']}",
        state=f"{due} is due." if is_open else f"This invoice is {invoice['status']}.",
        button=FormButton(f"Pay {due}", {}) if is_open else None,
        here=f"/invoice/{invoice_id}",
    )


def pay_invoice(account: StandInAccount, invoice_id: str) -> Redirect:
    """Charge the customer's card now."""
    invoice = account.find("invoice", invoice_id)
    if invoice["status"] == "open":
        collect_invoice(account, invoice, card_for_renewal(account, invoice["customer"]))
    return Redirect(f"/invoice/{invoice_id}", status_code=303)
