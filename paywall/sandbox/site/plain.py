"""What stands in the place of the reader's parts where no script runs."""

from collections.abc import Iterator
from html import escape

from paywall.sandbox.site.frame import Frame
from paywall.sandbox.site.publisher import Json
from paywall.sandbox.site.words import Words

ENTRIES = {
    "unlock_available": "unlock_article",
    "credits_required": "offers",
    "subscription_required": "subscribe",
}
"""What the way into the service's own pages is called, by the reason that an article is closed."""
KINDS = {"plan": "plans", "pass": "passes", "pack": "packs"}
RHYTHMS = {"day": "each_day", "week": "each_week", "month": "each_month", "year": "each_year"}
DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


def gate(frame: Frame, article: Json, decision: Json, offers: Json, entry: str) -> str:
    """Under a preview: what it takes to read on, and the next step."""
    words = frame.words
    if decision["reason"] == "login_required":
        step = (
            f'<a class="paywall-button" href="{escape(frame.sign_in)}">{words.say("sign_in")}</a>'
        )
        more = f"{_terms(words, article, offers)}<p>{step}</p>"
    else:
        more = entry if decision["reason"] in ENTRIES else ""
    return (
        f'<section class="paywall-box" lang="{words.language}"'
        f' aria-label="{words.say("go_on_reading")}">'
        f'<p class="paywall-status">{_lead(words, decision)}</p>{more}</section>'
    )


def _lead(words: Words, decision: Json) -> str:
    cost = words.credits(decision["unlock_cost"])
    match decision["reason"]:
        case "login_required":
            return words.say("sign_in_first")
        case "unlock_available":
            return words.say("unlock_offer", cost=cost)
        case "credits_required":
            balance = words.credits(decision["unlocks_left"])
            return words.say("credits_needed", cost=cost, balance=balance)
        case "subscription_required":
            return words.say("subscribers_only")
        case _:
            return words.say("not_to_be_had")


def _terms(words: Words, article: Json, offers: Json) -> str:
    """What opens it, and the smallest of each kind that does."""
    if article["policy"] in ("free", "registered"):
        return ""
    kinds = ["plan", "pass"]
    opens = words.say("subscribers_only")
    if article["policy"] != "subscribers":
        kinds.append("pack")
        opens = words.say("opens_with", cost=words.credits(article["unlock_cost"]))
    smallest = [
        (kind, min(offers[KINDS[kind]], key=_size)) for kind in kinds if offers[KINDS[kind]]
    ]
    return f"<p>{opens}</p>{_list(_line(words, *one) for one in smallest)}"


def goods(words: Words, offers: Json) -> str:
    """All that can be bought, with its price, the smallest of each kind first."""
    return _list(
        _line(words, kind, one)
        for kind, listed in KINDS.items()
        for one in sorted(offers[listed], key=_size)
    )


def _list(lines: Iterator[str]) -> str:
    items = "".join(f"<li>{line}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def _size(product: Json) -> int:
    if interval := product.get("interval"):
        return DAYS[interval] * int(product["interval_count"])
    return int(product.get("days") or product["credits"])


def _line(words: Words, kind: str, product: Json) -> str:
    """With the first of its prices: the others are told where it is bought."""
    first = product["prices"][0]
    price = words.money(first["amount"], first["currency"])
    # Other rhythms have a title that says so.
    if product.get("interval_count") == 1:
        price = words.say(RHYTHMS[product["interval"]], price=price)
    return words.say("for_sale", what=words.product(kind, product), price=escape(price))


def account(frame: Frame, entry: str) -> str:
    """Where all of it is told without a script."""
    say = frame.words.say
    shop = f'<p><a href="/offers">{say("offers")}</a></p>'
    return f"<noscript><p>{say('plain_account')}</p>{entry}{shop}</noscript>"


def paid(frame: Frame, *, has_paid: bool, back: str) -> str:
    """Whether what was paid for is here, and the way back to where it began."""
    say = frame.words.say
    way = f'<p><a class="paywall-button" href="{escape(back)}">{say("go_back")}</a></p>'
    if has_paid:
        return f"<p>{say('paid')}</p>{way}"
    again = f'<p><a href="{escape(frame.here)}">{say("look_again")}</a></p>'
    return f"<p>{say('not_paid_yet')}</p>{again}{way}"
