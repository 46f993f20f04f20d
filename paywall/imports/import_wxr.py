"""Imports the published posts of a WordPress export as articles."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import msgspec

from paywall.articles.api import ArticleInput, to_article_update
from paywall.articles.publish import ArticleUpdate, publish_all
from paywall.database.engine import Database
from paywall.http.fields import Id
from paywall.imports.progress import BadItem, Progress
from paywall.imports.wxr_item import Item
from paywall.imports.wxr_rules import PolicyRule, policy_of
from paywall.lazy_import import lazy_import
from paywall.rules.decision import Policy
from paywall.rules.enums import Actor, UpsertOutcome

if TYPE_CHECKING:
    from paywall.imports import wxr
else:
    # It loads lxml, which nothing else needs.
    wxr = lazy_import("paywall.imports.wxr")

ACTOR = Actor("paywall", "import wxr", "")
BATCH_POSTS_MAX = 100
BATCH_CHARACTERS_MAX = 8 * 1024 * 1024
NO_DATE = ("", "0000-00-00 00:00:00")
CODE_MAX = 0xFFFF
AS_TAGS = ("category", "post_tag")


class WxrImportOptions(NamedTuple):
    """Options of an import; `unlock_cost` in credits, `preview_share` from 0 to 1."""

    rules: Sequence[PolicyRule]
    policy: Policy
    unlock_cost: int
    preview_share: float


@dataclass
class WxrSummary:
    """The result of an import."""

    outcomes: Counter[UpsertOutcome] = field(default_factory=Counter)
    protected: list[tuple[str, str]] = field(default_factory=list)
    unpublished: Counter[str] = field(default_factory=Counter)
    other_types: Counter[str] = field(default_factory=Counter)
    bad: int = 0
    # Characters that XML forbids, which were removed from imported posts.
    dropped: int = 0


async def import_wxr(
    database: Database, file: BinaryIO, options: WxrImportOptions, progress: Progress
) -> WxrSummary:
    """Import in batches, a transaction each; run again, it changes nothing that is the same.

    Raises WxrError where the file is no WordPress export.
    """
    summary = WxrSummary()
    for batch in _batches(_publications(file, options, progress, summary)):
        async with database.writing() as session:
            done = await publish_all(
                session,
                batch,
                actor=ACTOR,
                now=database.clock.now(),
                preview_share=options.preview_share,
            )
        summary.outcomes.update(outcome for _, outcome in done)
    return summary


def _batches(publications: Iterator[ArticleUpdate]) -> Iterator[list[ArticleUpdate]]:
    batch: list[ArticleUpdate] = []
    characters = 0
    for publication in publications:
        batch.append(publication)
        characters += len(publication.body_html or "")
        if len(batch) == BATCH_POSTS_MAX or characters > BATCH_CHARACTERS_MAX:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _publications(
    file: BinaryIO, options: WxrImportOptions, progress: Progress, summary: WxrSummary
) -> Iterator[ArticleUpdate]:
    seen: dict[str, int] = {}
    for number, item in enumerate(wxr.read_items(file), start=1):
        progress.read(number)
        if item.error is None and _is_skipped(item, summary):
            continue
        try:
            publication = _publication(item, options, seen)
        except ValueError as error:
            post_id = item.fields.get("wp:post_id")
            progress.bad(BadItem(item.line, f"post {post_id}" if post_id else "", str(error)))
            summary.bad += 1
            continue
        seen[publication.id] = item.line
        _report_dropped(item, publication.id, progress, summary)
        yield publication


def _report_dropped(item: Item, post_id: str, progress: Progress, summary: WxrSummary) -> None:
    if item.removed_characters:
        named = ", ".join(
            f"U+{code:04X} ({times})" if code <= CODE_MAX else f"a number past Unicode ({times})"
            for code, times in sorted(item.removed_characters.items())
        )
        what = f"imported without what XML forbids: {named}. Remove that in WordPress."
        progress.bad(BadItem(item.line, f"post {post_id}", what))
        summary.dropped += sum(item.removed_characters.values())


def _is_skipped(item: Item, summary: WxrSummary) -> bool:
    """Whether the item is not a published post; counts skipped items by their kind."""
    fields = item.fields
    if fields.get("wp:post_type") != "post":
        summary.other_types[fields.get("wp:post_type", "")] += 1
    elif fields.get("wp:status") != "publish":
        summary.unpublished[fields.get("wp:status", "")] += 1
    elif fields.get("wp:post_password"):
        summary.protected.append((fields.get("wp:post_id", ""), fields.get("title", "")))
    else:
        return False
    return True


def _publication(item: Item, options: WxrImportOptions, seen: dict[str, int]) -> ArticleUpdate:
    """Raises ValueError with the error and how to fix it."""
    if item.error is not None:
        raise ValueError(f"its XML is broken ({item.error}). Fix that line, or export it again.")
    post_id = _post_id(item)
    if post_id in seen:
        raise ValueError(f"the item of line {seen[post_id]} has the same id. Remove one of them.")
    fields = item.fields
    try:
        data = msgspec.convert(
            {
                "title": fields.get("title", ""),
                "policy": policy_of(item, options.rules, options.policy),
                "url": fields.get("link") or None,
                "language": item.language or None,
                "unlock_cost": options.unlock_cost,
                "tags": _tags(item),
                "published_at": _published_at(fields.get("wp:post_date_gmt", "")),
                "body_html": fields.get("content:encoded", ""),
            },
            ArticleInput,
        )
    except msgspec.ValidationError as error:
        raise ValueError(f"{error}. Fix it in WordPress, and export again.") from error
    return to_article_update(post_id, data)


def _post_id(item: Item) -> str:
    post_id = item.fields.get("wp:post_id", "")
    try:
        return msgspec.convert(post_id, Id)
    except msgspec.ValidationError as error:
        raise ValueError(f"wp:post_id is {post_id!r}. Write the number of the post.") from error


def _tags(item: Item) -> list[str]:
    names = [term.name for term in item.terms if term.domain in AS_TAGS]
    return list(dict.fromkeys(names))


def _published_at(text: str) -> datetime | None:
    """Parse a date; WordPress writes zeros if it never set one."""
    if text in NO_DATE:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(
            f"wp:post_date_gmt is {text!r}. Write a time such as 2026-11-24 12:00:00."
        ) from error
