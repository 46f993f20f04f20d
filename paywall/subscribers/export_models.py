"""The shape of an export: sections with plain keys, each with a sentence that says what it is."""

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
from paywall.rules.enums import (
    CheckoutStatus,
    ClawbackKind,
    ProductKind,
)
from paywall.subscriptions.receipts import ReceiptAnswer
from paywall.subscriptions.responses import SubscriptionAnswer
from paywall.unlocks.responses import UnlockAnswer

ABOUT = {
    "profile": "Who you are here: the name that the site gave you, and your names as a customer of "
    "Stripe, if you paid there. We keep no other name, no address, and no number of a card or an "
    "account. `revocations` tells which of your old sign-ins (tokens) are refused. Also kept, and "
    "telling nothing of you beyond what stands below: what was answered to a repeated request, for "
    "a day; what was asked of Stripe and what Stripe told us, for 45 days at most; single tokens "
    "that are refused, until they would have ended; and by whose token each change was made.",
    "credits": "Credits open articles. A grant is credits that came from one place; the ledger "
    "lists every change to them.",
    "unlocks": "The articles that you have for good, and those that were taken back.",
    "subscriptions": "What opened every article for a time: subscriptions, passes, prepaid and "
    "complimentary periods. Where Stripe takes the payments, `billing` tells how, and each paid "
    "invoice with the time that it paid for.",
    "purchases": "What was paid, and what was paid back: `what` says it in words. The numbers "
    "count the smallest unit of the currency, a hundredth of a riel or of a dollar: 16,000 riel "
    "stand there as 1600000.",
    "checkouts": "Each time that you went to pay on Stripe's page: for what, whether it was paid, "
    "and when you agreed to get it at once (`consent_at`).",
    "views": "The metered articles that you were given, month by month. Each month is forgotten "
    "when it is over.",
    "receipts": "What you were told when a subscription was cancelled.",
}

About = Annotated[str, Meta(description="What this section is, in a sentence for the reader.")]


class ExportedCustomer(ResponseModel):
    """Who the reader is to Stripe; of a merged reader there are several."""

    id: Annotated[str, Meta(description="Stripe's own name for the customer.")]
    created_at: CreatedAt


class ExportedRevocation(ResponseModel):
    """The reader's tokens of one issuer that are refused."""

    issuer: TokenIssuer
    issued_before: Annotated[datetime, Meta(description="Tokens from before are refused.")]
    forget_at: Annotated[
        datetime, Meta(description="When they all have ended anyway, and this is forgotten.")
    ]


class ProfileSection(ResponseModel):
    """Who the reader is to this service."""

    about: About
    reader_id: ReaderId
    on_record_since: Annotated[
        datetime | None, Meta(description="Null where nothing but views is on record.")
    ]
    merged_ids: Annotated[list[str], Meta(description="Other ids of the reader, merged into this.")]
    stripe_customers: Annotated[
        list[ExportedCustomer], Meta(description="All of them, newest first.")
    ]
    revocations: Annotated[
        list[ExportedRevocation], Meta(description="Those that still hold, newest first.")
    ]


class ExportedEntry(EntryAnswer, kw_only=True, omit_defaults=True):
    """One change to the reader's credits."""

    what: Annotated[str, Meta(description="What happened, in words.")]


class CreditsSection(ResponseModel):
    """Credits, and every change to them."""

    about: About
    unlocks_left: UnlocksLeft
    grants: Annotated[list[GrantAnswer], Meta(description="Credits, by where they came from.")]
    ledger: Annotated[list[ExportedEntry], Meta(description="Every change, newest first.")]


class UnlocksSection(ResponseModel):
    """Articles that the reader has or had."""

    about: About
    unlocks: Annotated[list[UnlockAnswer], Meta(description="All of them, newest first.")]


class ExportedInvoice(ResponseModel):
    """A paid invoice of a subscription."""

    id: Annotated[str, Meta(description="Stripe's own name for it.")]
    purchase_id: Annotated[int, Meta(description="The purchase that it is.")]
    period_ends_at: Annotated[datetime, Meta(description="Until when it paid.")]


class ExportedBilling(ResponseModel):
    """How Stripe takes the payments for a subscription."""

    customer_id: Annotated[str, Meta(description="The customer of Stripe who pays.")]
    status: Annotated[str, Meta(description="Its status in Stripe.")]
    trial_starts_at: Annotated[datetime | None, Meta(description="Null where there was no trial.")]
    trial_ends_at: Annotated[datetime | None, Meta(description="Null where there was no trial.")]
    next_payment: NextPayment
    payment_type: PaymentType
    quantity: Annotated[int, Meta(description="How many of its plan are billed.")]
    what: Annotated[
        str | None, Meta(description="What a period costs, in words; null where it is not known.")
    ]
    price: Annotated[Price | None, Meta(description="What a period costs, discounts aside.")]
    invoices: Annotated[
        list[ExportedInvoice], Meta(description="All that were paid, newest first.")
    ]


