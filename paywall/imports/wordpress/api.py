"""The route that moves readers over from Penci Paywall or JNews Paywall, part by part."""

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from paywall.database.engine import Database
from paywall.http.bodies import ARTICLE_BYTES_MAX
from paywall.imports.wordpress.folder import FolderError, FolderSettings, theme_mods_of
from paywall.imports.wordpress.import_wordpress import (
    ImportedPost,
    ImportedReader,
    ImportReport,
    WordPressImport,
    import_wordpress,
)
from paywall.imports.wordpress.requests import MetaInput, OldSite, WordPressInput
from paywall.imports.wordpress.responses import WordPressAnswer, to_answer
from paywall.imports.wordpress.source import SentData, SentPost, SentUser
from paywall.problems import invalid
from paywall.processors.stripe.context import StripeContext
from paywall.tokens.guard import site


@post(
    "/v1/imports/wordpress",
    guards=[site("admin")],
    status_code=200,
    request_max_body_size=ARTICLE_BYTES_MAX,
)
async def post_wordpress_import(
    data: JSONBody[WordPressInput],
    database: NamedDependency[Database],
    stripe: NamedDependency[StripeContext | None],
) -> WordPressAnswer:
    """Move up to 100 readers and 500 posts over from Penci Paywall or JNews Paywall.

    Unlocked posts become unlocks without spending credits, what is left becomes one grant, Stripe
    subscriptions are linked, and others become complimentary to their end. What an earlier request
    gave is never given again or changed, so a request can be repeated. The plug-in for WordPress
    sends these requests; `paywall import wordpress` does the same with a folder.
    """
    source = _to_source(data)
    readers: list[ImportedReader] = []
    posts: list[ImportedPost] = []
    report = ImportReport(readers.append, posts.append)
    summary = await import_wordpress(
        WordPressImport(database, stripe, source, report, data.dry_run)
    )
    return to_answer(readers, posts, summary)


def _to_source(data: WordPressInput) -> SentData:
    known = data.known_posts
    return SentData(
        _to_settings(data.settings),
        [SentUser(user.id, user.exists, _pairs(user.rows)) for user in data.users],
        [SentPost(one.id, _pairs(one.rows)) for one in data.posts],
        None if known is None else {one.id: one.post_type for one in known},
        {term.id: term.guest_mode for term in data.terms},
        {one.id: one.profile_id for one in data.getpaid},
    )


def _to_settings(site_: OldSite) -> FolderSettings:
    """Raises Problem for settings of the theme that cannot be read."""
    settings = FolderSettings(
        plugin=site_.plugin,
        table_prefix=site_.table_prefix,
        article_prefix=site_.article_prefix,
        reader_prefix=site_.reader_prefix,
        exported_at=site_.exported_at,
        theme_mods=site_.theme_mods,
    )
    try:
        theme_mods_of(settings)
    except FolderError as error:
        raise invalid("settings.theme_mods", f"{error}") from error
    return settings


def _pairs(rows: list[MetaInput]) -> list[tuple[str, str]]:
    return [(row.key, row.value) for row in rows]


ROUTES: list[ControllerRouterHandler] = [post_wordpress_import]
