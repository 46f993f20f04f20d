"""Request models of payments that the site took itself, and of their refunds."""

from typing import Annotated

from msgspec import Meta

from paywall.catalogue.products import choose_product
from paywall.http.bodies import RequestModel
from paywall.http.fields import AMOUNT_MAX, CURRENCY_PATTERN, PROCESSOR_PATTERN, Id
from paywall.payments.purchase import Payment
from paywall.payments.responses import AMOUNT
from paywall.problems import invalid
from paywall.rules.enums import Processor
from paywall.rules.money import currency_code


class PurchaseInput(RequestModel, kw_only=True):
    """A payment that the site took itself, by KHQR, cash or bank. Name exactly one product."""

    reader_id: Annotated[Id, Meta(description="The site's id of the reader who paid.")]
    processor: Annotated[
        str,
        Meta(
            pattern=PROCESSOR_PATTERN,
            description="How the site was paid, such as `khqr` or `cash`; `stripe` and `bakong` are"
            " refused.",
        ),
    ]
    reference: Annotated[
        Id,
        Meta(
            description="The processor's id of the payment; repeating it with the same fields is a"
            " no-op."
        ),
    ]
    pack_id: Annotated[Id | None, Meta(description="The pack that was bought.")] = None
    pass_id: Annotated[Id | None, Meta(description="The pass that was bought.")] = None
    plan_id: Annotated[Id | None, Meta(description="One prepaid period of the plan.")] = None
    amount_paid: Annotated[int, Meta(ge=0, le=AMOUNT_MAX, description=AMOUNT)]
    currency: Annotated[str, Meta(pattern=CURRENCY_PATTERN, description="ISO 4217, in any case.")]

    def payment(self) -> Payment:
        kind, product_id = choose_product(self.pack_id, self.pass_id, self.plan_id)
        currency = currency_code(self.currency)
        if currency is None:
            raise invalid("currency", f"{self.currency!r} is not a currency of ISO 4217")
        if self.processor in set(Processor):
            raise invalid(
                "processor", f"payments by {self.processor.title()} are recorded by the service"
            )
        return Payment(
            self.reader_id,
            self.processor,
            self.reference,
            kind,
            product_id,
            self.amount_paid,
            currency,
        )


class RefundInput(RequestModel, kw_only=True):
    """Money that was returned to the reader."""

    amount: Annotated[int, Meta(ge=1, le=AMOUNT_MAX, description=AMOUNT)]
    reference: Annotated[
        Id,
        Meta(description="Unique for the purchase; repeating it with the same fields is a no-op."),
    ]
    keep_access: Annotated[bool, Meta(description="A goodwill refund: nothing is clawed back.")] = (
        False
    )
