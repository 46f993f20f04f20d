"""Everything on record about a reader, for that reader to take along (GDPR, articles 15 and 20).

Each section says in a sentence what it is. Lists are whole, and newest first.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import sqlalchemy as sa
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.access.standing import balance_of
from paywall.credits.listing import tell as tell_grant
from paywall.problems import SUBSCRIBER_UNKNOWN, Problem
from paywall.rules.words import EntryKind, ViewerKind
from paywall.subscribers.exported import (
    ABOUT,
    CreditsSection,
    ExportedEntry,
    ExportedMonth,
    ExportedPurchase,
    ExportedReceipt,
    ExportedRefund,
    ExportedSubscription,
    ExportedView,
    ProfileSection,
    PurchasesSection,
    ReaderExport,
    ReceiptsSection,
    SubscriptionsSection,
    UnlocksSection,
    ViewsSection,
)
from paywall.tables import (
    CancellationReceipt,
    CreditGrant,
    LedgerEntry,
    Merge,
    MeteredViews,
    Purchase,
    Refund,
    Subscriber,
    Subscription,
    Unlock,
)
from paywall.unlocks.listing import NO_ARTICLE, UnlockAnswer, articles_told, describe

AT_ONCE = 500
"""Rows described by one statement, as databases limit its parameters."""

Row = TypeVar("Row", bound=SQLModel)


async def require_on_record(session: AsyncSession, reader_id: str) -> None:
    """Raises Problem(SUBSCRIBER_UNKNOWN) where there is nothing, not even a view."""
    subscriber = select(Subscriber.id).where(Subscriber.id == reader_id)
    if (await session.exec(subscriber)).first() is None and not await _months(session, reader_id):
        raise Problem(SUBSCRIBER_UNKNOWN)


async def export_reader(session: AsyncSession, reader_id: str, now: datetime) -> ReaderExport:
    """All of it as of one moment; empty sections for a reader with nothing on record."""
    unlocks = await _unlocks(session, reader_id)
    return ReaderExport(
        made_at=now,
        profile=await _profile(session, reader_id),
        credits=await _credits(session, reader_id, unlocks, now),
        unlocks=UnlocksSection(about=ABOUT["unlocks"], unlocks=unlocks),
        subscriptions=await _subscriptions(session, reader_id),
        purchases=await _purchases(session, reader_id),
        views=await _views(session, reader_id),
        receipts=await _receipts(session, reader_id),
    )


async def _all(
    session: AsyncSession, table: type[Row], reader_id: str, *newest_first: str
) -> Sequence[Row]:
    """A reader's rows, ordered by these columns, descending."""
    columns = sa.inspect(table).columns
    statement = (
        select(table)
        .where(columns["reader_id"] == reader_id)
        .order_by(*(columns[name].desc() for name in newest_first))
    )
    return (await session.exec(statement)).all()


async def _profile(session: AsyncSession, reader_id: str) -> ProfileSection:
    subscriber = await session.get(Subscriber, reader_id)
    merged = select(Merge.from_id).where(Merge.into_id == reader_id).order_by(col(Merge.from_id))
    return ProfileSection(
        about=ABOUT["profile"],
        reader_id=reader_id,
        on_record_since=subscriber.created_at if subscriber else None,
        merged_ids=list((await session.exec(merged)).all()),
    )


async def _unlocks(session: AsyncSession, reader_id: str) -> list[UnlockAnswer]:
    rows = await _all(session, Unlock, reader_id, "unlocked_at", "id")
    told: list[UnlockAnswer] = []
    for start in range(0, len(rows), AT_ONCE):
        told += await describe(session, rows[start : start + AT_ONCE])
    return told


async def _credits(
    session: AsyncSession, reader_id: str, unlocks: Sequence[UnlockAnswer], now: datetime
) -> CreditsSection:
    connection = await session.connection()
    balance = (await connection.execute(sa.select(balance_of(reader_id, now)))).scalar_one()
    grants = await _all(session, CreditGrant, reader_id, "granted_at", "id")
    entries = await _all(session, LedgerEntry, reader_id, "at", "id")
    by_grant = {grant.id: grant for grant in grants}
    by_unlock = {unlock.id: unlock for unlock in unlocks}
    return CreditsSection(
        about=ABOUT["credits"],
        unlocks_left=int(balance),
        grants=[tell_grant(grant) for grant in grants],
        ledger=[
            ExportedEntry(
                at=entry.at,
                what=_in_words(entry, by_grant[entry.grant_id], by_unlock),
                amount=entry.amount,
                grant_id=entry.grant_id,
                unlock_id=entry.unlock_id,
            )
            for entry in entries
        ],
    )


