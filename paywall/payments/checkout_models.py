"""Requests and responses of checkouts and of the billing portal."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from paywall.catalogue.products import choose_product
from paywall.database.tables import Checkout
from paywall.http.bodies import RequestModel, ResponseModel
from paywall.http.fields import CURRENCY_PATTERN, Id, Text
from paywall.http.origins import is_of_the_site
from paywall.payments.checkouts import CheckoutRequest
from paywall.problems import invalid
from paywall.rules.enums import CheckoutStatus, Processor
from paywall.rules.money import currency_code
from paywall.settings import Settings

ReturnUrl = Annotated[Text, Meta(max_length=2000)]


class CheckoutInput(RequestModel, kw_only=True):
    """What a reader wants to buy. Exactly one product is named."""

    pack_id: Annotated[Id | None, Meta(description="The pack to buy.")] = None
    pass_id: Annotated[Id | None, Meta(description="The pass to buy.")] = None
    plan_id: Annotated[Id | None, Meta(description="A subscription to the plan.")] = None
    currency: Annotated[
        Annotated[str, Meta(pattern=CURRENCY_PATTERN)] | None,
        Meta(description="One of the product's; left out: that of its first price."),
    ] = None
    return_url: Annotated[
        ReturnUrl, Meta(description="Where the reader goes after paying, on an allowed origin.")
    ]
    consent: Annotated[
        bool, Meta(description="The reader agrees to have it at once, and is told what that means.")
    ] = False
    processor: Annotated[
        Processor | None,
        Meta(
            description="How to pay; left out: by Stripe, or by Bakong where Stripe is not set up."
        ),
    ] = None

    def to_request(self, settings: Settings) -> CheckoutRequest:
        kind, product_id = choose_product(self.pack_id, self.pass_id, self.plan_id)
        currency = None if self.currency is None else currency_code(self.currency)
        if self.currency is not None and currency is None:
            raise invalid("currency", f"{self.currency!r} is not a currency of ISO 4217")
        refuse_foreign_page(self.return_url, settings)
        return CheckoutRequest(kind, product_id, currency, self.return_url, self.consent)


class PortalInput(RequestModel, kw_only=True):
    """Where to go back to from the portal."""

    return_url: Annotated[
        ReturnUrl | None, Meta(description="On an allowed origin; left out: as Stripe is set up.")
    ] = None


class KhqrPayment(ResponseModel):
    """A KHQR code, which the reader scans with the app of their bank."""

    text: Annotated[str, Meta(description="The text of the code.")]
    image_url: Annotated[
        str,
        Meta(description="The code as SVG, black on white; relative to this service's address."),
    ]
    amount: Annotated[
        int, Meta(description="In the smallest unit by ISO 4217: 4,000 riel are 400000.")
    ]
    currency: Annotated[str, Meta(description="`khr` or `usd`.")]
    expires_at: Annotated[
        datetime, Meta(description="Until when apps take the code; a late payment is given too.")
    ]
    deep_link: Annotated[
        str | None,
        Meta(description="Opens the payment in the app of the reader's bank; null if not known."),
    ]
    answered_at: Annotated[
        datetime | None,
        Meta(description="When the bank last answered about the code; null: not heard from yet."),
    ]


CHECKOUT_URL = (
    "The page to pay on. Stripe's is absolute; the page of a KHQR code is relative to this"
    " service's address."
)


class CheckoutPage(ResponseModel):
    """Where the reader pays."""

    id: Annotated[str, Meta(description="The checkout, to be asked for on the return page.")]
    url: Annotated[str, Meta(description=f"{CHECKOUT_URL} Send the reader there.")]
    processor: Annotated[Processor, Meta(description="Who takes the payment.")] = Processor.STRIPE
    khqr: Annotated[
        KhqrPayment | None, Meta(description="The code to show, of a checkout by Bakong.")
    ] = None


class CheckoutAnswer(ResponseModel):
    """How a checkout stands."""

    id: Annotated[str, Meta(description="The checkout.")]
    status: Annotated[
        CheckoutStatus,
        Meta(description="`paid` once what was bought is here; `processing` while money is due."),
    ]
    url: Annotated[str | None, Meta(description=f"{CHECKOUT_URL} Null unless it is open.")]
    purchase_id: Annotated[int | None, Meta(description="What was bought, once it is paid.")]
    processor: Annotated[Processor, Meta(description="Who takes the payment.")] = Processor.STRIPE
    khqr: Annotated[
        KhqrPayment | None, Meta(description="The code to show, of a checkout by Bakong.")
    ] = None


class PortalAnswer(ResponseModel):
    """Where the reader manages cards, invoices and subscriptions."""

    url: Annotated[str, Meta(description="Stripe's portal, good for some minutes.")]


def checkout_to_response(checkout: Checkout) -> CheckoutAnswer:
    return CheckoutAnswer(
        id=checkout.id,
        status=checkout.status,
        url=checkout.url,
        purchase_id=checkout.purchase_id,
    )


def refuse_foreign_page(return_url: str, settings: Settings) -> None:
    """Readers are only sent to pages of the site."""
    if not is_of_the_site(return_url, settings):
        raise invalid("return_url", "a page on one of allowed_origins, such as https://…/thanks")
