"""What can be bought, by forms: the processor's page comes next, without a script."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from paywall.catalogue.api import Offers
from paywall.catalogue.models import PackAnswer, PassAnswer, PlanAnswer, Price
from paywall.rules.enums import CreditsExpire, ProductKind, SubscriptionKind
from paywall.rules.phase import SubscriptionAction
from paywall.subscribers.overview import Overview
from paywall.subscriptions.responses import SubscriptionAnswer
from paywall.web.pages.asking import Service
from paywall.web.pages.form import address
from paywall.web.pages.html import Writer
from paywall.web.pages.subscription import billing, resume_costs, resumption

Product = PlanAnswer | PackAnswer | PassAnswer
YES = "yes"


class Terms(NamedTuple):
    """What the site said: where paying leads to, and not paying, and whether to ask for consent."""

    return_url: str
    back_url: str
    asks_consent: bool

    @classmethod
    def told(cls, fields: Mapping[str, str], site: str | None) -> "Terms":
        """By the fields of a form; who does not say where to return comes to the front page."""
        return_url = address(fields.get("return", "")) or site or ""
        back_url = address(fields.get("back", "")) or return_url
        return cls(return_url, back_url, bool(fields.get("consent")))

    def fields(self) -> dict[str, str]:
        """For the next form."""
        consent = YES if self.asks_consent else ""
        return {"return": self.return_url, "back": self.back_url, "consent": consent}


async def shelf(writer: Writer, service: Service, terms: Terms, *, has_packs: bool = True) -> str:
    """What can be bought, as HTML; nothing where no page of the site is known to return to.

    Without packs where credits would not help.
    """
    offers = await service.get("/v1/offers", Offers)
    overview = await service.get("/v1/me", Overview)
    barring = [
        one for one in overview.subscriptions if SubscriptionAction.SUBSCRIBE not in one.actions
    ]
    plans = [] if barring else offers.plans
    has_passes = all(SubscriptionAction.BUY_PASS in one.actions for one in overview.subscriptions)
    shelves: list[tuple[str, ProductKind, Sequence[Product]]] = [
        ("plans", ProductKind.PLAN, plans),
        ("passes", ProductKind.PASS, offers.passes if has_passes else []),
        ("packs", ProductKind.PACK, offers.packs if has_packs else []),
    ]
    lists = "".join(
        f"<h2>{escape(writer.say(title))}</h2>"
        + writer.items([_item(writer, kind, one) for one in products], "")
        for title, kind, products in shelves
        if products
    )
    if not lists or not terms.return_url:
        return writer.text(writer.say("nothing_for_sale"))
    agree = (
        '<label><input type="checkbox" name="agreed" value="yes" required>'
        f"<span>{escape(writer.say('consent'))}</span></label>"
    )
    inner = f"{agree if terms.asks_consent else ''}{lists}"
    form = writer.open_form("/account/buy", inner, **terms.fields())
    return f"{_known(writer, overview, barring, plans)}{form}"


def _known(
    writer: Writer,
    overview: Overview,
    barring: Sequence[SubscriptionAnswer],
    plans: Sequence[PlanAnswer],
) -> str:
    """What the reader has already: why no plan is sold, or what one would be beside."""
    actions = {action for one in barring for action in one.actions}
    if SubscriptionAction.FIX_PAYMENT in actions:
        return writer.text(writer.say("payment_failed")) + writer.actions(billing(writer))
    if SubscriptionAction.CANCEL in actions:
        return writer.text(writer.say("subscribed_already"))
    latest = overview.subscription
    is_open = any(one.opens_all for one in overview.subscriptions)
    if not is_open or latest is None or latest.access_until is None:
        return ""
    date = writer.language.moment(latest.access_until)
    for one in barring:
        if one.kind is SubscriptionKind.STRIPE and SubscriptionAction.RESUME in one.actions:
            said = f"{writer.say('resume_instead', date=date)} {resume_costs(writer, one)}"
            return writer.text(said.rstrip()) + writer.actions(resumption(writer, one.id))
    return writer.text(writer.say("open_already" if plans else "access_until", date=date))


def _item(writer: Writer, kind: ProductKind, product: Product) -> str:
    buttons = "".join(_button(writer, kind, product, price) for price in product.prices)
    title = writer.language.title(kind, product.id) or product.title
    return (
        f"<b>{escape(title)}</b><p>{escape(_what(writer, product))}</p>"
        f'<p class="paywall-actions">{buttons}</p>'
    )


def _button(writer: Writer, kind: ProductKind, product: Product, price: Price) -> str:
    shown = writer.language.money(price.amount, price.currency)
    if isinstance(product, PlanAnswer):
        rhythm = writer.say(f"price_{product.interval}", price=shown, count=product.interval_count)
        text = writer.say("subscribe_for", price=rhythm)
    else:
        text = writer.say("buy_for", price=shown)
    title = writer.language.title(kind, product.id) or product.title
    label = writer.say("labelled", label=text, text=title)
    return (
        f'<button class="paywall-button" name="order" aria-label="{escape(label)}"'
        f' value="{escape(f"{kind}:{price.currency}:{product.id}")}">{escape(text)}</button>'
    )


def _what(writer: Writer, product: Product) -> str:
    match product:
        case PassAnswer():
            return writer.say("pass_opens", count=product.days)
        case PackAnswer(credits=credits_, expires_after_days=days):
            lapses = writer.say("pack_lapses", count=days) if days else ""
            return f"{writer.say('pack_opens', count=credits_)} {lapses}"
        case PlanAnswer(credits=credits_, trial_days=days):
            trial = writer.say("trial", count=days) if days else ""
            is_lapsing = product.credits_expire is CreditsExpire.PERIOD_END
            word = "plan_credits_lapse" if is_lapsing else "plan_credits"
            more = writer.say(word, count=credits_) if credits_ else ""
            return " ".join([writer.say("plan_opens"), writer.say("plan_renews"), more, trial])


def order_of(form: Mapping[str, str], terms: Terms) -> dict[str, str | bool] | None:
    """What the clicked button asks of a checkout; None for a form that was not ours."""
    kind, _, named = form.get("order", "").partition(":")
    currency, _, product_id = named.partition(":")
    has_agreed = form.get("agreed") == YES
    if kind not in list(ProductKind) or (terms.asks_consent and not has_agreed):
        return None
    return {
        f"{kind}_id": product_id,
        "currency": currency,
        "return_url": terms.return_url,
        "consent": has_agreed,
    }
