"""Readers made at random from cases whose outcome is known by hand, apart from the rules.

Nothing of the package is used here, not even to write PHP's format.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

POSTS = 3000
UNLOCKS_MEAN = 3
Row = tuple[object, str, str]

# What is stored, and the credits that a reader gets for it.
CREDITS: Sequence[tuple[str | None, int]] = (
    (None, 0), ("0", 0), ("1", 1), ("12", 12), ("7", 7), ("-4", 0), ("2.5", 3), ("", 0), ("abc", 0),
    ("i:6;", 6), ("b:0;", 0), ('s:1:"8";', 8), ("a:0:{}", 0), ('O:8:"stdClass":0:{}', 0), ("3 ", 3),
)  # fmt: skip
# Fields without their prefix, and the end of the complimentary subscription.
SUBSCRIPTIONS: Sequence[tuple[dict[str, str], datetime | None]] = (
    ({}, None),
    ({"subscribe_status": "", "expired_date": ""}, None),
    (
        {"subscribe_status": "ACTIVE", "expired_date": "March 3, 2031"},
        datetime(2031, 3, 3, tzinfo=UTC),
    ),
    (
        {"subscribe_status": "ACTIVE", "expired_date": "2032-12-31 23:59:59", "subs_type": "paypal",
         "paypal_subs_id": "I-77"},
        datetime(2032, 12, 31, 23, 59, 59, tzinfo=UTC),
    ),
    ({"subscribe_status": "ACTIVE", "expired_date": "2020-01-31 23:59:59"}, None),
    ({"subscribe_status": "ACTIVE", "expired_date": "soon"}, None),
    ({"subscribe_status": "ACTIVE"}, None),
    ({"subscribe_status": "0", "expired_date": "2031-01-01 00:00:00"}, None),
    (
        {"subscribe_status": "ACTIVE", "manual_subs_id": "9", "expired_date": "2031-02-30 10:00"},
        datetime(2031, 3, 2, 10, tzinfo=UTC),
    ),
    (
        {"subscribe_status": "ACTIVE", "expired_date": "January 1, 2031", "stripe_subs_id": "41"},
        datetime(2031, 1, 1, tzinfo=UTC),
    ),
)  # fmt: skip


@dataclass
class Expected:
    """What one reader has to have after the import."""

    credits: int = 0
    posts: set[str] = field(default_factory=set)
    until: datetime | None = None


def generate(seed: int, readers: int) -> tuple[list[Row], dict[str, Expected]]:
    chance = Random(seed)
    rows: list[Row] = []
    expected: dict[str, Expected] = {}
    for user_id in range(1, readers + 1):
        mine, expected[str(user_id)] = _reader(chance)
        rows += [(user_id, key, value) for key, value in mine]
    return rows, expected


def _reader(chance: Random) -> tuple[list[tuple[str, str]], Expected]:
    rows: list[tuple[str, str]] = []
    stored, credits_ = chance.choice(CREDITS)
    if stored is not None:
        rows.append(("wp_pencipw_unlock_remaining", stored))
        if chance.random() < 0.1:
            rows.append(("wp_pencipw_unlock_remaining", "99"))
        if chance.random() < 0.1:
            rows.insert(0, ("pencipw_unlock_remaining", "77"))
    elif chance.random() < 0.1:
        rows.append(("pencipw_unlock_remaining", "4"))
        credits_ = 4
    listed, posts = _posts(chance)
    rows.append(("wp_pencipw_unlocked_post_list", listed))
    fields, until = chance.choice(SUBSCRIPTIONS)
    rows += [(f"wp_pencipw_{name}", value) for name, value in fields.items()]
    if chance.random() < 0.02:
        rows.append(("wp_jpw_unlock_remaining", "5"))
        credits_ += 5
    return rows, Expected(credits_, posts, until)


def _posts(chance: Random) -> tuple[str, set[str]]:
    posts = [chance.randint(1, POSTS) for _ in range(chance.randint(0, 2 * UNLOCKS_MEAN))]
    elements = [
        f's:{len(str(post))}:"{post}";' if chance.random() < 0.1 else f"i:{post};" for post in posts
    ]
    if chance.random() < 0.1:
        elements += chance.choice((['s:1:"x";'], ["N;"], ["i:-5;"], ["d:1.5;"], ["a:0:{}"]))
    text = f"a:{len(elements)}:{{"
    text += "".join(f"i:{n};{element}" for n, element in enumerate(elements)) + "}"
    owned = {str(post) for post in posts}
    match chance.randrange(40):
        case 0:
            return text[:-1], set()
        case 1:
            return f's:{len(text)}:"{text}";', owned
        case 2:
            return 'O:8:"stdClass":1:{s:1:"a";i:1;}', set()
        case _:
            return text, owned
