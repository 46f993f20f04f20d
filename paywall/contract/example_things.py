"""The things of the examples' story: the reader Sophea's, and the site's."""

from typing import Any

DECISION_DENIED: dict[str, Any] = {
    "granted": False,
    "reason": "unlock_available",
    "unlocks_left": 7,
    "unlock_cost": 1,
    "actions": ["unlock", "subscribe"],
    "meter": None,
    "access_until": None,
}
METER = {"used": 2, "limit": 5, "resets_at": "2026-11-30T17:00:00Z"}
PREVIEW_HTML = "<p>ទឹកទន្លេសាបបានឡើងខ្ពស់ជាងឆ្នាំមុន។</p>"
BODY_HTML = f"{PREVIEW_HTML}<p>The fishers of Chong Kneas say that the catch has doubled.</p>"
GRANT = {
    "id": 1,
    "amount": 10,
    "remaining": 7,
    "source": "promotion",
    "reference": "khmer-new-year-2026-sophea",
    "priority": 100,
    "granted_at": "2026-11-24T05:00:00Z",
    "expires_at": "2027-04-14T00:00:00Z",
    "purchase_id": None,
}
ACTOR = {"issuer": "paywall", "subject": "site", "token_id": "0mDqsT3Zx2wB8yqk0cJ8uA"}
PAYMENT = {"grant_id": 1, "amount": 1}
UNLOCK = {
    "id": 1,
    "article_id": "tonle-sap-2026",
    "title": "ទន្លេសាប៖ ទឹកឡើង ត្រីក៏ច្រើន",
    "url": "https://news.example/km/tonle-sap-2026",
    "unlocked_at": "2026-11-24T05:12:00Z",
    "source": "credits",
    "payments": [PAYMENT],
    "revoked_at": None,
}
SUBSCRIPTION: dict[str, Any] = {
    "id": "complimentary_5d2f8a1c9b3e7f6042d1a8c7",
    "kind": "complimentary",
    "status": "active",
    "plan_id": "monthly",
    "pass_id": None,
    "access_until": "2026-12-24T00:00:00Z",
    "opens_all": True,
    "cancel_at_period_end": False,
    "next_payment": None,
    "is_renewing": False,
    "payment_type": None,
    "price": None,
    "receipt": None,
    "receipts": [],
}
RECEIPT = {
    "id": "receipt_7be21c40f0a94d5e8831c6b2",
    "at": "2026-11-24T05:20:00Z",
    "subscription_id": SUBSCRIPTION["id"],
    "when": "period_end",
    "access_until": "2026-12-24T00:00:00Z",
    "withdrawn_at": None,
}
LAPSING = {"amount": 7, "expires_at": "2027-04-14T00:00:00Z"}
CHECKOUT_ID = "checkout_2f6a01c95be34d7781aa04d2"
PENDING = {
    "checkout_id": CHECKOUT_ID,
    "pack_id": "ten-articles",
    "pass_id": None,
    "plan_id": None,
    "since": "2026-11-24T05:00:00Z",
}
CHECKOUT_URL = "https://checkout.stripe.com/c/pay/cs_test_a1B2c3"
PRICES = [{"amount": 400000, "currency": "khr"}, {"amount": 100, "currency": "usd"}]
PLAN = {
    "id": "monthly",
    "title": "មួយខែ",
    "interval": "month",
    "interval_count": 1,
    "credits": 2,
    "credits_expire": "period_end",
    "trial_days": 7,
    "prices": PRICES,
}
PACK = {
    "id": "ten-articles",
    "title": "Ten articles",
    "credits": 10,
    "expires_after_days": 365,
    "prices": PRICES,
}
PASS = {"id": "week", "title": "A week of everything", "days": 7, "prices": PRICES}

JWK = {
    "kty": "OKP",
    "crv": "Ed25519",
    "alg": "EdDSA",
    "use": "sig",
    "kid": "fX3kQ9vB2mZ8",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}

PART = {
    "path": "/web/9f2c41d07ab3e865/paywall.js",
    "integrity": "sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC",
}
PAID_PART = {
    "@type": "WebPageElement",
    "isAccessibleForFree": False,
    "cssSelector": ".paywall-content",
}
