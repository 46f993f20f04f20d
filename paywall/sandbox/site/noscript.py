"""What stands in the place of the reader's parts where no script runs."""

from collections.abc import Iterator
from html import escape

from paywall.sandbox.site.layout import NewspaperContext
from paywall.sandbox.site.paywall_client import Json
from paywall.sandbox.site.translations import NewspaperTranslator

BUTTON_TEXTS = {
    "unlock_available": "unlock_article",
    "credits_required": "offers",
    "subscription_required": "subscribe",
}
"""What the way into the service's own pages is called, by the reason that an article is closed."""
SHOWS_PRICES = frozenset({"login_required", "credits_required", "subscription_required"})
"""Why an article is closed, where something has to be bought to open it."""
OFFER_LISTS = {"plan": "plans", "pass": "passes", "pack": "packs"}
INTERVAL_TEXTS = {
    "day": "each_day",
    "week": "each_week",
    "month": "each_month",
    "year": "each_year",
}


def gate(frame: NewspaperContext, article: Json, decision: Json, offers: Json, entry: str) -> str:
    """Under a preview: what it takes to read on, and the next step."""
    words = frame.words
    reason = decision["reason"]
    step = _sign_in(frame, article) if reason == "login_required" else entry
    terms = _terms(words, article, offers) if reason in SHOWS_PRICES else ""
    more = f"{terms}{step}" if reason == "login_required" or reason in BUTTON_TEXTS else ""
    return (
        f'<section class="paywall-box" lang="{words.language}"'
        f' aria-label="{words.translate("go_on_reading")}">'
        f'<p class="paywall-status">{_lead(words, article, decision)}</p>{more}</section>'
    )


def _sign_in(frame: NewspaperContext, article: Json) -> str:
    """Where signing in alone opens nothing, it comes second."""
    say, first = frame.words.translate, "paywall-button"
    if article["policy"] != "subscribers":
        return f'<p><a class="{first}" href="{escape(frame.sign_in)}">{say("sign_in")}</a></p>'
    return (
        f'<p><a class="{first}" href="/offers">{say("subscribe")}</a></p>'
        f'<p><a href="{escape(frame.sign_in)}">{say("subscribed_already")}</a></p>'
    )


def _lead(words: NewspaperTranslator, article: Json, decision: Json) -> str:
    cost = words.credits(decision["unlock_cost"])
    match decision["reason"]:
        case "login_required" if article["policy"] == "subscribers":
            return words.translate("subscribers_only")
        case "login_required" if article["policy"] == "premium":
            return words.translate("opens_with", cost=cost)
        case "login_required":
            return words.translate("sign_in_first")
        case "unlock_available":
            return words.translate("unlock_offer", cost=cost)
        case "credits_required":
            balance = words.credits(decision["unlocks_left"])
            return words.translate("credits_needed", cost=cost, balance=balance)
        case "subscription_required":
            return words.translate("subscribers_only")
        case _:
            return words.translate("not_to_be_had")


def _terms(words: NewspaperTranslator, article: Json, offers: Json) -> str:
    """The smallest of each kind that opens it."""
    if article["policy"] in ("free", "registered"):
        return ""
    kinds = ["plan", "pass"] if article["policy"] == "subscribers" else list(OFFER_LISTS)
    smallest = [(kind, offers[OFFER_LISTS[kind]][0]) for kind in kinds if offers[OFFER_LISTS[kind]]]
    return _list(_line(words, *one) for one in smallest)


def goods(words: NewspaperTranslator, offers: Json) -> str:
    """All that can be bought, with its price."""
    return _list(
        _line(words, kind, one) for kind, listed in OFFER_LISTS.items() for one in offers[listed]
    )


def _list(lines: Iterator[str]) -> str:
    items = "".join(f"<li>{line}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def _line(words: NewspaperTranslator, kind: str, product: Json) -> str:
    """With every price, each in a currency of its own, and what is had for it."""
    price = " · ".join(words.money(one["amount"], one["currency"]) for one in product["prices"])
    # Other rhythms have a title that says so.
    if product.get("interval_count") == 1:
        price = words.translate(INTERVAL_TEXTS[product["interval"]], price=price)
    gives = _gives(words, kind, product)
    what = words.product(kind, product)
    return words.translate("for_sale", what=what, price=escape(price), gives=gives)


def _gives(words: NewspaperTranslator, kind: str, product: Json) -> str:
    match kind:
        case "plan":
            brings = words.credits(product["credits"])
            more = words.translate("plan_brings", credits=brings) if product["credits"] else ""
            return f"{words.translate('plan_gives')} {more}".strip()
        case "pass":
            return words.translate("pass_gives", days=words.days(product["days"]))
        case _:
            return words.translate("pack_gives", credits=words.credits(product["credits"]))


def account(frame: NewspaperContext, entry: str) -> str:
    """Where all of it is told without a script."""
    say = frame.words.translate
    shop = f'<p><a href="/offers">{say("offers")}</a></p>'
    return f"<noscript><p>{say('plain_account')}</p>{entry}{shop}</noscript>"


def paid(frame: NewspaperContext, purchase: Json | None, offers: Json, back: str) -> str:
    """What was paid for, if it is here, and the way back to where it began."""
    say = frame.words.translate
    way = f'<p><a class="paywall-button" href="{escape(back)}">{say("go_back")}</a></p>'
    if purchase:
        return f"<p>{say('paid', what=_bought(frame.words, purchase, offers))}</p>{way}"
    again = f'<p><a href="{escape(frame.here)}">{say("look_again")}</a></p>'
    return f"<p>{say('not_paid_yet')}</p>{again}{way}"


def _bought(words: NewspaperTranslator, purchase: Json, offers: Json) -> str:
    """What is no longer sold, and has no words of the newspaper's, is called by its id."""
    for kind, listed in OFFER_LISTS.items():
        if product_id := purchase[f"{kind}_id"]:
            titles = {one["id"]: one["title"] for one in offers[listed]}
            title = titles.get(product_id, product_id)
            return words.product(kind, {"id": product_id, "title": title})
    raise ValueError(f"Purchase {purchase['id']} is of no product.")
