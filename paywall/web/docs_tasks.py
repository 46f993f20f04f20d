"""Tasks of an integrator, in the order in which they come up, with their operations."""

from collections.abc import Mapping
from typing import NamedTuple


class Task(NamedTuple):
    """One section of the page: the ids of its operations, with their titles."""

    title: str
    about: str
    operations: Mapping[str, str]

    @property
    def id(self) -> str:
        return f"task-{self.title.lower().replace(' ', '-')}"


TASKS = (
    Task(
        "Decide who may read",
        "May this reader have the body of this article? Ask before each article that you serve.",
        {
            "check_access": "Ask before serving an article",
            "check_access_batch": "Ask for many articles at once",
            "read_body": "Get a body, or its preview",
            "check_my_access": "Ask as the reader",
            "check_my_access_batch": "Ask for many articles as the reader",
            "read_my_body": "Get a body as the reader",
            "check_forward_auth": "Ask as a reverse proxy that serves files",
        },
    ),
    Task(
        "Publish articles",
        "Articles, who may read them, and their bodies.",
        {
            "put_article": "Put an article",
            "get_article": "Get an article",
            "list_articles": "List articles",
            "delete_article": "Delete an article",
            "get_structured_data": "Describe the paywall to search engines",
        },
    ),
    Task(
        "Connect readers",
        "Tokens for the browsers of readers, and the script and style sheet that pages load.",
        {
            "create_reader_token": "Get a token for a reader",
            "get_parts": "Find the script and the style sheet",
            "revoke_tokens": "Revoke tokens",
            "get_public_keys": "Get the public keys",
        },
    ),
    Task(
        "Unlock articles",
        "A reader spends credits to unlock an article permanently.",
        {
            "unlock_my_article": "Unlock an article",
            "list_my_unlocks": "List the reader's unlocks",
            "search_my_unlocks": "Search the reader's unlocks by title",
            "list_my_ledger": "List changes to the credits",
            "get_my_overview": "What the reader has",
            "get_my_page": "What a page shows of the reader",
        },
    ),
    Task(
        "Set up what is sold",
        "Plans are subscriptions, packs are credits, and passes open everything for some days.",
        {
            "list_offers": "List what can be bought",
            "put_plan": "Put a plan",
            "get_plan": "Get a plan",
            "list_plans": "List plans",
            "delete_plan": "Delete a plan",
            "put_pack": "Put a pack",
            "get_pack": "Get a pack",
            "list_packs": "List packs",
            "delete_pack": "Delete a pack",
            "put_pass": "Put a pass",
            "get_pass": "Get a pass",
            "list_passes": "List passes",
            "delete_pass": "Delete a pass",
        },
    ),
    Task(
        "Take payments",
        "By Stripe's pages, by KHQR codes, or through any processor of the site's own.",
        {
            "post_my_checkout": "Open a checkout",
            "get_my_checkout": "Get the status of a checkout",
            "post_my_billing_portal": "Open Stripe's billing portal",
            "list_my_purchases": "List the reader's purchases",
            "post_purchase": "Record a payment",
            "get_purchase": "Get a purchase",
            "list_purchases": "List purchases",
            "post_refund": "Record a refund",
            "post_my_withdrawal": "Withdraw from a purchase as the reader",
            "get_withdrawals": "List withdrawals",
            "get_unmatched_payments": "List payments by KHQR that match no code",
            "post_resolution": "Give or return such a payment",
            "post_stripe_webhook": "Receive Stripe's events",
        },
    ),
    Task(
        "Let readers cancel",
        "A subscription opens everything until it ends; cancelling takes two clicks.",
        {
            "cancel_my_subscription": "Cancel as the reader",
            "resume_my_subscription": "Withdraw a cancellation as the reader",
            "post_my_feedback": "Answer why, as the reader",
            "post_cancel": "Cancel for a subscriber",
            "post_resume": "Withdraw a cancellation for a subscriber",
            "get_feedback_figures": "Count why readers cancelled",
            "list_feedback": "List what readers wrote about it",
            "put_subscription": "Give a complimentary subscription",
        },
    ),
    Task(
        "Help a reader",
        "For the support desk: see what a reader has, give or take back, and merge two ids.",
        {
            "get_subscriber": "What a subscriber has",
            "list_subscriber_unlocks": "List a subscriber's unlocks",
            "list_subscriber_ledger": "List a subscriber's ledger",
            "post_grant": "Grant credits",
            "post_void": "Take credits back",
            "post_unlock": "Give an unlock",
            "delete_unlock": "Revoke an unlock",
            "post_merge": "Merge two ids",
        },
    ),
    Task(
        "Move many at once",
        "Up to 100 rows in a request, for moving over from another system.",
        {
            "post_bulk_articles": "Put articles",
            "post_bulk_grants": "Grant credits",
            "post_bulk_unlocks": "Give unlocks",
            "post_bulk_subscriptions": "Give complimentary subscriptions",
            "post_link": "Link a subscription in Stripe",
        },
    ),
    Task(
        "Move over from WordPress plug-ins",
        "What readers have in Penci Paywall or JNews Paywall.",
        {"post_wordpress_import": "Move users and posts over"},
    ),
    Task(
        "Export and erase data",
        "Everything on record about a reader: export it, or erase it.",
        {
            "export_my_data": "Export as the reader",
            "export_subscriber": "Export a subscriber",
            "delete_subscriber": "Erase a subscriber",
        },
    ),
    Task(
        "Watch the service",
        "For process supervisors and load balancers.",
        {
            "get_liveness": "Is the process alive?",
            "get_readiness": "Can it answer?",
        },
    ),
)
