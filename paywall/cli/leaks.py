"""`paywall leaks`."""

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TextIO

import click
import msgspec

from paywall.cli.errors import FOUND_SOMETHING, USED_WRONGLY, CommandError
from paywall.cli.parameters import IdParameter
from paywall.database.opening import open_database
from paywall.lazy_import import lazy_import
from paywall.leaks.articles import (
    SERVICE_SECONDS,
    ArticleNotLoadedError,
    RemoteService,
    StoredArticle,
    load_article,
)
from paywall.leaks.client import FetchLimits, open_client
from paywall.leaks.hidden_text import HiddenText
from paywall.leaks.hosts import PinnedHosts
from paywall.leaks.search import (
    REQUESTS_MAX,
    ArticleReport,
    Disclosed,
    LeakReport,
    LeakSearch,
    SearchLimits,
)
from paywall.load_settings import load_settings
from paywall.rules.decision import Policy
from paywall.rules.urls import is_web_url

if TYPE_CHECKING:
    import httpx
else:
    httpx = lazy_import("httpx")

TOKEN_VARIABLE = "SITE_TOKEN"  # noqa: S105 (the name of a variable, not a token)
URLS_MAX = 50
REQUESTS_BETWEEN_LINES = 25


class _Url(click.ParamType[str]):
    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not is_web_url(value):
            self.fail(f"{value!r} is not an http or https address.", param, ctx)
        return value


class _Options(NamedTuple):
    """The options of the command."""

    article_id: str | None
    service: str | None
    reader_id: str | None
    token_file: TextIO | None
    allow_private: bool
    fetch: FetchLimits
    search: SearchLimits
    as_json: bool


@click.command(
    "leaks",
    help=f"""Find addresses of a site that give away an article.

    URL is the address of an article's page. For each, this asks the site what anybody can ask: the
    page, printed and accelerated versions, feeds, REST, oEmbed, search, sitemaps, lists, caches,
    and the page as search engines ask for it. It compares every response with the body on record,
    and names each address that gives away more than the preview. It sends some 250 requests for an
    article, one at a time, without cookies, and takes no account of robots.txt: run it only against
    your own site.

    The body is read from the database of this installation, also while the service runs. From
    another machine, such as one that runs a site's tests, give --service and --reader, and a site
    token with the scope articles:read in the variable {TOKEN_VARIABLE} or with --token-file.

    No host with a private address is connected to, unless --allow-private is given, and no other
    site than that of the URL.

    Exit status: 0 nothing is given away, 1 something is, 2 used wrongly, or some addresses could
    not be checked; they are named.

    \b
    Examples:
      paywall leaks https://news.example/bridge/
      paywall leaks --allow-private http://127.0.0.1:8001/bridge/
      paywall leaks --service https://paywall.example --reader leak-check \\
        https://news.example/bridge/
    """,
)
@click.argument("urls", metavar="URL...", nargs=-1, required=True, type=_Url())
@click.option(
    "--article",
    "article_id",
    type=IdParameter(),
    help="The article's id, if it is not on record with this URL. For one URL only.",
)
@click.option("--service", type=_Url(), help="Address of a running service to get the body from.")
@click.option(
    "--reader",
    "reader_id",
    type=IdParameter(),
    help="With --service: a reader with a subscription, as whom the body is read.",
)
@click.option(
    "--token-file",
    type=click.File("r"),
    help=f"With --service: a file with the site token, or - for standard input. Default: the"
    f" variable {TOKEN_VARIABLE}.",
)
@click.option("--allow-private", is_flag=True, help="Connect to private addresses too.")
@click.option(
    "--requests-per-second",
    type=click.FloatRange(0.1, 1000),
    default=5.0,
    show_default=True,
    help="The most that is asked of the site.",
)
@click.option(
    "--response-seconds",
    type=click.FloatRange(0.1, 120),
    default=15.0,
    show_default=True,
    help="Time limit for one response, with its redirects.",
)
@click.option(
    "--requests-max",
    type=click.IntRange(1, 10_000),
    default=REQUESTS_MAX,
    show_default=True,
    help="The most that is asked for one URL; what is left is named.",
)
@click.option(
    "--article-seconds",
    type=click.FloatRange(1, 86_400),
    default=1800.0,
    show_default=True,
    help="Time limit for all requests of one URL.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def leaks_command(
    urls: tuple[str, ...],
    *,
    article_id: str | None,
    service: str | None,
    reader_id: str | None,
    token_file: TextIO | None,
    allow_private: bool,
    requests_per_second: float,
    response_seconds: float,
    requests_max: int,
    article_seconds: float,
    as_json: bool,
) -> None:
    """The help text is in the decorator, because it is formatted."""
    options = _Options(
        article_id,
        service,
        reader_id,
        token_file,
        allow_private,
        FetchLimits(requests_per_second, response_seconds),
        SearchLimits(requests_max, article_seconds),
        as_json,
    )
    _check_usage(urls, options)
    try:
        report = asyncio.run(_run(list(dict.fromkeys(urls)), options))
    except ArticleNotLoadedError as error:
        raise CommandError(str(error)) from error
    _print(report, as_json=as_json)
    status = FOUND_SOMETHING if report.leaks else USED_WRONGLY if report.not_checked else 0
    raise click.exceptions.Exit(status)


