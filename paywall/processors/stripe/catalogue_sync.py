"""`paywall catalogue sync`: products and prices in Stripe as the catalogue says."""

import secrets
from typing import NamedTuple

from paywall.database.engine import Database
from paywall.problems import Unconfirmed
from paywall.processors.stripe.catalogue import Wanted, current_prices, keep_prices, wanted
from paywall.processors.stripe.client import StripeClient
from paywall.processors.stripe.objects import StripePriceSnapshot

KEYS_AT_ONCE = 10
"""As many lookup keys as Stripe takes in one question."""


class Difference(NamedTuple):
    """What Stripe has of the catalogue's prices, what it lacks, and what is sold no more."""

    found: list[tuple[Wanted, StripePriceSnapshot]]
    lacking: list[Wanted]
    ending: list[str]

    def __str__(self) -> str:
        lines = [f"make {each}" for each in self.lacking]
        lines += [f"sell no more {named}" for named in self.ending]
        return "\n".join(lines)


async def differ(database: Database, stripe_client: StripeClient) -> Difference:
    """Compare, and change nothing."""
    async with database.reading() as session:
        all_wanted = await wanted(session)
        sold = await current_prices(session)
    seen: dict[str, StripePriceSnapshot] = {}
    keys = [each.lookup_key for each in all_wanted]
    for start in range(0, len(keys), KEYS_AT_ONCE):
        seen |= await stripe_client.prices(keys[start : start + KEYS_AT_ONCE])
    found = [(each, seen[each.lookup_key]) for each in all_wanted if each.lookup_key in seen]
    kept = {price.id for _, price in found}
    return Difference(
        found=found,
        lacking=[each for each in all_wanted if each.lookup_key not in seen],
        ending=[
            f"{price.product_kind} {price.product_id}: {price.amount} {price.currency}"
            for price in sold
            if price.id not in kept
        ],
    )


async def apply(database: Database, stripe_client: StripeClient, difference: Difference) -> None:
    """Make what is lacking, and sell by these prices from now on."""
    made = [(each, await _make(stripe_client, each)) for each in difference.lacking]
    found = [(each, price.id) for each, price in difference.found]
    async with database.writing() as session:
        await keep_prices(session, [*found, *made], database.clock.now())


async def _make(stripe_client: StripeClient, each: Wanted) -> str:
    try:
        return await stripe_client.make_price(
            each.order, f"{each.lookup_key}_{secrets.token_hex(8)}"
        )
    except Unconfirmed:
        seen = await stripe_client.prices([each.lookup_key])
        if each.lookup_key not in seen:
            raise
        return seen[each.lookup_key].id
