"""The schema, a page a subject. Times are aware and UTC; credits are whole numbers.

No foreign key leads to an article: deleting one keeps its unlocks. Every query on the way of a
reader's request is by reader, so that the large tables can be partitioned by reader.
"""

from paywall.database.tables.articles import Article, ArticleBody, MeteredViews, PolicyChange
from paywall.database.tables.bakong import BakongState, KhqrCode, UnmatchedPayment
from paywall.database.tables.callers import IdempotencyKey, RevokedSubject, RevokedToken
from paywall.database.tables.catalogue import Pack, Pass, Plan
from paywall.database.tables.credits import CreditGrant, LedgerEntry, Unlock, UnlockPayment
from paywall.database.tables.payments import Clawback, Purchase, Refund, Withdrawal
from paywall.database.tables.stripe import (
    Checkout,
    ErasedStripeId,
    StripeCustomer,
    StripeEvent,
    StripeIntent,
    StripeInvoice,
    StripePrice,
    StripeProration,
    StripeState,
    StripeSubscription,
)
from paywall.database.tables.subscribers import Merge, Subscriber
from paywall.database.tables.subscriptions import (
    CancellationReceipt,
    ComplimentaryPeriod,
    MergedSequence,
    Subscription,
)
from paywall.database.tables.totals import SubscriberTotals

__all__ = [
    "Article",
    "ArticleBody",
    "BakongState",
    "CancellationReceipt",
    "Checkout",
    "Clawback",
    "ComplimentaryPeriod",
    "CreditGrant",
    "ErasedStripeId",
    "IdempotencyKey",
    "KhqrCode",
    "LedgerEntry",
    "Merge",
    "MergedSequence",
    "MeteredViews",
    "Pack",
    "Pass",
    "Plan",
    "PolicyChange",
    "Purchase",
    "Refund",
    "RevokedSubject",
    "RevokedToken",
    "StripeCustomer",
    "StripeEvent",
    "StripeIntent",
    "StripeInvoice",
    "StripePrice",
    "StripeProration",
    "StripeState",
    "StripeSubscription",
    "Subscriber",
    "SubscriberTotals",
    "Subscription",
    "Unlock",
    "UnlockPayment",
    "UnmatchedPayment",
    "Withdrawal",
]
