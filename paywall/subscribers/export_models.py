"""The response model of an export: sections, each with a description for the reader."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from paywall.catalogue.models import Price
from paywall.credits.responses import EntryAnswer, GrantAnswer
from paywall.http.bodies import ResponseModel
from paywall.http.fields import (
    ArticleId,
    ArticleTitle,
    ArticleUrl,
    CreatedAt,
    NextPayment,
    PaymentType,
    PurchaseId,
    ReaderId,
    TextId,
    TokenIssuer,
    UnlocksLeft,
)
from paywall.payments.responses import PurchaseAnswer
from paywall.payments.unmatched_models import UnmatchedPaymentAnswer
from paywall.rules.enums import (
    CancelReason,
    CheckoutStatus,
    ClawbackKind,
    ProductKind,
)
from paywall.subscriptions.receipts import ReceiptAnswer
from paywall.subscriptions.responses import CardCharged, PaymentFailed, SubscriptionAnswer
from paywall.unlocks.responses import UnlockAnswer

ABOUT = {
    "profile": "Your id on this site and, if you paid through Stripe, your ids as a customer of "
    "Stripe. We keep no other name, no address, and no card or account numbers. `revocations` "
    "shows which of your old sign-ins (tokens) are refused. We also keep some technical records, "
    "which contain no more about you than the sections below: responses to repeated requests, for "
    "a day; requests to Stripe and its responses, for at most 45 days; the ids of single tokens "
    "that are refused, until they expire; and which token made each change.",
    "credits": "Credits unlock articles. A grant is a number of credits from one source, such as a "
    "purchase. The ledger lists every change to them.",
    "unlocks": "The articles that you have unlocked, including those that were revoked.",
    "subscriptions": "Your subscriptions, passes, prepaid periods and complimentary subscriptions, "
    "which open every article for some time. If Stripe takes the payments, `billing` describes "
    "them and lists each paid invoice with the period that it paid for.",
    "purchases": "Your payments and refunds; `what` describes each in words. Amounts are in the "
    "smallest unit of the currency, a hundredth of a riel or of a dollar: 16,000 riel are 1600000.",
    "checkouts": "Each time that you opened Stripe's payment page or a KHQR code: for what, "
    "whether it was paid, and when you agreed to immediate delivery (`consent_at`).",
    "views": "The metered articles that you read, by month. Each month is deleted when it is over.",
    "receipts": "The confirmations that you received when you cancelled a subscription, "
    "and why you cancelled if you answered that.",
}

About = Annotated[str, Meta(description="Describes the section to the reader.")]


class ExportedCustomer(ResponseModel):
    """A customer record of the reader in Stripe; a merged reader can have several."""

    id: Annotated[str, Meta(description="Stripe's id of the customer.")]
    created_at: CreatedAt


class ExportedRevocation(ResponseModel):
    """The reader's tokens of one issuer that are refused."""

    issuer: TokenIssuer
    issued_before: Annotated[
        datetime, Meta(description="Tokens issued before this time are refused.")
    ]
    forget_at: Annotated[
        datetime, Meta(description="When all of them have expired and this record is deleted.")
    ]


class ProfileSection(ResponseModel):
    """The reader's identity in this service."""

    about: About
    reader_id: ReaderId
    on_record_since: Annotated[
        datetime | None, Meta(description="Null if only views are on record.")
    ]
    merged_ids: Annotated[list[str], Meta(description="Other ids that were merged into this one.")]
    stripe_customers: Annotated[
        list[ExportedCustomer], Meta(description="All of them, newest first.")
    ]
    revocations: Annotated[
        list[ExportedRevocation], Meta(description="Those still in force, newest first.")
    ]


class ExportedEntry(EntryAnswer, kw_only=True, omit_defaults=True):
    """One change to the reader's credits."""

    what: Annotated[str, Meta(description="What happened, in words.")]


class CreditsSection(ResponseModel):
    """Credits, and every change to them."""

    about: About
    unlocks_left: UnlocksLeft
    grants: Annotated[list[GrantAnswer], Meta(description="Credits by source.")]
    ledger: Annotated[list[ExportedEntry], Meta(description="Every change, newest first.")]


class UnlocksSection(ResponseModel):
    """Articles that the reader has or had unlocked."""

    about: About
    unlocks: Annotated[list[UnlockAnswer], Meta(description="All of them, newest first.")]