class ExportedSubscription(SubscriptionAnswer, kw_only=True):
    """What opened everything for a time."""

    purchase_id: PurchaseId
    starts_at: Annotated[datetime, Meta(description="When it began to open articles.")]
    paid_through: Annotated[datetime, Meta(description="Until when it was paid for, or given.")]
    ended_at: Annotated[
        datetime | None, Meta(description="When it was ended early; null: it was not.")
    ]
    access_until: Annotated[datetime, Meta(description="When access ends.")]
    billing: Annotated[
        ExportedBilling | None, Meta(description="Null where Stripe does not bill it.")
    ]


class SubscriptionsSection(ResponseModel):
    """All that ever opened everything for the reader."""

    about: About
    subscriptions: Annotated[
        list[ExportedSubscription], Meta(description="All of them, newest first.")
    ]


class ExportedRefund(ResponseModel):
    """Money that went back, by a refund or a dispute."""

    created_at: CreatedAt
    what: Annotated[str, Meta(description="What happened, in words.")]
    kind: Annotated[ClawbackKind, Meta(description="Its kind.")]
    reference: Annotated[str, Meta(description="The processor's own name for it.")]
    amount: Annotated[int, Meta(description="In the currency's smallest unit.")]
    is_in_force: Annotated[
        bool,
        Meta(description="False where it is pending, the refund failed, or the dispute was won."),
    ]
    is_pending: Annotated[
        bool, Meta(description="It is on its way, or the bank only asks: nothing went back yet.")
    ]
    keep_access: Annotated[bool, Meta(description="Nothing was taken back for it.")]


class ExportedPurchase(PurchaseAnswer, kw_only=True):
    """What was paid for one product."""

    what: Annotated[str, Meta(description="What was paid for what, in words.")]
    product_kind: Annotated[ProductKind, Meta(description="What was bought.")]
    product_id: Annotated[str, Meta(description="Which one.")]
    refunds: Annotated[list[ExportedRefund], Meta(description="All of them, newest first.")]


class PurchasesSection(ResponseModel):
    """What was paid, and what was paid back."""

    about: About
    purchases: Annotated[list[ExportedPurchase], Meta(description="All of them, newest first.")]


class ExportedCheckout(ResponseModel):
    """A reader on the way to pay, on Stripe's page."""

    id: TextId
    created_at: Annotated[datetime, Meta(description="When it was opened.")]
    what: Annotated[str, Meta(description="For what, and how it stands, in words.")]
    status: Annotated[CheckoutStatus, Meta(description="Its state.")]
    product_kind: Annotated[ProductKind, Meta(description="What was to be bought.")]
    product_id: Annotated[str, Meta(description="Which one.")]
    price: Annotated[Price | None, Meta(description="What it cost, discounts aside.")]
    consent_at: Annotated[
        datetime | None,
        Meta(description="When the reader agreed to get it at once; null: did not."),
    ]
    return_url: Annotated[str, Meta(description="Where the reader was to come back to.")]
    url: Annotated[str | None, Meta(description="Stripe's page; null unless it is open.")]
    session_id: Annotated[str | None, Meta(description="Stripe's own name for the page.")]
    customer_id: Annotated[str | None, Meta(description="The customer of Stripe who pays.")]
    subscription_id: Annotated[str | None, Meta(description="What came of it, if a plan.")]
    purchase_id: Annotated[int | None, Meta(description="What came of it, once it is paid.")]


class CheckoutsSection(ResponseModel):
    """Every way to Stripe's page."""

    about: About
    checkouts: Annotated[list[ExportedCheckout], Meta(description="All of them, newest first.")]


class ExportedView(ResponseModel):
    """A metered article that the reader was given."""

    article_id: ArticleId
    title: ArticleTitle
    url: ArticleUrl


class ExportedMonth(ResponseModel):
    """A month of the meter, `[starts_at, ends_at)`."""

    starts_at: Annotated[datetime, Meta(description="When the month began.")]
    ends_at: Annotated[datetime, Meta(description="When it ends, and is forgotten.")]
    articles: Annotated[list[ExportedView], Meta(description="In the order in which they came.")]


class ViewsSection(ResponseModel):
    """Metered articles of the months that are not forgotten yet."""

    about: About
    months: Annotated[list[ExportedMonth], Meta(description="Newest first.")]


class ExportedReceipt(ReceiptAnswer, kw_only=True):
    """What the reader was told when a subscription was cancelled."""

    reason: Annotated[str | None, Meta(description="What the reader gave as a reason.")]


class ReceiptsSection(ResponseModel):
    """Receipts of cancellations."""

    about: About
    receipts: Annotated[list[ExportedReceipt], Meta(description="All of them, newest first.")]


class ReaderExport(ResponseModel):
    """Everything on record about one reader."""

    made_at: Annotated[datetime, Meta(description="As of when it tells.")]
    profile: Annotated[ProfileSection, Meta(description="Who the reader is here.")]
    credits: Annotated[CreditsSection, Meta(description="Grants, and every change to them.")]
    unlocks: Annotated[UnlocksSection, Meta(description="Articles for good.")]
    subscriptions: Annotated[SubscriptionsSection, Meta(description="Everything for a time.")]
    purchases: Annotated[PurchasesSection, Meta(description="What was paid.")]
    checkouts: Annotated[CheckoutsSection, Meta(description="Ways to Stripe's page to pay.")]
    views: Annotated[ViewsSection, Meta(description="Metered articles.")]
    receipts: Annotated[ReceiptsSection, Meta(description="Receipts of cancellations.")]
