"""Field types that many models share, with their limits."""

from datetime import datetime
from typing import Annotated

from litestar.params import PathParameter
from msgspec import Meta

from paywall.rules.decision import Reason
from paywall.rules.enums import CancelWhen
from paywall.rules.urls import WEB_URL_PATTERN

NOT_IN_IDS = r"\x00-\x1f\x7f-\x9f/\\\ud800-\udfff"
# White space except control characters; spelled out because dialects of `\s` differ.
SPACES = " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
ANY, INK, INK_BUT_DOT = f"[^{NOT_IN_IDS}]", f"[^{NOT_IN_IDS}{SPACES}]", f"[^{NOT_IN_IDS}{SPACES}.]"
# No lookarounds, which RE2 (Go) lacks; the alternative for 3 or more characters is first for speed.
ID_PATTERN = rf"^(?:{INK}{ANY}{{1,198}}{INK}|{INK_BUT_DOT}{INK}|\.?{INK_BUT_DOT})\Z"
ID_RULE = (
    "1 to 200 characters: no control characters, no / or \\, no space at either end,"
    " not . or .. alone"
)
LINE_LENGTH_MAX = 2000
LINE_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*\Z"
LINE_RULE = "one line, no control characters"
TEXT_PATTERN = r"^[^\x00\ud800-\udfff]*\Z"
TEXT_RULE = "text without NUL"
WEB_ADDRESS_RULE = (
    "a complete http or https address such as https://news.example/42, without spaces, \\ or a user"
    " name"
)
PROCESSOR_PATTERN = r"^[a-z0-9_-]{1,40}\Z"
PROCESSOR_RULE = "1 to 40 of the characters a to z, 0 to 9, _ and -"
CURRENCY_PATTERN = r"^[A-Za-z]{3}\Z"
CURRENCY_RULE = "three letters, as in ISO 4217"

NUMBER_MAX = 2**63 - 1
# The most money in one payment or price, in the smallest unit of its currency.
AMOUNT_MAX = 10**12

RULES = {
    ID_PATTERN: ID_RULE,
    LINE_PATTERN: LINE_RULE,
    TEXT_PATTERN: TEXT_RULE,
    WEB_URL_PATTERN: WEB_ADDRESS_RULE,
    PROCESSOR_PATTERN: PROCESSOR_RULE,
    CURRENCY_PATTERN: CURRENCY_RULE,
}

Id = Annotated[str, Meta(pattern=ID_PATTERN)]
SingleLine = Annotated[str, Meta(pattern=LINE_PATTERN, max_length=LINE_LENGTH_MAX)]
Text = Annotated[str, Meta(pattern=TEXT_PATTERN)]
WebAddress = Annotated[str, Meta(pattern=WEB_URL_PATTERN, max_length=LINE_LENGTH_MAX)]
Credits = Annotated[int, Meta(ge=1, le=1_000_000, description="A number of credits.")]
Timestamp = Annotated[datetime, Meta(tz=True)]


def _path_id(description: str) -> PathParameter:
    return PathParameter(pattern=ID_PATTERN, description=description)


def _path_number(description: str) -> PathParameter:
    return PathParameter(ge=1, le=NUMBER_MAX, description=description)


PathArticleId = Annotated[str, _path_id("The site's id of the article.")]
PathCheckoutId = Annotated[str, _path_id("The id of the checkout, from POST /v1/me/checkout.")]
PathReaderId = Annotated[str, _path_id("The site's id of the reader.")]
PathGrantId = Annotated[int, _path_number("The grant of credits.")]
PathPurchaseId = Annotated[int, _path_number("The id of the purchase, from POST /v1/purchases.")]

# Fields that several responses have.
AccessUntil = Annotated[
    datetime | None,
    Meta(description="When access ends; null where nothing ends it, or it is not known yet."),
]
ArticleId = Annotated[str, Meta(description="The site's id of the article.")]
ArticleTitle = Annotated[
    str | None, Meta(description="The article's title; null if the article was deleted.")
]
ArticleUrl = Annotated[str | None, Meta(description="Where readers find it.")]
CreatedAt = Annotated[datetime, Meta(description="When it was recorded.")]
GrantId = Annotated[int, Meta(description="The grant of credits.")]
HappenedAt = Annotated[datetime, Meta(description="When it happened.")]
NextPayment = Annotated[
    datetime | None, Meta(description="When the next payment is due; null if none is.")
]
NumberId = Annotated[int, Meta(description="Its id in this service.")]
PassId = Annotated[str | None, Meta(description="The site's id of the pass, if it is for one.")]
PaymentType = Annotated[
    str | None, Meta(description="How it is paid for, such as `card`; null if nothing is paid.")
]
PlanId = Annotated[str | None, Meta(description="The site's id of the plan, if it is for one.")]
PurchaseId = Annotated[
    int | None, Meta(description="The purchase that it came from; null if nobody paid.")
]
ReaderAccessUntil = Annotated[
    datetime | None,
    Meta(
        description="When the reader's access to everything ends, by all that they have and what"
        " follows it; null: they have none now, or a renewal is being paid."
    ),
]
ReaderId = Annotated[str, Meta(description="The site's id of the reader.")]
ReceiptNumber = Annotated[
    str, Meta(description="The number on its receipt, such as `2026-K3QZ-7T4M`.")
]
SubscriptionId = Annotated[str, Meta(description="The subscription that is meant.")]
TextId = Annotated[str, Meta(description="Its id in this service.")]
TokenIssuer = Annotated[str, Meta(description="The token's issuer (claim `iss`).")]
UnlocksLeft = Annotated[int, Meta(description="Credits that can be spent now.")]
DecisionReason = Annotated[Reason, Meta(description="Why the decision is what it is.")]
CancelledWhen = Annotated[
    CancelWhen, Meta(description="At the end of what was paid, or now and for good.")
]


def describe_pattern(message: str) -> str:
    """Replace the regular expression in a message of msgspec by a description of it."""
    for pattern, rule in RULES.items():
        if f"matching regex {pattern!r}" in message:
            return f"Expected {rule}"
    return message
