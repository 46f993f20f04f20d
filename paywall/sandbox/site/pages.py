"""The newspaper's pages, each as a whole HTML document."""

from collections.abc import Mapping
from datetime import datetime

from paywall.sandbox.site import noscript
from paywall.sandbox.site.paywall_client import Json
from paywall.sandbox.site.rendering import NewspaperContext, render
from paywall.sandbox.site.session import READERS
from paywall.sandbox.site.translations import NewspaperTranslator


def front_page(page: NewspaperContext, articles: list[Json], decisions: Mapping[str, Json]) -> str:
    """Articles in the reader's language first, the newest of them large."""
    teasers = [
        _with_details(page.translator, article, decisions[article["id"]]) for article in articles
    ]
    own = [teaser for teaser in teasers if teaser["language"] in (page.language, None)]
    return render(
        page,
        "front.html",
        page.translator.translate("front"),
        own=own,
        others=[teaser for teaser in teasers if teaser not in own],
    )


def article_page(
    page: NewspaperContext,
    article: Json,
    answer: Json,
    structured_data: str,
    gate: noscript.NoscriptGate | None,
) -> str:
    """The body where the decision grants it, else the preview inside the gate.

    `gate` takes the place of the gate's script where no script runs.
    """
    decision = answer["decision"]
    return render(
        page,
        "article.html",
        article["title"],
        article=_with_details(page.translator, article, decision),
        is_granted=decision["granted"],
        meter=decision["meter"],
        body_html=answer["body_html"] or "",
        preview_html=answer["preview_html"] or "",
        structured_data=structured_data,
        gate=gate,
    )


def sign_in_page(page: NewspaperContext, back: str) -> str:
    """Choose a reader; a real site asks for a password."""
    title = page.translator.translate("sign_in")
    return render(page, "sign_in.html", title, readers=list(READERS), back=back)


def account_page(
    page: NewspaperContext, reader: str, unlocks: list[Json], form: noscript.PlainPagesForm | None
) -> str:
    """What a reader has, by the service's elements, and the link to everything on record."""
    return render(
        page,
        "account.html",
        page.translator.translate("your_account"),
        reader=reader,
        unlocks=[_unlock_row(page.translator, unlock) for unlock in unlocks],
        credits=page.translator.credits,
        form=form,
    )


def offers_page(page: NewspaperContext, offers: Json, form: noscript.PlainPagesForm | None) -> str:
    """Everything for sale, with prices."""
    prices = noscript.all_prices(page.translator, offers)
    title = page.translator.translate("offers")
    return render(page, "offers.html", title, prices=prices, form=form)


def paid_page(page: NewspaperContext, purchase: Json | None, offers: Json, back: str) -> str:
    """Waits for the payment by script; without one it shows what has arrived by now."""
    bought = noscript.purchased_product(page.translator, purchase, offers) if purchase else None
    title = page.translator.translate("payment")
    return render(page, "paid.html", title, bought=bought, back=back)


def not_found_page(page: NewspaperContext) -> str:
    return render(page, "not_found.html", page.translator.translate("missing"))


def try_again_page(page: NewspaperContext, reason: str) -> str:
    """What could not be shown, by the name of the text that says why, and a link to try again."""
    translate = page.translator.translate
    return render(page, "try_again.html", translate("sorry"), why=translate(reason))


def _with_details(translator: NewspaperTranslator, article: Json, decision: Json) -> Json:
    """The article, with its day and its tag as shown beside the title."""
    at = article["published_at"]
    return article | {
        "day": translator.format_day(datetime.fromisoformat(at)) if at else "",
        "tag": _tag(translator, article, decision),
        "is_unlocked": decision["reason"] == "unlocked",
    }


def _tag(translator: NewspaperTranslator, article: Json, decision: Json) -> str:
    """What it takes to read the article, or why it is open; empty where that is plain."""
    if decision["reason"] in ("free", "unlocked", "metered"):
        return translator.translate(decision["reason"])
    if decision["granted"]:
        return ""
    if article["policy"] == "metered" and decision["reason"] == "login_required":
        return translator.translate("metered")
    if article["policy"] in ("registered", "subscribers"):
        return translator.translate(article["policy"])
    cost = article["unlock_cost"]
    if cost == 1:
        return translator.translate("premium_one")
    return translator.translate("premium", cost=cost)


def _unlock_row(translator: NewspaperTranslator, unlock: Json) -> Json:
    """The unlock with its day, and the credits that it took: none where it was given."""
    return unlock | {
        "day": translator.format_day(datetime.fromisoformat(unlock["unlocked_at"])),
        "credits": sum(payment["amount"] for payment in unlock["payments"]),
    }