class ExportedInvoice(ResponseModel):
    """A paid invoice of a subscription."""

    id: Annotated[str, Meta(description="Stripe's id of the invoice.")]
    purchase_id: Annotated[int, Meta(description="The purchase that records this payment.")]
    period_ends_at: Annotated[datetime, Meta(description="End of the period that it paid for.")]


class ExportedBilling(ResponseModel):
    """How Stripe takes the payments for a subscription."""

    customer_id: Annotated[str, Meta(description="Stripe's id of the customer who pays.")]
    status: Annotated[str, Meta(description="Its status in Stripe.")]
    trial_starts_at: Annotated[datetime | None, Meta(description="Null if there was no trial.")]
    trial_ends_at: Annotated[datetime | None, Meta(description="Null if there was no trial.")]
    next_payment: NextPayment
    payment_type: PaymentType
    card: CardCharged
    failed_payment: PaymentFailed
    quantity: Annotated[int, Meta(description="Billed quantity of the plan.")]
    what: Annotated[str | None, Meta(description="Price of a period in words; null if unknown.")]
    price: Annotated[Price | None, Meta(description="Price of a period, before discounts.")]
    invoices: Annotated[list[ExportedInvoice], Meta(description="All paid invoices, newest first.")]


class ExportedSubscription(SubscriptionAnswer, kw_only=True):
    """A subscription, pass, prepaid period or complimentary subscription."""

    purchase_id: PurchaseId
    starts_at: Annotated[datetime, Meta(description="When access began.")]
    paid_through: Annotated[
        datetime, Meta(description="End of the time that was paid for or given.")
    ]
    ended_at: Annotated[
        datetime | None, Meta(description="When it was ended early; null if it was not.")
    ]
    access_until: Annotated[datetime, Meta(description="When access ends.")]
    billing: Annotated[ExportedBilling | None, Meta(description="Null unless Stripe bills it.")]


class ExportedComplimentaryPeriod(ResponseModel):
    """A time during which the reader had a complimentary subscription."""

    starts_at: Annotated[datetime, Meta(description="When it began.")]
    ends_at: Annotated[datetime, Meta(description="When it ended, or will end.")]


class SubscriptionsSection(ResponseModel):
    """Everything that has opened all articles for the reader."""

    about: About
    subscriptions: Annotated[
        list[ExportedSubscription], Meta(description="All of them, newest first.")
    ]
    complimentary_periods: Annotated[
        list[ExportedComplimentaryPeriod],
        Meta(description="Complimentary time, including earlier; newest first."),
    ]


class ExportedRefund(ResponseModel):
    """A refund or a dispute."""

    created_at: CreatedAt
    what: Annotated[str, Meta(description="What happened, in words.")]
    kind: Annotated[ClawbackKind, Meta(description="Its kind.")]
    reference: Annotated[str, Meta(description="The processor's id of it.")]
    amount: Annotated[int, Meta(description="In the currency's smallest unit.")]
    is_in_force: Annotated[
        bool,
        Meta(description="False if it is an inquiry, the refund failed, or the dispute was won."),
    ]
    is_pending: Annotated[
        bool,
        Meta(
            description="Whether it is in progress or only an inquiry: no money was returned yet."
        ),
    ]
    keep_access: Annotated[bool, Meta(description="Whether the reader kept what was bought.")]


class ExportedPurchase(PurchaseAnswer, kw_only=True):
    """What was paid for one product."""

    what: Annotated[str, Meta(description="The payment in words.")]
    product_kind: Annotated[ProductKind, Meta(description="What was bought.")]
    product_id: Annotated[str, Meta(description="The product's id.")]
    refunds: Annotated[list[ExportedRefund], Meta(description="All of them, newest first.")]


class PurchasesSection(ResponseModel):
    """What was paid, and what was paid back."""

    about: About
    purchases: Annotated[list[ExportedPurchase], Meta(description="All of them, newest first.")]


class ExportedCheckout(ResponseModel):
    """A checkout on Stripe's payment page."""

    id: TextId
    created_at: Annotated[datetime, Meta(description="When the checkout was opened.")]
    what: Annotated[str, Meta(description="The product and the state, in words.")]
    status: Annotated[CheckoutStatus, Meta(description="Its state.")]
    product_kind: Annotated[ProductKind, Meta(description="Kind of the product.")]
    product_id: Annotated[str, Meta(description="The product's id.")]
    price: Annotated[Price | None, Meta(description="Price, before discounts.")]
    consent_at: Annotated[
        datetime | None,
        Meta(description="When the reader agreed to immediate delivery; null if they did not."),
    ]
    return_url: Annotated[str, Meta(description="Page to return to after paying.")]
    url: Annotated[str | None, Meta(description="Stripe's page; null unless it is open.")]
    session_id: Annotated[str | None, Meta(description="Stripe's id of the checkout session.")]
    customer_id: Annotated[str | None, Meta(description="Stripe's id of the customer who pays.")]
    subscription_id: Annotated[
        str | None, Meta(description="The resulting subscription, if a plan was bought.")
    ]
    purchase_id: Annotated[int | None, Meta(description="The resulting purchase, once it is paid.")]


