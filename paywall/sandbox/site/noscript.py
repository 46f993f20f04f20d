"""What is shown in place of the service's elements where no script runs."""

from collections.abc import Mapping
from typing import NamedTuple

from paywall.sandbox.site.paywall_client import Json
from paywall.sandbox.site.translations import NewspaperTranslator

# The text of the button to the service's own pages, by the reason that an article is closed.
BUTTON_TEXTS = {
    "unlock_available": "unlock_article",
    "credits_required": "offers",
    "subscription_required": "subscribe",
}
# The reasons for which something has to be bought.
PRICED_REASONS = frozenset({"login_required", "credits_required", "subscription_required"})
OFFER_LISTS = {"plan": "plans", "pass": "passes", "pack": "packs"}
INTERVAL_TEXTS = {
    "day": "each_day",
    "week": "each_week",
    "month": "each_month",
    "year": "each_year",
}


class PlainPagesForm(NamedTuple):
    """A button that leads a reader to the service's own pages, which need no script."""

    action: str
    text: str
    fields: Mapping[str, str]


class PriceRow(NamedTuple):
    """A product with its price; `renews` is set for the last plan of the list."""

    name: str
    price: str
    renews: bool = False


class NoscriptGate(NamedTuple):
    """What stands under a preview: what opens the article, prices, and the next step."""

    reason: str
    lead: str
    # What the reader has, or has used up.
    note: str
    prices: list[PriceRow]
    form: PlainPagesForm | None


def gate(
    translator: NewspaperTranslator,
    article: Json,
    decision: Json,
    offers: Json,
    form: PlainPagesForm | None,
) -> NoscriptGate:
    """The gate of a closed article; `form` leads a reader who is signed in to the next step."""
    reason = decision["reason"]
    prices = _gate_prices(translator, article, offers) if reason in PRICED_REASONS else []
    return NoscriptGate(
        reason,
        _lead(translator, article, decision),
        _note(translator, article, decision),
        prices,
        form if reason in BUTTON_TEXTS else None,
    )


def _lead(translator: NewspaperTranslator, article: Json, decision: Json) -> str:
    cost = translator.credits(decision["unlock_cost"])
    match decision["reason"]:
        case "login_required" if article["policy"] == "subscribers":
            return translator.translate("subscribers_only")
        case "login_required" if article["policy"] == "premium":
            return translator.translate("opens_with", cost=cost)
        case "login_required":
            return translator.translate("sign_in_first")
        case "unlock_available":
            return translator.translate("unlock_offer", cost=cost)
        case "credits_required":
            return translator.translate("opens_with", cost=cost)
        case "subscription_required":
            return translator.translate("subscribers_only")
        case _:
            return translator.translate("not_to_be_had")


def _note(translator: NewspaperTranslator, article: Json, decision: Json) -> str:
    """What the reader has, or has used up; empty where neither matters."""
    if article["policy"] == "metered" and decision["reason"] == "login_required":
        return translator.translate("free_ones_read")
    if decision["reason"] == "credits_required" and not decision["unlocks_left"]:
        return translator.translate("no_credits")
    if decision["reason"] in ("unlock_available", "credits_required"):
        balance = translator.credits(decision["unlocks_left"])
        return translator.translate("you_have", balance=balance)
    return ""


def _gate_prices(translator: NewspaperTranslator, article: Json, offers: Json) -> list[PriceRow]:
    """The first offer of each kind that opens the article, and a plan with another interval."""
    if article["policy"] in ("free", "registered"):
        return []
    plans = offers["plans"]
    others = [plan for plan in plans if plan["interval"] != plans[0]["interval"]]
    kinds = ["pass"] if article["policy"] == "subscribers" else ["pass", "pack"]
    shown = [("plan", plan) for plan in plans[:1] + others[:1]]
    last = len(shown) - 1
    shown += [(kind, offers[OFFER_LISTS[kind]][0]) for kind in kinds if offers[OFFER_LISTS[kind]]]
    return [
        PriceRow(translator.product_name(kind, product), _price(translator, product), place == last)
        for place, (kind, product) in enumerate(shown)
    ]


def all_prices(translator: NewspaperTranslator, offers: Json) -> list[str]:
    """Everything for sale, with its prices."""
    return [
        _price_line(translator, kind, product)
        for kind, listed in OFFER_LISTS.items()
        for product in offers[listed]
    ]


def _price_line(translator: NewspaperTranslator, kind: str, product: Json) -> str:
    """A product's name, its price in each currency, and what it gives."""
    return translator.translate(
        "for_sale",
        what=translator.product_name(kind, product),
        price=_price(translator, product),
        gives=_benefit(translator, kind, product),
    )


def _price(translator: NewspaperTranslator, product: Json) -> str:
    price = translator.translate("or").join(
        translator.format_money(money["amount"], money["currency"]) for money in product["prices"]
    )
    # The title of a plan with another interval has to state the interval.
    if product.get("interval_count") == 1:
        price = translator.translate(INTERVAL_TEXTS[product["interval"]], price=price)
    return price


def _benefit(translator: NewspaperTranslator, kind: str, product: Json) -> str:
    match kind:
        case "plan":
            sentences = [translator.translate("plan_gives")]
            if product["trial_days"]:
                days = translator.days(product["trial_days"])
                sentences.append(translator.translate("plan_trial", days=days))
            if product["credits"]:
                credits_ = translator.credits(product["credits"])
                sentences.append(translator.translate("plan_brings", credits=credits_))
            return " ".join(sentences)
        case "pass":
            return translator.translate("pass_gives", days=translator.days(product["days"]))
        case _:
            return translator.translate(
                "pack_gives", credits=translator.credits(product["credits"])
            )


def purchased_product(translator: NewspaperTranslator, purchase: Json, offers: Json) -> str:
    """The product's name; its id where it is no longer sold and has no translated name."""
    for kind, listed in OFFER_LISTS.items():
        if product_id := purchase[f"{kind}_id"]:
            titles = {product["id"]: product["title"] for product in offers[listed]}
            title = titles.get(product_id, product_id)
            return translator.product_name(kind, {"id": product_id, "title": title})
    raise ValueError(f"Purchase {purchase['id']} is of no product.")
