"""The examples' story as an export tells it: what is on record about Sophea."""

from typing import Any

from paywall.contract.example_things import (
    CHECKOUT_ID,
    CHECKOUT_URL,
    GRANT,
    PRICES,
    RECEIPT,
    UNLOCK,
)

ENTRY = {
    "at": "2026-11-24T05:12:00Z",
    "what": "spent on an unlock",
    "amount": -1,
    "grant_id": 1,
    "unlock_id": 1,
}
REFUND = {
    "created_at": "2026-11-25T05:00:00Z",
    "what": "Paid 2,000 KHR back.",
    "kind": "refund",
    "reference": "khqr-refund-0007",
    "amount": 200000,
    "is_in_force": True,
    "is_pending": False,
    "keep_access": False,
}
EXPORTED_PURCHASE = {
    "id": 1,
    "created_at": "2026-11-24T05:00:00Z",
    "what": "Paid 4,000 KHR for the pack ten-articles.",
    "processor": "khqr",
    "reference": "khqr-20261124-0042",
    "product_kind": "pack",
    "product_id": "ten-articles",
    "amount_paid": 400000,
    "currency": "khr",
    "refunded": 200000,
    "refunds": [REFUND],
}
CUSTOMER = {"id": "cus_Qx1Paywall", "created_at": "2026-11-24T05:00:00Z"}
REVOCATION = {
    "issuer": "paywall",
    "issued_before": "2026-11-24T05:00:00Z",
    "forget_at": "2026-11-25T05:00:00Z",
}
INVOICE = {
    "id": "in_1QxPaywall",
    "purchase_id": 1,
    "period_ends_at": "2026-12-24T00:00:00Z",
}
BILLING = {
    "customer_id": CUSTOMER["id"],
    "status": "active",
    "trial_ends_at": "2026-12-01T05:00:00Z",
    "next_payment": "2026-12-24T00:00:00Z",
    "payment_type": "card",
    "what": "Costs 4,000 KHR a period, discounts aside.",
    "price": PRICES[0],
    "invoices": [INVOICE],
}
EXPORTED_CHECKOUT = {
    "id": CHECKOUT_ID,
    "created_at": "2026-11-24T05:00:00Z",
    "what": "You bought the plan monthly at 4,000 KHR, discounts aside.",
    "status": "paid",
    "product_kind": "plan",
    "product_id": "monthly",
    "price": PRICES[0],
    "consent_at": "2026-11-24T05:00:00Z",
    "return_url": "https://news.example/thanks",
    "url": CHECKOUT_URL,
    "session_id": "cs_test_a1B2c3",
    "customer_id": CUSTOMER["id"],
    "subscription_id": "sub_1QxPaywall",
    "purchase_id": 1,
}
EXPORTED_SUBSCRIPTION = {
    "id": "sub_1QxPaywall",
    "kind": "stripe",
    "plan_id": "monthly",
    "pass_id": None,
    "purchase_id": None,
    "starts_at": "2026-11-24T05:00:00Z",
    "paid_through": "2026-12-24T00:00:00Z",
    "ended_at": None,
    "access_until": "2026-12-24T00:00:00Z",
    "cancel_at_period_end": False,
    "billing": BILLING,
}
VIEW = {
    "article_id": "angkor-trains",
    "title": "Trains to Angkor",
    "url": "https://news.example/en/angkor-trains",
}
MONTH = {
    "starts_at": "2026-10-31T17:00:00Z",
    "ends_at": "2026-11-30T17:00:00Z",
    "articles": [VIEW],
}
EXPORTED_RECEIPT = {**RECEIPT, "reason": "I am moving abroad."}
SECTIONS: dict[str, dict[str, Any]] = {
    "ProfileSection": {
        "about": "Who you are here: the name that the site gave you.",
        "reader_id": "sophea",
        "on_record_since": "2026-11-24T05:00:00Z",
        "merged_ids": ["sophea-old"],
        "stripe_customers": [CUSTOMER],
        "revocations": [REVOCATION],
    },
    "CreditsSection": {
        "about": "Credits open articles.",
        "unlocks_left": 7,
        "grants": [GRANT],
        "ledger": [ENTRY],
    },
    "UnlocksSection": {"about": "The articles that you have for good.", "unlocks": [UNLOCK]},
    "SubscriptionsSection": {
        "about": "What opened every article for a time.",
        "subscriptions": [EXPORTED_SUBSCRIPTION],
    },
    "PurchasesSection": {
        "about": "What was paid, and what was paid back.",
        "purchases": [EXPORTED_PURCHASE],
    },
    "CheckoutsSection": {
        "about": "Each time that you went to pay on Stripe's page.",
        "checkouts": [EXPORTED_CHECKOUT],
    },
    "ViewsSection": {"about": "The metered articles that you were given.", "months": [MONTH]},
    "ReceiptsSection": {
        "about": "What you were told when a subscription was cancelled.",
        "receipts": [EXPORTED_RECEIPT],
    },
}
EXPORTED: dict[str, Any] = {
    "ExportedCustomer": CUSTOMER,
    "ExportedRevocation": REVOCATION,
    "ExportedInvoice": INVOICE,
    "ExportedBilling": BILLING,
    "ExportedCheckout": EXPORTED_CHECKOUT,
    "ExportedEntry": ENTRY,
    "ExportedRefund": REFUND,
    "ExportedPurchase": EXPORTED_PURCHASE,
    "ExportedSubscription": EXPORTED_SUBSCRIPTION,
    "ExportedView": VIEW,
    "ExportedMonth": MONTH,
    "ExportedReceipt": EXPORTED_RECEIPT,
    **SECTIONS,
    "ReaderExport": {
        "made_at": "2026-11-24T05:30:00Z",
        **{name.removesuffix("Section").lower(): section for name, section in SECTIONS.items()},
    },
}