class ExportedKhqrCode(ResponseModel):
    """A checkout by Bakong, with its KHQR code."""

    id: TextId
    created_at: Annotated[datetime, Meta(description="When the checkout was opened.")]
    what: Annotated[str, Meta(description="The product and the state, in words.")]
    status: Annotated[CheckoutStatus, Meta(description="Its state.")]
    product_kind: Annotated[ProductKind, Meta(description="Kind of the product.")]
    product_id: Annotated[str, Meta(description="The product's id.")]
    price: Annotated[Price, Meta(description="What the code asks for.")]
    consent_at: Annotated[
        datetime | None,
        Meta(description="When the reader agreed to immediate delivery; null if they did not."),
    ]
    return_url: Annotated[
        str | None, Meta(description="Page to return to after paying; null if it was erased.")
    ]
    text: Annotated[str, Meta(description="The text of the code.")]
    expires_at: Annotated[datetime, Meta(description="Until when apps of banks take the code.")]
    hash: Annotated[str | None, Meta(description="The bank's id of the payment, once it is paid.")]
    paid_at: Annotated[datetime | None, Meta(description="When it was paid, by the bank's clock.")]
    purchase_id: Annotated[int | None, Meta(description="The resulting purchase, once it is paid.")]


class CheckoutsSection(ResponseModel):
    """All checkouts, on Stripe's payment page and by KHQR."""

    about: About
    checkouts: Annotated[
        list[ExportedCheckout], Meta(description="On Stripe's payment page, newest first.")
    ]
    khqr_codes: Annotated[list[ExportedKhqrCode], Meta(description="By Bakong, newest first.")]
    unmatched_payments: Annotated[
        list[UnmatchedPaymentAnswer],
        Meta(description="Payments for these codes that matched none, newest first."),
    ]


class ExportedView(ResponseModel):
    """A metered article that the reader read."""

    article_id: ArticleId
    title: ArticleTitle
    url: ArticleUrl


class ExportedMonth(ResponseModel):
    """A month of the meter, `[starts_at, ends_at)`."""

    starts_at: Annotated[datetime, Meta(description="When the month began.")]
    ends_at: Annotated[datetime, Meta(description="When the month ends and its views are deleted.")]
    articles: Annotated[
        list[ExportedView], Meta(description="In the order in which they were read.")
    ]


class ViewsSection(ResponseModel):
    """Metered articles of the months that have not been deleted yet."""

    about: About
    months: Annotated[list[ExportedMonth], Meta(description="Newest first.")]


class ExportedReceipt(ReceiptAnswer, kw_only=True):
    """The confirmation of a cancellation."""

    reason: Annotated[str | None, Meta(description="The reason that the reader gave.")]
    feedback_reason: Annotated[
        CancelReason | None, Meta(description="The answer to the question after cancelling.")
    ]
    feedback_comment: Annotated[str | None, Meta(description="The reader's own words about it.")]
    feedback_at: Annotated[datetime | None, Meta(description="When the question was answered.")]


class ReceiptsSection(ResponseModel):
    """Receipts of cancellations."""

    about: About
    receipts: Annotated[list[ExportedReceipt], Meta(description="All of them, newest first.")]


class ReaderExport(ResponseModel):
    """Everything on record about one reader."""

    made_at: Annotated[datetime, Meta(description="When the export was made.")]
    profile: Annotated[ProfileSection, Meta(description="The reader's identity.")]
    credits: Annotated[CreditsSection, Meta(description="Grants, and every change to them.")]
    unlocks: Annotated[UnlocksSection, Meta(description="Unlocked articles.")]
    subscriptions: Annotated[SubscriptionsSection, Meta(description="Subscriptions and passes.")]
    purchases: Annotated[PurchasesSection, Meta(description="Payments and refunds.")]
    checkouts: Annotated[CheckoutsSection, Meta(description="Checkouts, and how each ended.")]
    views: Annotated[ViewsSection, Meta(description="Metered articles.")]
    receipts: Annotated[ReceiptsSection, Meta(description="Receipts of cancellations.")]