def _check_usage(urls: Sequence[str], options: _Options) -> None:
    if len(urls) > URLS_MAX:
        raise click.UsageError(f"At most {URLS_MAX} URLs; these are {len(urls)}.")
    if options.article_id is not None and len(urls) > 1:
        raise click.UsageError("Give --article with one URL only.")
    if (options.service is None) != (options.reader_id is None):
        raise click.UsageError("Give --service and --reader together.")
    if options.token_file is not None and options.service is None:
        raise click.UsageError("Give --token-file only with --service.")


async def _run(urls: Sequence[str], options: _Options) -> LeakReport:
    articles = await _load_articles(urls, options)
    compared = [(article, _hidden_text(article)) for article in articles]
    hidden = [(article, text) for article, text in compared if text is not None]
    hosts = PinnedHosts(allow_private=options.allow_private)
    async with open_client(hosts, options.fetch) as client:
        return await LeakSearch(client, hidden, options.search, _progress).run()


async def _load_articles(urls: Sequence[str], options: _Options) -> list[StoredArticle]:
    """From the service, or else from the database of this installation."""
    if options.service is None:
        async with (
            open_database(load_settings(), for_writing=False) as database,
            database.reading() as session,
        ):
            return [await load_article(session, url, options.article_id) for url in urls]
    async with httpx.AsyncClient(
        base_url=options.service,
        timeout=SERVICE_SECONDS,
        headers={"Authorization": f"Bearer {_token(options)}"},
    ) as http:
        remote = RemoteService(http, options.reader_id or "")
        return [await remote.load_article(url, options.article_id) for url in urls]


def _token(options: _Options) -> str:
    token = (
        os.environ.get(TOKEN_VARIABLE, "")
        if options.token_file is None
        else options.token_file.read(64 * 1024)
    ).strip()
    if not token.isascii() or not token.isprintable() or not token:
        raise CommandError(
            f"There is no site token: set the variable {TOKEN_VARIABLE}, or give --token-file."
        )
    return token


def _hidden_text(article: StoredArticle) -> HiddenText | None:
    """What must not be given away; None for an article that is free."""
    if article.policy is Policy.FREE:
        click.echo(f"The article {article.id} is free: it hides nothing.", err=True)
        return None
    text = HiddenText(article.body_html, [article.preview_html, article.title])
    if not text.is_comparable:
        raise ArticleNotLoadedError(
            f"The preview of the article {article.id} shows the whole body, or all but a few"
            " letters: there is nothing to compare. Name an article with a longer text, or"
            " shorten this preview and publish the article again."
        )
    return text


def _progress(asked: int, known: int) -> None:
    if asked % REQUESTS_BETWEEN_LINES == 0 or (asked == 1 and sys.stderr.isatty()):
        click.echo(f"{asked} of about {known} requests", err=True)


def _print(report: LeakReport, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
        return
    for article in report.articles:
        for line in _article_lines(article):
            click.echo(line)
    _print_all("Not followed:", [f"{left.address}: {left.why}" for left in report.not_followed])
    _print_all("Not checked:", [f"{left.address}: {left.why}" for left in report.not_checked])
    click.echo(f"{report.compared} responses were compared.")


def _print_all(heading: str, lines: Sequence[str]) -> None:
    for line in [heading, *(f"  {line}" for line in lines)] if lines else []:
        click.echo(line)


def _article_lines(article: ArticleReport) -> Iterator[str]:
    hidden = f"{article.url} (article {article.article_id}, {article.hidden_words} hidden words)"
    yield f"{_verdict(article)}: {hidden}"
    yield from map(_disclosed_line, article.leaks)
    if article.opened_by_meter:
        yield "  Open to a new visitor, because the article is metered:"
        yield from map(_disclosed_line, article.opened_by_meter)
    if article.shared:
        yield "  No more than a sentence, which can stand elsewhere too:"
        yield from map(_disclosed_line, article.shared)


def _verdict(article: ArticleReport) -> str:
    if article.leaks:
        return "Leaks"
    return "No leak found" if article.is_page_read else "Not checked"


def _disclosed_line(found: Disclosed) -> str:
    return (
        f"  {found.address} gives away about {found.words} words ({found.share:.0%}) in"
        f" {found.place}: “{found.begins} …”"
    )
