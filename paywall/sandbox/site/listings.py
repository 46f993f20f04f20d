"""Lists of articles: the front page, sections, the archive, the feed and the newsletter."""

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from paywall.sandbox.site import pages
from paywall.sandbox.site.newsletter import newsletter_text
from paywall.sandbox.site.paywall_client import PageViewer
from paywall.sandbox.site.rendering import render_feed
from paywall.sandbox.site.responses import (
    NewspaperServices,
    PageRequest,
    html_response,
    origin_of,
    page_context,
)
from paywall.sandbox.site.session import translator_of
from paywall.sandbox.site.stories import SECTIONS, STORIES
from paywall.sandbox.site.teasers import own_articles
from paywall.sandbox.site.translations import LANGUAGES, NewspaperTranslator

NEWSLETTER_ARTICLES_MAX = 5


@get("/")
async def front(request: PageRequest, site: NamedDependency[NewspaperServices]) -> Response[str]:
    page = await page_context(request, site)
    articles = await site.paywall.articles()
    decisions = await site.paywall.decisions(page.viewer, [article["id"] for article in articles])
    return html_response(page, pages.front_page(page, articles, decisions))


@get("/section/{section:str}")
async def section_page(
    section: FromPath[str], request: PageRequest, site: NamedDependency[NewspaperServices]
) -> Response[str]:
    if section not in SECTIONS:
        raise NotFoundException
    page = await page_context(request, site)
    articles = [
        article
        for article in await site.paywall.articles()
        if (story := STORIES.get(article["id"])) and story.metadata.section == section
    ]
    decisions = await site.paywall.decisions(page.viewer, [article["id"] for article in articles])
    return html_response(page, pages.section_page(page, section, articles, decisions))


@get("/archive")
async def archive(request: PageRequest, site: NamedDependency[NewspaperServices]) -> Response[str]:
    """Every article by month, also those that the newspaper did not write."""
    page = await page_context(request, site)
    articles = await site.paywall.articles()
    decisions = await site.paywall.decisions(page.viewer, [article["id"] for article in articles])
    return html_response(page, pages.archive_page(page, articles, decisions))


@get("/newsletter.txt")
async def newsletter(
    request: PageRequest, site: NamedDependency[NewspaperServices]
) -> Response[str]:
    """The newest articles of the reader's language as plain text, which ends with the previews."""
    translator = translator_of(request)
    articles = own_articles(await site.paywall.articles(), translator.language)
    articles = articles[:NEWSLETTER_ARTICLES_MAX]
    ids = [article["id"] for article in articles]
    # A newsletter can be forwarded, so it is written for somebody who is not signed in.
    decisions = await site.paywall.decisions(PageViewer(), ids, previews=True)
    text = newsletter_text(
        translator, origin_of(request), await site.time.now(), articles, decisions
    )
    return Response(text, media_type="text/plain")


@get("/feed.xml")
async def feed(request: PageRequest, site: NamedDependency[NewspaperServices]) -> Response[str]:
    name = " · ".join(NewspaperTranslator(language).site_name for language in LANGUAGES)
    content = render_feed(name, origin_of(request), await site.paywall.articles())
    return Response(content, media_type="application/rss+xml")
