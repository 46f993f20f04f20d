"""What a request to move readers over contains."""

from typing import Annotated

from msgspec import Meta

from paywall.http.bodies import RequestModel
from paywall.http.fields import NUMBER_MAX, Text, Timestamp
from paywall.imports.wordpress.folder import IdPrefix
from paywall.imports.wordpress.user_options import Plugin

USERS_MAX = 100
POSTS_MAX = 500
ROWS_MAX = 10_000
KNOWN_POSTS_MAX = 100_000

WordPressId = Annotated[int, Meta(ge=1, le=NUMBER_MAX, description="The id in WordPress.")]


class MetaInput(RequestModel):
    """One row of a table of metadata in WordPress."""

    key: Annotated[Text, Meta(description="The `meta_key`.")]
    value: Annotated[Text, Meta(description="The `meta_value` as it is stored.")]


class OldUser(RequestModel):
    """A user of WordPress."""

    id: WordPressId
    rows: Annotated[
        list[MetaInput],
        Meta(max_length=ROWS_MAX, description="The old plug-in's, in the order of `umeta_id`."),
    ]
    exists: Annotated[
        bool, Meta(description="Whether WordPress has this user. Without, nothing is imported.")
    ] = True


class OldPost(RequestModel):
    """A post of WordPress, whose policy is decided."""

    id: WordPressId
    rows: Annotated[
        list[MetaInput],
        Meta(max_length=ROWS_MAX, description="As in `posts.csv`, in the order of `meta_id`."),
    ]


class KnownPost(RequestModel):
    """A post that WordPress has."""

    id: WordPressId
    post_type: Annotated[Text, Meta(description="Such as `post`.")]


class OldTerm(RequestModel):
    """A category with a guest mode."""

    id: WordPressId
    guest_mode: Annotated[Text, Meta(description="The value of `penci_guest_mode`.")]


class OldProfile(RequestModel):
    """A subscription of GetPaid."""

    id: Annotated[Text, Meta(description="The number of its row.")]
    profile_id: Annotated[Text, Meta(description="Its id in the processor, such as `sub_…`.")]


class OldSite(RequestModel):
    """What is the same for all parts of a site."""

    plugin: Annotated[Plugin, Meta(description="Whose rules decide the policies of posts.")]
    table_prefix: Annotated[Text, Meta(description="The prefix of the site's tables.")] = "wp_"
    article_prefix: Annotated[
        IdPrefix, Meta(description="Comes before the ids of posts to make an article's id.")
    ] = ""
    reader_prefix: Annotated[
        IdPrefix, Meta(description="Comes before the ids of users to make a reader's id.")
    ] = ""
    exported_at: Annotated[
        Timestamp | None, Meta(description="The time of the unlocks; null: now.")
    ] = None
    theme_mods: Annotated[
        Text, Meta(description="The option `theme_mods_…` as PHP serialized it; may be empty.")
    ] = ""


class WordPressInput(RequestModel):
    """A part of the old plug-in's data, with at most 4 MiB."""

    settings: Annotated[OldSite, Meta(description="What is the same for all parts.")]
    users: Annotated[
        tuple[OldUser, ...], Meta(max_length=USERS_MAX, description="At most 100.")
    ] = ()
    posts: Annotated[
        tuple[OldPost, ...],
        Meta(max_length=POSTS_MAX, description="Posts whose policy is set; at most 500."),
    ] = ()
    known_posts: (
        Annotated[
            tuple[KnownPost, ...],
            Meta(
                max_length=KNOWN_POSTS_MAX,
                description="Those of the users' unlocked posts that exist. Others are given as"
                " well, and listed. Null: not checked.",
            ),
        ]
        | None
    ) = None
    terms: Annotated[
        tuple[OldTerm, ...], Meta(max_length=ROWS_MAX, description="Categories with a guest mode.")
    ] = ()
    getpaid: Annotated[
        tuple[OldProfile, ...],
        Meta(max_length=ROWS_MAX, description="The subscriptions that the users' rows name."),
    ] = ()
    dry_run: Annotated[bool, Meta(description="Answer what would happen, and change nothing.")] = (
        False
    )
