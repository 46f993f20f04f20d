"""What the request to move readers over answers, reader by reader."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta

from paywall.http.bodies import ResponseModel
from paywall.imports.wordpress.import_wordpress import (
    ImportedPost,
    ImportedReader,
    WordPressSummary,
)
from paywall.imports.wordpress.oddities import TO_DO, Oddity
from paywall.rules.decision import Policy
from paywall.rules.enums import UpsertOutcome


class OddityOutput(ResponseModel):
    """Something unusual in the old data, and what was done about it."""

    kind: Annotated[str, Meta(description="A name that stays, such as `end_past`.")]
    text: Annotated[str, Meta(description="What it is, in English.")]
    field: Annotated[str, Meta(description="The `meta_key`; may be empty.")]
    detail: Annotated[str, Meta(description="The values that are meant; may be empty.")]
    is_to_do: Annotated[
        bool, Meta(description="Something was not given, or somebody is still charged.")
    ]


class OldSubscriptionOutput(ResponseModel):
    """A subscription in the old plug-in that was open there."""

    end: Annotated[str, Meta(description="Its end as it is stored; may be empty.")]
    processors: Annotated[list[str], Meta(description="Who bills it; may be empty.")]


class ReaderBefore(ResponseModel):
    """What a reader has in the old plug-in."""

    credits: Annotated[int, Meta(description="Credits that are left.")]
    unlocks: Annotated[int, Meta(description="The number of unlocked posts.")]
    subscriptions: Annotated[
        list[OldSubscriptionOutput], Meta(description="One for each plug-in at most.")
    ]


class ReaderAfter(ResponseModel):
    """What a reader has in this service."""

    credits: Annotated[int, Meta(description="The balance.")]
    unlocks: Annotated[int, Meta(description="The number of unlocks in force.")]
    access_until: Annotated[
        datetime | None, Meta(description="To when everything is open; null without.")
    ]


class ReaderNews(ResponseModel):
    """What this request gave; in a dry run, what it would give."""

    credits: Annotated[int, Meta(description="Credits.")]
    unlocks: Annotated[int, Meta(description="The number of unlocks.")]
    complimentary: Annotated[bool, Meta(description="A complimentary subscription.")]
    stripe_ids: Annotated[list[str], Meta(description="Stripe subscriptions, now linked.")]


class MovedReader(ResponseModel):
    """A reader before and after."""

    user_id: Annotated[int, Meta(description="The id in WordPress.")]
    reader_id: Annotated[str, Meta(description="The reader's id in this service.")]
    before: Annotated[ReaderBefore, Meta(description="What the reader has in the old plug-in.")]
    after: Annotated[ReaderAfter, Meta(description="What the reader has in this service.")]
    new: Annotated[ReaderNews, Meta(description="What this request gave.")]
    oddities: Annotated[list[OddityOutput], Meta(description="What is unusual.")]


class MovedPost(ResponseModel):
    """A post's policy, from the settings of the old plug-in."""

    post_id: Annotated[int, Meta(description="The id in WordPress.")]
    policy: Annotated[Policy, Meta(description="Who may read it.")]
    preview_paragraphs: Annotated[int, Meta(description="What everybody may read.")]
    preview_html: Annotated[
        str, Meta(description="HTML that replaces the preview; empty: there is none.")
    ]
    outcome: Annotated[
        UpsertOutcome | None,
        Meta(description="Whether the policy was set here; null if the article is not here."),
    ]
    oddities: Annotated[list[OddityOutput], Meta(description="What is unusual.")]


class MoveSums(ResponseModel):
    """The sums of this request."""

    readers: Annotated[int, Meta(description="Users with a field of the old plug-in.")]
    readers_with_something: Annotated[int, Meta(description="Those who have something to move.")]
    new_unlocks: Annotated[int, Meta(description="Unlocks that were given.")]
    new_credits: Annotated[int, Meta(description="Credits that were given.")]
    newly_complimentary: Annotated[int, Meta(description="Complimentary subscriptions.")]
    newly_linked: Annotated[int, Meta(description="Stripe subscriptions that were linked.")]
    links_failed: Annotated[int, Meta(description="Stripe subscriptions that could not be.")]
    posts: Annotated[int, Meta(description="Posts with a policy.")]
    posts_changed: Annotated[int, Meta(description="Articles whose policy was set.")]
    oddities: Annotated[int, Meta(description="Everything unusual.")]
    to_do: Annotated[int, Meta(description="What is left for the operator.")]


class WordPressAnswer(ResponseModel):
    """What became of each user and post of the request."""

    readers: Annotated[
        list[MovedReader], Meta(description="Users with a field of the old plug-in.")
    ]
    posts: Annotated[list[MovedPost], Meta(description="Posts of the type `post`.")]
    sums: Annotated[MoveSums, Meta(description="The sums of this request.")]


def to_answer(
    readers: Sequence[ImportedReader], posts: Sequence[ImportedPost], summary: WordPressSummary
) -> WordPressAnswer:
    return WordPressAnswer(
        readers=[_to_reader(reader) for reader in readers],
        posts=[_to_post(post) for post in posts],
        sums=MoveSums.from_row(
            summary,
            posts=summary.posts.total(),
            oddities=summary.oddities.total(),
            to_do=sum(number for kind, number in summary.oddities.items() if kind in TO_DO),
        ),
    )


def _to_reader(reader: ImportedReader) -> MovedReader:
    old, put = reader.old, reader.put
    linked = [link.access_until for link in reader.links]
    ends = [end for end in (put.state.access_until, *linked) if end is not None]
    return MovedReader(
        user_id=reader.user_id,
        reader_id=put.reader_id,
        before=ReaderBefore(
            credits=old.credits,
            unlocks=len(old.post_ids),
            subscriptions=[
                OldSubscriptionOutput(end=one.end_text, processors=list(one.ids))
                for one in old.subscriptions
                if one.is_open
            ],
        ),
        after=ReaderAfter(
            credits=put.state.credits,
            unlocks=put.state.unlocks,
            access_until=max(ends, default=None),
        ),
        new=ReaderNews(
            credits=put.new_credits,
            unlocks=put.new_unlocks,
            complimentary=put.is_newly_complimentary,
            stripe_ids=[link.stripe_id for link in reader.links if link.is_new],
        ),
        oddities=_to_oddities(reader.oddities),
    )


def _to_post(post: ImportedPost) -> MovedPost:
    plan = post.plan
    return MovedPost(
        post_id=plan.post_id,
        policy=plan.policy,
        preview_paragraphs=plan.paragraphs,
        preview_html=plan.preview_html,
        outcome=post.outcome,
        oddities=_to_oddities(plan.oddities),
    )


def _to_oddities(oddities: Iterable[Oddity]) -> list[OddityOutput]:
    return [
        OddityOutput(
            kind=one.kind.name.lower(),
            text=one.kind.value,
            field=one.field,
            detail=one.detail,
            is_to_do=one.kind in TO_DO,
        )
        for one in oddities
    ]
