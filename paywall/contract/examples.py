"""One example a shape, all of one story: a Cambodian news site, and Sophea, who reads it."""

from typing import Any

from paywall.contract.example_export import EXPORTED
from paywall.contract.example_things import (
    ACTOR,
    BODY_HTML,
    CHECKOUT_ID,
    CHECKOUT_URL,
    DECISION_DENIED,
    GRANT,
    JWK,
    LAPSING,
    METER,
    PACK,
    PAID_PART,
    PART,
    PASS,
    PAYMENT,
    PENDING,
    PLAN,
    PREVIEW_HTML,
    PRICES,
    RECEIPT,
    SUBSCRIPTION,
    UNLOCK,
)


def _without_id(product: dict[str, Any]) -> dict[str, Any]:
    """As it is put: the id stands in the path."""
    return {name: value for name, value in product.items() if name != "id"}


ENTRY_ARTICLE = {"id": UNLOCK["article_id"], "title": UNLOCK["title"], "url": UNLOCK["url"]}

MY_DECISION = {"article_id": "tonle-sap-2026", **DECISION_DENIED, "title": UNLOCK["title"]}

EXAMPLES: dict[str, Any] = {
    "Question": {"article_id": "tonle-sap-2026", "reader_id": "sophea", "count_view": True},
    "Questions": {"article_ids": ["tonle-sap-2026", "angkor-trains"], "visitor_id": "v-81f3c2"},
    "MyQuestions": {"article_ids": ["tonle-sap-2026"]},
    "DecisionAnswer": DECISION_DENIED,
    "BatchDecision": {"article_id": "tonle-sap-2026", **DECISION_DENIED},
    "BatchAnswer": {
        "decisions": [
            {
                "article_id": "tonle-sap-2026",
                **DECISION_DENIED,
                "reason": "login_required",
                "unlocks_left": 0,
                "actions": ["login"],
            },
            {
                "article_id": "angkor-trains",
                **DECISION_DENIED,
                "granted": True,
                "unlocks_left": 0,
                "reason": "metered",
                "actions": [],
                "meter": METER,
            },
        ]
    },
    "MyDecision": MY_DECISION,
    "MyBatchAnswer": {"decisions": [MY_DECISION]},
    "MeterAnswer": METER,
    "BodyQuestion": {"article_id": "tonle-sap-2026", "reader_id": "sophea"},
    "BodyAnswer": {
        "decision": DECISION_DENIED,
        "body_html": None,
        "preview_html": PREVIEW_HTML,
    },
    "ArticleInput": {
        "title": "ទន្លេសាប៖ ទឹកឡើង ត្រីក៏ច្រើន",
        "url": "https://news.example/km/tonle-sap-2026",
        "language": "km",
        "policy": "premium",
        "unlock_cost": 1,
        "tags": ["environment", "បរិស្ថាន"],
        "published_at": "2026-11-24T09:30:00+07:00",
        "preview": {"paragraphs": 1},
        "body_html": BODY_HTML,
    },
    "ArticleOutput": {
        "id": "tonle-sap-2026",
        "title": "ទន្លេសាប៖ ទឹកឡើង ត្រីក៏ច្រើន",
        "url": "https://news.example/km/tonle-sap-2026",
        "language": "km",
        "policy": "premium",
        "unlock_cost": 1,
        "tags": ["environment", "បរិស្ថាន"],
        "published_at": "2026-11-24T02:30:00Z",
        "preview": {"paragraphs": 1},
        "has_body": True,
        "body_sha256": "9c1f0e6f4b7a2d35c8e1904ab6f27d83e5a09b14c76d2f38815e0a4bd3c96f72",
    },
    "Preview": {"paragraphs": 2},
    "GrantInput": {
        "amount": 10,
        "source": "promotion",
        "reference": "khmer-new-year-2026-sophea",
        "expires_at": "2027-04-14T07:00:00+07:00",
    },
    "GrantAnswer": GRANT,
    "ActorAnswer": ACTOR,
    "EntryAnswer": {
        "id": 2,
        "at": "2026-11-24T05:12:00Z",
        "kind": "spent",
        "amount": -1,
        "grant_id": 1,
        "source": "promotion",
        "unlock_id": 1,
        "article": ENTRY_ARTICLE,
        "actor": ACTOR,
    },
    "EntryArticle": ENTRY_ARTICLE,
    "UnlockInput": {"article_id": "tonle-sap-2026", "max_cost": 1},
    "UnlockOutcome": {"unlock": UNLOCK, "reason": "unlocked", "unlocks_left": 6},
    "UnlockAnswer": UNLOCK,
    "PaymentAnswer": PAYMENT,
    "GivenUnlockInput": {"article_id": "tonle-sap-2026", "source": "complimentary"},
    "MergeInput": {"into": "sophea-chan"},
    "CancelInput": {"subscription_id": SUBSCRIPTION["id"], "when": "period_end"},
    "ResumeInput": {"subscription_id": SUBSCRIPTION["id"]},
    "LapsingCredits": LAPSING,
    "ReceiptAnswer": RECEIPT,
    "CancelAnswer": {
        "subscription_id": SUBSCRIPTION["id"],
        "when": "period_end",
        "access_until": "2026-12-24T00:00:00Z",
        "credits": [LAPSING],
        "receipt": RECEIPT,
    },
    "Price": PRICES[0],
    "PlanInput": _without_id(PLAN),
    "PlanAnswer": PLAN,
    "PackInput": _without_id(PACK),
    "PackAnswer": PACK,
    "PassInput": _without_id(PASS),
    "PassAnswer": PASS,
    "Offers": {"plans": [PLAN], "packs": [PACK], "passes": [PASS]},
    **EXPORTED,
    "PurchaseInput": {
        "reader_id": "sophea",
        "processor": "khqr",
        "reference": "khqr-20261124-0042",
        "pack_id": "ten-articles",
        "amount_paid": 400000,
        "currency": "khr",
    },
    "PurchaseAnswer": {
        "id": 1,
        "reader_id": "sophea",
        "processor": "khqr",
        "reference": "khqr-20261124-0042",
        "pack_id": "ten-articles",
        "pass_id": None,
        "plan_id": None,
        "amount_paid": 400000,
        "currency": "khr",
        "refunded": 0,
        "paid_until": None,
        "created_at": "2026-11-24T05:00:00Z",
    },
    "CheckoutInput": {
        "plan_id": "monthly",
        "currency": "khr",
        "return_url": "https://news.example/thanks",
        "consent": True,
    },
    "CheckoutPage": {"id": CHECKOUT_ID, "url": CHECKOUT_URL},
    "CheckoutAnswer": {
        "id": CHECKOUT_ID,
        "status": "open",
        "url": CHECKOUT_URL,
        "purchase_id": None,
    },
    "PortalInput": {"return_url": "https://news.example/account"},
    "PortalAnswer": {"url": "https://billing.stripe.com/p/session/test_YWNjdF8x"},
    "ReceivedEvent": {"received": "2026-11-24T05:00:00Z"},
    "RefundInput": {"amount": 200000, "reference": "khqr-refund-0007"},
    "ComplimentaryInput": {"plan_id": "monthly", "current_period_end": "2026-12-24T00:00:00Z"},
    "SubscriptionAnswer": SUBSCRIPTION,
    "PendingAnswer": PENDING,
    "Overview": {
        "reader_id": "sophea",
        "unlocks_left": 7,
        "grants": [GRANT],
        "lapsed": [],
        "pending": [PENDING],
        "subscription": SUBSCRIPTION,
        "subscriptions": [SUBSCRIPTION],
        "meter": METER,
    },
    "ReaderTokenOrder": {"lifetime_seconds": 900},
    "ReaderToken": {
        "token": "eyJhbGciOiJFZERTQSIsInR5cCI6InJlYWRlcitqd3QifQ.eyJzdWIiOiJzb3BoZWEifQ.c2ln",
        "expires_at": "2026-11-24T05:15:00Z",
    },
    "Revocation": {"token_id": "0mDqsT3Zx2wB8yqk0cJ8uA"},
    "Part": PART,
    "PartsAnswer": {
        "script": PART,
        "style": {**PART, "path": "/web/9f2c41d07ab3e865/paywall.css"},
    },
    "PaidPart": PAID_PART,
    "StructuredData": {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": UNLOCK["title"],
        "url": UNLOCK["url"],
        "inLanguage": "km",
        "datePublished": "2026-11-24T02:30:00Z",
        "isAccessibleForFree": False,
        "hasPart": PAID_PART,
    },
    "Alive": {"status": "alive"},
    "Ready": {"status": "ready"},
    "Jwks": {"keys": [JWK]},
}

