"""What is unusual in the data of a reader or a post, and what the import does about it."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

SHOWN_CHARACTERS_MAX = 60
SHOWN_ITEMS_MAX = 10


class OddityKind(StrEnum):
    """Every kind of oddity; the value is what the reports show."""

    NO_USER = "no user with this id: nothing is imported for it"
    ROW_REPEATED = "a field is there several times: its first row counts, as in WordPress"
    ROW_HIDDEN = "a field with the table prefix hides the same field without it"
    FIELD_UNKNOWN = "a field of the plug-in that means nothing here"
    OTHER_SITE = "a field of another site of the same network: import that site by itself"
    TWO_PLUGINS = "fields of both plug-ins: what the reader has in either is given"
    VALUE_UNREADABLE = "a broken value, which WordPress cannot read either: nothing of it is given"
    VALUE_OBJECT = "a PHP object, which is never read: nothing of it is given"
    CREDITS_NOT_A_NUMBER = "credits that are no number: none are given"
    CREDITS_NEGATIVE = "negative credits: none are given"
    CREDITS_ROUNDED_UP = "a fraction of a credit: rounded up"
    CREDITS_TOO_MANY = "more credits than one grant can have: none are given"
    UNLOCK_NOT_A_POST = "an unlocked post that is no post's id: it is not given"
    UNLOCK_TWICE = "an unlocked post that is listed twice: it is given once"
    UNLOCK_AS_TEXT = "an unlocked post whose id is a text: it was shown as owned, and is given"
    UNLOCK_LIST_ODD = "unlocked posts in an unusual form: they are given"
    POST_UNKNOWN = "an unlocked post that is not in posts.csv: it is given, for if it comes back"
    POST_OTHER_TYPE = "an unlocked post of a type that was never closed: it is given"
    STATUS_ODD = "a status that neither plug-in writes: it counted as subscribed there"
    END_WITHOUT_STATUS = "an end in the future without a status: it opened nothing there"
    END_PAST = "subscribed by its status, and past its end: the end counts"
    END_MISSING = "subscribed without an end: nothing is given. Import a subscription with an end"
    END_UNREADABLE = "subscribed, and its end is no date: nothing is given. Import one with an end"
    END_MOVED = "its end is a day that the month does not have: the days are counted on"
    STRIPE_ID_UNRESOLVED = (
        "STRIPE GOES ON CHARGING: its subscription is not known here. Find it in Stripe, and link"
        " or cancel it"
    )
    STRIPE_WITHOUT_STATUS = "a Stripe subscription without a status: what Stripe has counts"
    STRIPE_SHARED = "the Stripe subscription of another reader: it is linked to the first"
    STRIPE_NOT_LINKED = (
        "STRIPE GOES ON CHARGING: its subscription could not be linked, and nothing of it is"
        " recorded"
    )
    STRIPE_PRICE_UNKNOWN = "a Stripe subscription at a price outside the catalogue: linked as it is"
    STRIPE_CUSTOMER_ALONE = "a Stripe customer without a Stripe subscription: it is not linked"
    BILLED_ELSEWHERE = (
        "another processor bills it, and goes on: this service learns nothing of its payments"
    )
    TWO_SUBSCRIPTIONS = "several subscriptions: the reader may be charged for each of them"
    GRANT_DIFFERS = "credits were imported earlier, and were others: nothing is changed"
    COMPLIMENTARY_DIFFERS = (
        "has a complimentary subscription with another end already: nothing is changed"
    )
    READER_MERGED = "was merged into another reader, who gets what is new"
    POST_FREE_UNREAD = "marked as free where the plug-in never looked: it becomes free"
    POST_VALUE_ODD = "a setting of the post that is not understood: the default counts"
    PREVIEW_VIDEO = "a preview video, which this service has no place for"


# The operator has to look at these: something was not given, or somebody is still charged.
TO_DO = frozenset({
    OddityKind.NO_USER,
    OddityKind.OTHER_SITE,
    OddityKind.VALUE_UNREADABLE,
    OddityKind.VALUE_OBJECT,
    OddityKind.CREDITS_NOT_A_NUMBER,
    OddityKind.CREDITS_TOO_MANY,
    OddityKind.UNLOCK_NOT_A_POST,
    OddityKind.END_MISSING,
    OddityKind.END_UNREADABLE,
    OddityKind.STRIPE_ID_UNRESOLVED,
    OddityKind.STRIPE_SHARED,
    OddityKind.STRIPE_NOT_LINKED,
    OddityKind.BILLED_ELSEWHERE,
    OddityKind.TWO_SUBSCRIPTIONS,
    OddityKind.GRANT_DIFFERS,
    OddityKind.COMPLIMENTARY_DIFFERS,
})  # fmt: skip


class Oddity(NamedTuple):
    """One oddity: the line in its file (0: none), the field, and the values that are meant."""

    kind: OddityKind
    line: int
    field: str
    detail: str


def shown(value: object) -> str:
    """A value of the folder in quotes, shortened."""
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[:SHOWN_CHARACTERS_MAX]}…")


def listed(values: Iterable[object]) -> str:
    """The values in quotes, as in `joined`."""
    return joined([shown(value) for value in values])


def joined(texts: Sequence[str]) -> str:
    """At most SHOWN_ITEMS_MAX of the texts, and how many more there are."""
    more = len(texts) - SHOWN_ITEMS_MAX
    return ", ".join([*texts[:SHOWN_ITEMS_MAX], *([f"{more} more"] if more > 0 else [])])
