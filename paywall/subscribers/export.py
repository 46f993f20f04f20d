"""Everything on record about a reader, for that reader to take along (GDPR, articles 15 and 20).

Each section says in a sentence what it is. Lists are whole, and newest first.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain

import sqlalchemy as sa
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.access.facts import balance_of
from paywall.credits.responses import EntryAnswer, load_entries
from paywall.credits.responses import to_response as grant_to_response
from paywall.database.tables import (
    CancellationReceipt,
    CreditGrant,
    LedgerEntry,
    MeteredViews,
    RevokedSubject,
    StripeCustomer,
    Subscriber,
    Unlock,
)
from paywall.problems import SUBSCRIBER_UNKNOWN, Problem
from paywall.rules.enums import EntryKind, ViewerKind
from paywall.rules.receipt_number import receipt_number
from paywall.settings import Settings
from paywall.subscribers.erase import ids_merged_into
from paywall.subscribers.export_models import (
    ABOUT,
    CreditsSection,
    ExportedCustomer,
    ExportedEntry,
    ExportedMonth,
    ExportedReceipt,
    ExportedRevocation,
    ExportedView,
    ProfileSection,
    ReaderExport,
    ReceiptsSection,
    UnlocksSection,
    ViewsSection,
)
from paywall.subscribers.export_payments import (
    Row,
    checkouts_section,
    purchases_section,
    rows_of,
    subscriptions_section,
)
from paywall.unlocks.responses import UNKNOWN_ARTICLE, articles_of, unlock_responses

# Rows described by one statement, as databases limit its parameters.
AT_ONCE = 500


async def require_on_record(session: AsyncSession, reader_id: str) -> None:
    """Raises Problem(SUBSCRIBER_UNKNOWN) where there is nothing, not even a view."""
    subscriber = select(Subscriber.id).where(Subscriber.id == reader_id)
    if (await session.exec(subscriber)).first() is None and not await _months(session, reader_id):
        raise Problem(SUBSCRIBER_UNKNOWN)


async def export_reader(
    session: AsyncSession, reader_id: str, settings: Settings, now: datetime
) -> ReaderExport:
    """All of it as of one moment; empty sections for a reader with nothing on record."""
    return ReaderExport(
        made_at=now,
        profile=await _profile(session, reader_id),
        credits=await _credits(session, reader_id, now),
        unlocks=await _unlocks(session, reader_id),
        subscriptions=await subscriptions_section(session, reader_id, now),
        purchases=await purchases_section(session, reader_id, settings),
        checkouts=await checkouts_section(session, reader_id, now),
        views=await _views(session, reader_id),
        receipts=await _receipts(session, reader_id),
    )


async def _profile(session: AsyncSession, reader_id: str) -> ProfileSection:
    subscriber = await session.get(Subscriber, reader_id)
    revoked = select(RevokedSubject).where(RevokedSubject.subject == reader_id)
    newest = (col(RevokedSubject.issued_before).desc(), col(RevokedSubject.issuer))
    return ProfileSection(
        about=ABOUT["profile"],
        reader_id=reader_id,
        on_record_since=subscriber.created_at if subscriber else None,
        merged_ids=sorted(await ids_merged_into(session, reader_id)),
        stripe_customers=[
            ExportedCustomer.from_row(row)
            for row in await rows_of(session, StripeCustomer, reader_id, "created_at", "id")
        ],
        revocations=[
            ExportedRevocation.from_row(row)
            for row in await session.exec(revoked.order_by(*newest))
        ],
    )


async def _unlocks(session: AsyncSession, reader_id: str) -> UnlocksSection:
    rows = await rows_of(session, Unlock, reader_id, "unlocked_at", "id")
    described = [await unlock_responses(session, part) for part in _parts(rows)]
    return UnlocksSection(about=ABOUT["unlocks"], unlocks=[*chain(*described)])


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    return (rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE))


async def _credits(session: AsyncSession, reader_id: str, now: datetime) -> CreditsSection:
    connection = await session.connection()
    balance = (await connection.execute(sa.select(balance_of(reader_id, now)))).scalar_one()
    grants = await rows_of(session, CreditGrant, reader_id, "granted_at", "id")
    rows = await rows_of(session, LedgerEntry, reader_id, "at", "id")
    entries = [await load_entries(session, part) for part in _parts(rows)]
    references = {grant.id: grant.reference for grant in grants}
    return CreditsSection(
        about=ABOUT["credits"],
        unlocks_left=int(balance),
        grants=[grant_to_response(grant) for grant in grants],
        ledger=[
            ExportedEntry.from_row(entry, what=_in_words(entry, references[entry.grant_id]))
            for entry in chain(*entries)
        ],
    )


def _in_words(entry: EntryAnswer, reference: str) -> str:
    number = abs(entry.amount)
    amount = f"{number} credit" if number == 1 else f"{number} credits"
    article = f"“{entry.article.title or entry.article.id}”" if entry.article else "an article"
    match entry.kind:
        case EntryKind.GRANTED:
            return f"{amount} granted: {entry.source}, {reference}"
        case EntryKind.SPENT:
            return f"{amount} spent on {article}"
        case EntryKind.EXPIRED:
            return f"{amount} expired unspent"
        case EntryKind.VOIDED:
            return f"{amount} taken back"
        case EntryKind.RESTORED:
            return f"{amount} returned" + (f" for {article}" if entry.unlock_id else "")


async def _months(session: AsyncSession, reader_id: str) -> Sequence[MeteredViews]:
    """A visitor who was given the id of a reader is that reader, as for an erasure."""
    statement = (
        select(MeteredViews)
        .where(col(MeteredViews.viewer_kind).in_(ViewerKind), MeteredViews.viewer_id == reader_id)
        .order_by(col(MeteredViews.month_starts_at).desc(), col(MeteredViews.viewer_kind))
    )
    return (await session.exec(statement)).all()


async def _views(session: AsyncSession, reader_id: str) -> ViewsSection:
    months = await _months(session, reader_id)
    articles = await articles_of(session, [id_ for month in months for id_ in month.article_ids])

    def view(article_id: str) -> ExportedView:
        title, url = articles.get(article_id, UNKNOWN_ARTICLE)
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
    rows = await rows_of(session, CancellationReceipt, reader_id, "at", "id")
    return ReceiptsSection(
        about=ABOUT["receipts"],
        receipts=[
            ExportedReceipt.from_row(row, number=receipt_number(row.id, row.at)) for row in rows
        ],
    )
