"""The overview of what one reader has."""

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from msgspec import Meta
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.access.api import MeterAnswer
from paywall.access.facts import balance_of
from paywall.catalogue.offers import HasCheckout, OnSale, load_on_sale
from paywall.credits.responses import GrantAnswer, list_lapsed_grants
from paywall.database.tables import MeteredViews
from paywall.http.bodies import ResponseModel
from paywall.http.fields import ReaderAccessUntil, ReaderId, UnlocksLeft
from paywall.payments.checkouts import pending_of
from paywall.payments.responses import PendingAnswer, pending_to_response
from paywall.rules.calendar import month_of
from paywall.rules.enums import PREPAID_KINDS, ViewerKind
from paywall.settings import Settings
from paywall.subscriptions.responses import SubscriptionAnswer, subscriptions_of
from paywall.subscriptions.trials import first_trial_of


class Overview(ResponseModel):
    """What a reader has: credits, pending payments, subscriptions, and this month's views."""

    reader_id: ReaderId
    unlocks_left: UnlocksLeft
    grants: Annotated[list[GrantAnswer], Meta(description="Credit grants.")]
    lapsed: Annotated[
        list[GrantAnswer],
        Meta(
            description="Expired grants whose ledger entry is not written yet: their `remaining`"
            " credits cannot be spent."
        ),
    ]
    pending: Annotated[list[PendingAnswer], Meta(description="At most the last 20.")]
    subscription: Annotated[
        SubscriptionAnswer | None,
        Meta(
            description="The one that covers the reader now; if several do, or none, the one with"
            " the latest end. Passes and prepaid periods are paused beside any other."
        ),
    ]
    subscriptions: Annotated[
        list[SubscriptionAnswer], Meta(description="All of the reader's, the latest end first.")
    ]
    trial_available: Annotated[
        bool,
        Meta(
            description="Whether the reader gets a plan's trial. A reader has one trial: false once"
            " any has begun, of whatever plan."
        ),
    ]
    access_until: ReaderAccessUntil
    meter: Annotated[MeterAnswer, Meta(description="This month's metered articles.")]
    on_sale: OnSale
    has_checkout: HasCheckout


async def overview(
    session: AsyncSession,
    reader_id: str,
    grants: list[GrantAnswer],
    *,
    settings: Settings,
    now: datetime,
) -> Overview:
    meter = await _meter(session, reader_id, settings, now)
    connection = await session.connection()
    balance = (await connection.execute(sa.select(balance_of(reader_id, now)))).scalar_one()
    subscriptions = await subscriptions_of(session, reader_id, now)
    in_force = [one for one in subscriptions if one.opens_all]
    # Prepaid time waits behind any other, or is paused.
    covering = [one for one in in_force if one.kind not in PREPAID_KINDS]
    return Overview(
        reader_id=reader_id,
        unlocks_left=int(balance),
        grants=grants,
        lapsed=await list_lapsed_grants(session, reader_id, now),
        pending=[pending_to_response(one) for one in await pending_of(session, reader_id)],
        subscription=next(iter(covering or in_force or subscriptions), None),
        subscriptions=subscriptions,
        trial_available=await first_trial_of(session, reader_id) is None,
        access_until=subscriptions[0].reader_access_until if subscriptions else None,
        meter=meter,
        on_sale=await load_on_sale(session),
        has_checkout=settings.has_checkout,
    )


async def _meter(
    session: AsyncSession, reader_id: str, settings: Settings, now: datetime
) -> MeterAnswer:
    month = month_of(now, ZoneInfo(settings.meter_timezone))
    statement: Any = select(MeteredViews.article_ids).where(
        MeteredViews.viewer_kind == ViewerKind.READER,
        MeteredViews.viewer_id == reader_id,
        MeteredViews.month_starts_at == month.starts_at,
    )
    counted = (await session.exec(statement)).first() or []
    return MeterAnswer(used=len(counted), limit=settings.meter_limit, resets_at=month.ends_at)
