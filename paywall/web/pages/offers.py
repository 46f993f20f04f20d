"""What can be bought, by forms: the processor's page comes next, without a script."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from paywall.catalogue.models import PackOffer, PassOffer, PlanOffer
from paywall.catalogue.offers import Offers
from paywall.rules.enums import Processor, ProductKind, SubscriptionKind
from paywall.rules.phase import SubscriptionAction
from paywall.subscribers.overview import Overview
from paywall.subscriptions.responses import SubscriptionAnswer
from paywall.web.pages.account import is_prepaid, renews
from paywall.web.pages.form import address

YES = "yes"


class SiteOptions(NamedTuple):
    """What the site asked for: where paying leads to, and not paying, and to ask for consent."""

    return_url: str
    back_url: str
    asks_consent: bool

    @classmethod
    def from_form(cls, fields: Mapping[str, str], site: str | None) -> "SiteOptions":
        """Without a page to return to, paying leads to the front page of the site."""
        return_url = address(fields.get("return", "")) or site or ""
        back_url = address(fields.get("back", "")) or return_url
        return cls(return_url, back_url, bool(fields.get("consent")))

    def fields(self) -> dict[str, str]:
        """For the next form."""
        consent = YES if self.asks_consent else ""
        return {"return": self.return_url, "back": self.back_url, "consent": consent}


class Notice(NamedTuple):
    """A text above the offers, by its name, with its date."""

    text: str | None = None
    until: datetime | None = None
    resumable: SubscriptionAnswer | None = None
    has_billing: bool = False


class OfferGroup(NamedTuple):
    """Products of one kind; `heading` is the name of a text."""

    heading: str
    kind: ProductKind
    products: Sequence[PlanOffer | PassOffer | PackOffer]
    notice: Notice = Notice()


class OffersView(NamedTuple):
    """Everything that the form shows; `has_pending`: the bank has yet to confirm a payment."""

    options: SiteOptions
    groups: Sequence[OfferGroup]
    notice: Notice
    has_trial: bool
    has_pending: bool

    @property
    def processors(self) -> list[Processor]:
        """How the prices that are shown can be paid."""
        products = (product for group in self.groups for product in group.products)
        taken = {
            one for product in products for price in product.prices for one in price.processors
        }
        return sorted(taken, reverse=True)

    @property
    def lead(self) -> PlanOffer | PassOffer | PackOffer | None:
        """The product whose button stands out, beside others that are recommended."""
        shown = [product for group in self.groups for product in group.products]
        recommended = (product for product in shown if product.recommended)
        return next(recommended, next(iter(shown), None))


def view_offers(
    offers: Offers, overview: Overview, options: SiteOptions, *, has_packs: bool = True
) -> OffersView:
    """What this reader can buy; without packs where credits would not help."""
    mine = overview.subscriptions
    barring = [one for one in mine if SubscriptionAction.SUBSCRIBE not in one.actions]
    can_buy_pass = all(SubscriptionAction.BUY_PASS in one.actions for one in mine)
    plans = [] if barring else offers.plans
    groups = [
        OfferGroup("plans", ProductKind.PLAN, plans),
        OfferGroup(
            "passes",
            ProductKind.PASS,
            offers.passes if can_buy_pass else [],
            _notice_of_passes(overview),
        ),
        OfferGroup(
            "packs",
            ProductKind.PACK,
            offers.packs if has_packs else [],
            Notice("packs_later") if any(one.opens_all for one in mine) else Notice(),
        ),
    ]
    notice = _notice(overview, barring, has_plans=bool(plans))
    shown = [group for group in groups if group.products]
    return OffersView(
        options,
        shown,
        notice,
        has_trial=overview.trial_available,
        has_pending=bool(overview.pending),
    )


def _notice(
    overview: Overview, barring: Sequence[SubscriptionAnswer], *, has_plans: bool
) -> Notice:
    """Why no plan is sold, or what the reader has beside it."""
    actions = {action for one in barring for action in one.actions}
    if SubscriptionAction.FIX_PAYMENT in actions:
        return Notice("payment_failed", has_billing=True)
    if SubscriptionAction.CANCEL in actions:
        return Notice("subscribed_already")
    if overview.access_until is None:
        return Notice()
    for one in barring:
        if one.kind is SubscriptionKind.STRIPE and SubscriptionAction.RESUME in one.actions:
            return Notice("resume_instead", one.access_until, resumable=one)
    keeps_days = any(is_prepaid(one) for one in overview.subscriptions)
    beside_plans = "plan_keeps" if keeps_days else "open_already"
    return Notice(beside_plans if has_plans else "access_until", overview.access_until)


def _notice_of_passes(overview: Overview) -> Notice:
    """When a pass that is bought now starts, unless it starts at once."""
    if renews(overview.subscriptions):
        return Notice("pass_waits")
    return Notice("pass_follows", overview.access_until) if overview.access_until else Notice()


def order_of(form: Mapping[str, str], options: SiteOptions) -> dict[str, object] | None:
    """What the clicked button asks of a checkout; None for a form that is not of these pages."""
    kind, _, rest = form.get("order", "").partition(":")
    currency, _, product_id = rest.partition(":")
    has_agreed = form.get("agreed") == YES
    processor = form.get("processor")
    if kind not in list(ProductKind) or (options.asks_consent and not has_agreed):
        return None
    return {
        f"{kind}_id": product_id,
        "currency": currency,
        "return_url": options.return_url,
        "consent": has_agreed,
        "processor": processor if processor in list(Processor) else None,
    }
