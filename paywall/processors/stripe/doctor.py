"""Diagnose the installation's use of Stripe, without changing anything here or in Stripe."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from paywall.database.engine import Database
from paywall.diagnosis import Diagnosis
from paywall.problems import Problem, Unconfirmed
from paywall.processors.stripe.catalogue import Difference, differ
from paywall.processors.stripe.client import StripeClient
from paywall.processors.stripe.event_types import kind_of_event
from paywall.processors.stripe.events import handled_of, last_handled_at
from paywall.processors.stripe.objects import StripeEventRef, StripePriceSnapshot
from paywall.processors.stripe.units import InexactAmount
from paywall.rules.money import format_money_with_code
from paywall.settings import Settings

# The limit for all requests to Stripe together.
ANSWERS_WITHIN_SECONDS = 30.0
# Stripe tries to deliver an event for three days.
LOOKED_AT = timedelta(days=3)
# A newer event may still be delivered; reconcile should have read an older one.
DELIVERED_WITHIN = timedelta(minutes=10)
PAGES_MAX = 10
SYNC = "Run `paywall catalogue sync`."


async def diagnose_stripe(
    settings: Settings, database: Database | None
) -> AsyncIterator[Diagnosis | str]:
    """Yield each problem and each passed check; without a database only those about the key."""
    yield _secrets(settings)
    client = StripeClient(settings)
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_SECONDS):
            yield await _key(client)
            if database is not None:
                for line in [
                    *await _catalogue(database, client),
                    *await _events(database, client),
                ]:
                    yield line
    except (Problem, TimeoutError) as error:
        yield _unanswered(error)
    finally:
        await client.close()


def _secrets(settings: Settings) -> Diagnosis | str:
    count = len(settings.stripe_webhook_secrets)
    if count == 0:
        return Diagnosis(
            "No webhook can be verified: stripe_webhook_secrets is empty.",
            "Set it to the signing secret of the endpoint in Stripe's dashboard.",
        )
    return f"Webhooks are verified with {count} signing secret{'s' if count > 1 else ''}."


async def _key(client: StripeClient) -> str:
    account_id = await client.account()
    mode = "live mode: payments are real" if client.is_live else "test mode: no payment is real"
    return f"Stripe accepts the key. Its account is {account_id}, in {mode}."


def _unanswered(error: Problem | TimeoutError) -> Diagnosis:
    if isinstance(error, TimeoutError):
        what = f"Stripe did not answer within {ANSWERS_WITHIN_SECONDS:.0f} s."
    elif isinstance(error, Unconfirmed):
        what = error.detail
    elif isinstance(error, InexactAmount):
        return Diagnosis(error.detail, "Then run this again.")
    else:
        return Diagnosis(
            "Stripe refuses requests with stripe_secret_key.",
            "Compare the key and its permissions with Stripe's dashboard.",
        )
    return Diagnosis(
        what, "Check the network, https://status.stripe.com and the setting stripe_api_base."
    )


async def _catalogue(database: Database, client: StripeClient) -> list[Diagnosis | str]:
    difference = await differ(database, client)
    findings = [*_differing(difference)]
    return [*findings] or ["Stripe has the products of the catalogue, at the same prices."]


def _differing(difference: Difference) -> list[Diagnosis]:
    lacking = [Diagnosis(f"Stripe does not have {item}.", SYNC) for item in difference.lacking]
    ending = [
        Diagnosis(f"Stripe still has {named}, which the catalogue no longer has.", SYNC)
        for named in difference.ending
    ]
    other = [
        Diagnosis(
            f"Stripe's price is {_amount(price)} for {item}.",
            f"Remove the lookup key from {price.id} in Stripe's dashboard. {SYNC}",
        )
        for item, price in difference.found
        if (price.amount, price.currency) != (item.amount, item.currency)
    ]
    refused = [Diagnosis(why, f"Change it in the catalogue. {SYNC}") for why in difference.refused]
    return refused + lacking + ending + other


def _amount(price: StripePriceSnapshot) -> str:
    if price.amount is None:
        return f"no fixed amount of {price.currency.upper()}"
    return format_money_with_code(price.amount, price.currency)


async def _events(database: Database, client: StripeClient) -> list[Diagnosis | str]:
    now = database.clock.now()
    events = await _listed(database, client)
    async with database.reading() as session:
        handled = await handled_of(session, [event.id for event in events])
        last = await last_handled_at(session)
    latest = (
        f"The last event was handled at {last:%Y-%m-%d %H:%M:%S} UTC."
        if last
        else "No event has been handled yet."
    )
    waiting = [
        event for event in events if event.id not in handled and event.at <= now - DELIVERED_WITHIN
    ]
    if not waiting:
        return [f"{latest} No event is waiting."]
    return [
        Diagnosis(
            f"{latest} {len(waiting)} of Stripe's events since {waiting[-1].at:%Y-%m-%d %H:%M:%S}"
            " UTC have not been handled.",
            "Compare the address of the webhook endpoint in Stripe's dashboard with this service's,"
            " then run `paywall reconcile`.",
        )
    ]


async def _listed(database: Database, client: StripeClient) -> list[StripeEventRef]:
    """The newest events of the types that the service handles, newest first."""
    since = database.clock.now() - LOOKED_AT
    events: list[StripeEventRef] = []
    for _ in range(PAGES_MAX):
        page = await client.events(since, events[-1].id if events else None)
        if not page:
            break
        events += page
    return [event for event in events if kind_of_event(event.type) is not None]
