"""Imports the data of Penci Paywall or JNews Paywall, reader by reader.

Chunks of readers are written in one transaction each. What an earlier run wrote is never written
again, so a run that was stopped is simply repeated.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from paywall.articles.set_policies import set_policies
from paywall.database.engine import Database
from paywall.imports.wordpress.folder import FolderMeta
from paywall.imports.wordpress.link_stripe import StripeLink, link_stripe, shared_link
from paywall.imports.wordpress.oddities import Oddity, OddityKind
from paywall.imports.wordpress.old_reader import STRIPE, OldReader, read_old_reader
from paywall.imports.wordpress.post_plan import PostContext, PostPlan, plan_post
from paywall.imports.wordpress.put_readers import ACTOR, PutReader, put_readers
from paywall.imports.wordpress.reader_plan import PlanContext, ReaderPlan, plan_reader
from paywall.imports.wordpress.source import Source
from paywall.imports.wordpress.user_options import USER_EXISTS, user_options
from paywall.processors.stripe.context import StripeContext
from paywall.rules.decision import Policy
from paywall.rules.enums import UpsertOutcome

CHUNK_READERS_MAX = 200
CHUNK_UNLOCKS_MAX = 2000
CHUNK_POSTS_MAX = 500
LINKS_AT_ONCE = 8


class ImportedReader(NamedTuple):
    """A reader before and after; `links` are of the Stripe subscriptions, in the plan's order."""

    user_id: int
    old: OldReader
    plan: ReaderPlan
    put: PutReader
    links: Sequence[StripeLink]

    @property
    def oddities(self) -> list[Oddity]:
        of_links = [oddity for link in self.links for oddity in link.oddities]
        return [*self.plan.oddities, *self.put.oddities, *of_links]


class ImportedPost(NamedTuple):
    """A post's policy, and what was done; `outcome` is None if the article is not on record."""

    plan: PostPlan
    outcome: UpsertOutcome | None


class ImportReport(NamedTuple):
    """Is called with each reader and each post, when they are written."""

    reader: Callable[[ImportedReader], None]
    post: Callable[[ImportedPost], None]


@dataclass
class WordPressSummary:
    """The sums of an import.

    `other_keys` are the fields that belong to no paywall plug-in, `stripe_readers` the first reader
    of each Stripe subscription.
    """

    readers: int = 0
    readers_with_something: int = 0
    new_unlocks: int = 0
    new_credits: int = 0
    newly_complimentary: int = 0
    newly_linked: int = 0
    links_failed: int = 0
    posts: Counter[Policy] = field(default_factory=Counter)
    posts_changed: int = 0
    posts_not_on_record: int = 0
    oddities: Counter[OddityKind] = field(default_factory=Counter)
    other_keys: Counter[str] = field(default_factory=Counter)
    stripe_readers: dict[str, str] = field(default_factory=dict)


class WordPressImport(NamedTuple):
    """What an import needs; `stripe` is None if this service does not sell by Stripe."""

    database: Database
    stripe: StripeContext | None
    source: Source
    report: ImportReport
    is_dry_run: bool


class _Candidate(NamedTuple):
    user_id: int
    old: OldReader
    plan: ReaderPlan


async def import_wordpress(run: WordPressImport) -> WordPressSummary:
    """Import posts' policies and readers; a dry run does the same, and nothing of it stays."""
    if run.is_dry_run:
        run = run._replace(database=run.database.discarding())
    summary = WordPressSummary()
    for posts in _post_chunks(run.source):
        await _import_posts(run, posts, summary)
    for candidates in _reader_chunks(run, summary):
        await _import_readers(run, candidates, summary)
    return summary


def _post_chunks(source: Source) -> Iterator[list[PostPlan]]:
    settings = source.settings
    context = PostContext(
        settings.plugin, settings.article_prefix, source.theme_mods(), source.guest_modes()
    )
    chunk: list[PostPlan] = []
    for post in source.posts():
        if plan := plan_post(post.id, post.rows, context):
            chunk.append(plan)
        if len(chunk) == CHUNK_POSTS_MAX:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


async def _import_posts(
    run: WordPressImport, plans: Sequence[PostPlan], summary: WordPressSummary
) -> None:
    policies = {plan.article_id: plan.policy for plan in plans}
    async with run.database.writing() as session:
        outcomes = await set_policies(session, policies, actor=ACTOR, clock=run.database.clock)
    for plan in plans:
        outcome = outcomes.get(plan.article_id)
        summary.posts[plan.policy] += 1
        summary.posts_changed += outcome is UpsertOutcome.REPLACED
        summary.posts_not_on_record += outcome is None
        summary.oddities.update(oddity.kind for oddity in plan.oddities)
        run.report.post(ImportedPost(plan, outcome))