def _in_words(entry: LedgerEntry, grant: CreditGrant, unlocks: Mapping[int, UnlockAnswer]) -> str:
    number = abs(entry.amount)
    amount = f"{number} credit" if number == 1 else f"{number} credits"
    unlock = unlocks.get(entry.unlock_id) if entry.unlock_id is not None else None
    article = "an article" if unlock is None else f"“{unlock.title or unlock.article_id}”"
    match entry.kind:
        case EntryKind.GRANTED:
            return f"{amount} granted: {grant.source}, {grant.reference}"
        case EntryKind.SPENT:
            return f"{amount} spent on {article}"
        case EntryKind.EXPIRED:
            return f"{amount} expired unspent"
        case EntryKind.VOIDED:
            return f"{amount} taken back"
        case EntryKind.RESTORED:
            return f"{amount} given back" + (f" for {article}" if entry.unlock_id else "")


async def _subscriptions(session: AsyncSession, reader_id: str) -> SubscriptionsSection:
    rows = await _all(session, Subscription, reader_id, "created_at", "id")
    return SubscriptionsSection(
        about=ABOUT["subscriptions"],
        subscriptions=[
            ExportedSubscription(
                id=row.id,
                kind=row.kind,
                plan_id=row.plan_id,
                pass_id=row.pass_id,
                purchase_id=row.purchase_id,
                starts_at=row.starts_at,
                access_until=row.access_until,
                cancel_at_period_end=row.cancel_at_period_end,
            )
            for row in rows
        ],
    )


async def _purchases(session: AsyncSession, reader_id: str) -> PurchasesSection:
    rows = await _all(session, Purchase, reader_id, "created_at", "id")
    mine = select(Purchase.id).where(Purchase.reader_id == reader_id)
    statement = select(Refund).where(col(Refund.purchase_id).in_(mine))
    refunds: dict[int, list[ExportedRefund]] = defaultdict(list)
    for refund in await session.exec(statement.order_by(col(Refund.id).desc())):
        refunds[refund.purchase_id].append(
            ExportedRefund(
                created_at=refund.created_at,
                kind=refund.kind,
                reference=refund.reference,
                amount=refund.amount,
                is_in_force=refund.is_in_force,
                keep_access=refund.keep_access,
            )
        )
    return PurchasesSection(
        about=ABOUT["purchases"],
        purchases=[
            ExportedPurchase(
                id=row.id,
                created_at=row.created_at,
                processor=row.processor,
                reference=row.reference,
                product_kind=row.product_kind,
                product_id=row.product_id,
                amount_paid=row.amount_paid,
                currency=row.currency,
                refunded=row.refunded,
                refunds=refunds[row.id],
            )
            for row in rows
        ],
    )


async def _months(session: AsyncSession, reader_id: str) -> Sequence[MeteredViews]:
    statement = (
        select(MeteredViews)
        .where(MeteredViews.viewer_kind == ViewerKind.READER, MeteredViews.viewer_id == reader_id)
        .order_by(col(MeteredViews.month_starts_at).desc())
    )
    return (await session.exec(statement)).all()


async def _views(session: AsyncSession, reader_id: str) -> ViewsSection:
    months = await _months(session, reader_id)
    articles = await articles_told(session, [id_ for month in months for id_ in month.article_ids])

    def view(article_id: str) -> ExportedView:
        title, url = articles.get(article_id, NO_ARTICLE)
        return ExportedView(article_id=article_id, title=title, url=url)

    return ViewsSection(
        about=ABOUT["views"],
        months=[
            ExportedMonth(
                starts_at=month.month_starts_at,
                ends_at=month.month_ends_at,
                articles=[view(article_id) for article_id in month.article_ids],
            )
            for month in months
        ],
    )


async def _receipts(session: AsyncSession, reader_id: str) -> ReceiptsSection:
    rows = await _all(session, CancellationReceipt, reader_id, "at", "id")
    return ReceiptsSection(
        about=ABOUT["receipts"],
        receipts=[
            ExportedReceipt(
                id=row.id,
                at=row.at,
                subscription_id=row.subscription_id,
                when=row.when,
                access_until=row.access_until,
                reason=row.reason,
                withdrawn_at=row.withdrawn_at,
            )
            for row in rows
        ],
    )