FIELDS: dict[str, Any] = {
    "cursor": "WyIyMDI2LTExLTI0VDA1OjEyOjAwWiIsMV0",
    "dry_run": False,
    "ended_at": "2026-12-01T05:00:00Z",
    "html": "<p>Read on with a subscription.</p>",
    "id": "tonle-sap-2026",
    "issued_before": "2026-11-24T05:00:00Z",
    "issuer": "paywall",
    "items": [],
    "keep_access": False,
    "next_cursor": "WyIyMDI2LTExLTI0VDA1OjEyOjAwWiIsMV0",
    "next_payment": "2026-12-24T00:00:00Z",
    "paid_until": "2026-12-24T00:00:00Z",
    "pass_id": "week",
    "payment_type": "card",
    "price": PRICES[0],
    "purchase_id": 1,
    "receipt": RECEIPT,
    "reason": "I am moving abroad.",
    "unlocked_at": "2024-06-01T08:00:00+07:00",
    "withdrawn_at": "2026-11-26T05:00:00Z",
    "revoked_at": "2026-12-01T03:00:00Z",
    "subject": "site",
    "visitor_id": "v-81f3c2",
}
"""An example of each field that is null or left out in every shape's example."""

FIELDS_OF: dict[str, dict[str, Any]] = {
    "PlanInput": {"id": PLAN["id"]},
    "PackInput": {"id": PACK["id"]},
    "PassInput": {"id": PASS["id"]},
}
"""An example of a field whose word means something else in other shapes."""

PARAMETERS: dict[str, Any] = {
    "checkout_id": CHECKOUT_ID,
    "return_credits": True,
    "pack_id": "ten-articles",
    "plan_id": "monthly",
    "paid_until": "2026-12-24T00:00:00Z",
    "pass_id": "week",
    "article_id": "tonle-sap-2026",
    "reader_id": "sophea",
    "grant_id": 1,
    "purchase_id": 1,
    "limit": 50,
}
"""An example of each parameter of a path or query that needs one."""

ERRORS = [{"field": "tags[2]", "detail": "Expected `str`, got `int`"}]
MEMBERS: dict[str, dict[str, Any]] = {
    "already_subscribed": {"subscription_id": "sub_1QxPaywall"},
    "invalid_fields": {"errors": ERRORS},
    "insufficient_credits": {"unlocks_left": 0, "unlock_cost": 1},
    "insufficient_scope": {"scope": "articles:write"},
    "price_changed": {"unlock_cost": 2, "max_cost": 1},
    "reference_conflict": {"fields": ["amount"]},
}
"""What a kind of problem tells beside its detail."""