def _reader_chunks(run: WordPressImport, summary: WordPressSummary) -> Iterator[list[_Candidate]]:
    chunk: list[_Candidate] = []
    unlocks = 0
    for candidate in _candidates(run, summary):
        chunk.append(candidate)
        unlocks += len(candidate.plan.article_ids)
        if len(chunk) == CHUNK_READERS_MAX or unlocks >= CHUNK_UNLOCKS_MAX:
            yield chunk
            chunk, unlocks = [], 0
    if chunk:
        yield chunk


def _candidates(run: WordPressImport, summary: WordPressSummary) -> Iterator[_Candidate]:
    """Every user with a field of a paywall plug-in, planned."""
    source = run.source
    lists_users, lists_posts = source.lists_users(), source.lists_posts()
    for user in source.users():
        exists = not lists_users or any(row.key == USER_EXISTS for row in user.rows)
        options = user_options(user.rows, source.settings.table_prefix)
        summary.other_keys.update(key for key in options.other_keys if key != USER_EXISTS)
        if not options.rows and not options.oddities:
            continue
        old = read_old_reader(options)
        if not exists:
            old = _without_user(user)
        post_types = source.post_types(old.post_ids) if lists_posts else None
        now = run.database.clock.now()
        yield _Candidate(user.id, old, _plan(source, user.id, old, post_types, now))


def _without_user(user: FolderMeta) -> OldReader:
    fields = sorted({row.key for row in user.rows})
    oddity = Oddity(OddityKind.NO_USER, user.rows[0].line, "", ", ".join(fields))
    return OldReader(0, [], 0, [], [oddity])


def _plan(
    source: Source,
    user_id: int,
    old: OldReader,
    post_types: Mapping[int, str] | None,
    now: datetime,
) -> ReaderPlan:
    settings = source.settings
    stored = [subscription.ids.get(STRIPE, "") for subscription in old.subscriptions]
    context = PlanContext(
        now,
        settings.article_prefix,
        settings.reader_prefix,
        post_types,
        source.profile_ids(stored),
    )
    return plan_reader(user_id, old, context)


async def _import_readers(
    run: WordPressImport, candidates: Sequence[_Candidate], summary: WordPressSummary
) -> None:
    plans = [candidate.plan for candidate in candidates]
    async with run.database.writing() as session:
        put = await put_readers(session, plans, run.source.exported_at, run.database.clock)
    links = await _link_all(run, put, plans, summary.stripe_readers)
    for candidate, one, linked in zip(candidates, put, links, strict=True):
        reader = ImportedReader(candidate.user_id, candidate.old, candidate.plan, one, linked)
        _count(reader, summary)
        run.report.reader(reader)


async def _link_all(
    run: WordPressImport,
    put: Sequence[PutReader],
    plans: Sequence[ReaderPlan],
    stripe_readers: dict[str, str],
) -> list[list[StripeLink]]:
    """Link the Stripe subscriptions of these readers, a few at once, outside any transaction."""
    turns = asyncio.Semaphore(LINKS_AT_ONCE)

    async def link(reader_id: str, stripe_ids: Sequence[str]) -> list[StripeLink]:
        links = []
        for stripe_id in stripe_ids:
            first = stripe_readers.setdefault(stripe_id, reader_id)
            async with turns:
                links.append(
                    await link_stripe(run.stripe, reader_id, stripe_id, is_dry_run=run.is_dry_run)
                    if first == reader_id
                    else shared_link(stripe_id, first)
                )
        return links

    return await asyncio.gather(
        *(link(one.reader_id, plan.stripe_ids) for one, plan in zip(put, plans, strict=True))
    )


def _count(reader: ImportedReader, summary: WordPressSummary) -> None:
    summary.readers += 1
    summary.readers_with_something += not reader.plan.is_empty
    summary.new_unlocks += reader.put.new_unlocks
    summary.new_credits += reader.put.new_credits
    summary.newly_complimentary += reader.put.is_newly_complimentary
    summary.newly_linked += sum(link.is_new for link in reader.links)
    summary.links_failed += sum(link.has_failed for link in reader.links)
    summary.oddities.update(oddity.kind for oddity in reader.oddities)
