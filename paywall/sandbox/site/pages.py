"""The newspaper's pages, each as a whole HTML document."""

from collections.abc import Mapping
from itertools import chain, groupby
from operator import itemgetter

from paywall.sandbox.site import noscript
from paywall.sandbox.site.paywall_client import Json
from paywall.sandbox.site.rendering import NewspaperContext, render
from paywall.sandbox.site.session import READERS
from paywall.sandbox.site.stories import STORIES
from paywall.sandbox.site.teasers import all_details, details, own_articles
from paywall.sandbox.site.translations import LANGUAGES

ADDITIONS_MAX = 5
MORE_MAX = 3


def front_page(page: NewspaperContext, articles: list[Json], decisions: Mapping[str, Json]) -> str:
    """The newspaper's own articles in the reader's language, then those in other languages.

    What others have published through the service is listed below them.
    """
    translator = page.translator
    own, *others = (
        all_details(translator, own_articles(articles, language), decisions)
        for language in (page.language, *(code for code in LANGUAGES if code != page.language))
    )
    additions = [article for article in articles if article["id"] not in STORIES]
    return render(
        page,
        "front.html",
        translator.translate("front"),
        lead=own[:1],
        pictured=own[1:4],
        rest=own[4:],
        others=list(chain(*others)),
        additions=all_details(translator, additions[:ADDITIONS_MAX], decisions),
    )


def section_page(
    page: NewspaperContext, section: str, articles: list[Json], decisions: Mapping[str, Json]
) -> str:
    """A section's articles: those in the reader's language first."""
    ordered = sorted(articles, key=lambda article: article["language"] != page.language)
    return render(
        page,
        "section.html",
        page.translator.translate(section),
        articles=all_details(page.translator, ordered, decisions),
    )


def archive_page(
    page: NewspaperContext, articles: list[Json], decisions: Mapping[str, Json]
) -> str:
    """Every article by month, the newest first; those without a date come last."""
    ordered = sorted(articles, key=lambda article: str(article["published_at"] or ""), reverse=True)
    shown = all_details(page.translator, ordered, decisions)
    months = [(month, list(group)) for month, group in groupby(shown, itemgetter("month"))]
    return render(page, "archive.html", page.translator.translate("archive"), months=months)


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
    language = article["language"] or page.language
    more = [
        story
        for story in STORIES.values()
        if story.id != article["id"] and story.metadata.language == language
    ]
    return render(
        page,
        "article.html",
        article["title"],
        article=details(page.translator, article, decision),
        more=more[:MORE_MAX],
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


def account_page(page: NewspaperContext, reader: str, form: noscript.PlainPagesForm | None) -> str:
    """What a reader has, by the service's element, and the link to everything on record."""
    title = page.translator.translate("your_account")
    return render(page, "account.html", title, reader=reader, form=form)


def offers_page(page: NewspaperContext, offers: Json, form: noscript.PlainPagesForm | None) -> str:
    """Everything for sale, with prices."""
    prices = noscript.all_prices(page.translator, offers)
    title = page.translator.translate("offers")
    return render(page, "offers.html", title, prices=prices, form=form)


def paid_page(
    page: NewspaperContext, purchase: Json | None, unpaid: str, offers: Json, back: str
) -> str:
    """Waits for the payment by script; without one it shows what has arrived by now.

    `unpaid` is the name of the text that is shown where nothing has.
    """
    bought = noscript.purchased_product(page.translator, purchase, offers) if purchase else None
    title = page.translator.translate("payment")
    return render(page, "paid.html", title, bought=bought, unpaid=unpaid, back=back)


def sign_out_page(page: NewspaperContext) -> str:
    """For whoever types the address: signing out takes a click, so that no link does it."""
    return render(page, "sign_out.html", page.translator.translate("sign_out"))


def failure_page(page: NewspaperContext, heading: str, reason: str) -> str:
    """What could not be shown and why, by the names of the texts, and something to read."""
    translate = page.translator.translate
    return render(page, "failure.html", translate(heading), why=translate(reason), heading=heading)
