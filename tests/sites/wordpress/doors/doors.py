"""Every address by which a WordPress gives away a post's text, as far as we could think of them.

A door is one request. `{id}`, `{path}`, `{url}`, `{slug}`, `{word}` and `{revision}` stand for a
post's own; a door without any is asked once for all posts.
"""

import base64
import re
from html import unescape
from typing import NamedTuple
from urllib.parse import unquote

from tests.sites.wordpress.doors.content import Post

MARKS = re.compile(r"<[^>]*>|[\u200b\u00ad]|\\u[0-9a-f]{4}|\\n")
BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")


class Door(NamedTuple):
    """One request; `data` makes it a POST, `is_search` an answer that must not depend on words."""

    path: str
    data: str = ""
    is_search: bool = False
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def is_of_a_post(self) -> bool:
        return "{" in self.path + self.data

    @property
    def method(self) -> str:
        return "POST" if self.data else "GET"


def gives(text: str, post: Post) -> bool:
    """Whether a response holds the hidden word, plain, split by tags, encoded or in base64."""
    return any(post.canary in form for form in _forms(text))


def finds(text: str, post: Post) -> bool:
    """Whether a search for the hidden word found the post."""
    return post.title in unescape(text)


def _forms(text: str) -> list[str]:
    plain = unescape(unquote(text))
    decoded = []
    for encoded in BASE64.findall(plain):
        whole = encoded[: len(encoded) // 4 * 4]
        decoded.append(base64.b64decode(whole).decode(errors="replace"))
    return [text, plain, MARKS.sub("", plain), *decoded]


def _with(header: str, value: str) -> Door:
    """The post's page with one more header."""
    return Door("{path}", headers=((header, value),))


def _ajax(data: str, *, is_search: bool = False) -> Door:
    form = ("Content-Type", "application/x-www-form-urlencoded")
    return Door("/wp-admin/admin-ajax.php", data, is_search, (form,))


def _rest(*paths: str) -> list[Door]:
    return [Door(f"/wp-json{path}") for path in paths]


NEIGHBOURS = (
    "post field display edit to-edit content feed export blocks parsed excerpt trimmed the-content"
    " array single-query sql revisions autosave meta cache email"
).split()
NEIGHBOUR_LISTS = "list filtered-list any-list recent sql-list options all-meta".split()
SINGLE = [
    Door("{path}"),
    Door("/?p={id}"),
    Door("/index.php?p={id}"),
    Door("/?name={slug}"),
    Door("/?p={id}&preview=true"),
    Door("/?p={id}&preview=true&preview_id={id}"),
    Door("/?p={revision}&post_type=revision"),
    Door("/?page_id={id}"),
    Door("/?attachment_id={id}"),
    Door("{path}2/"),
    Door("{path}?page=2"),
    Door("/?p={id}&page=2"),
    Door("{path}?more=1"),
    Door("{path}?replytocom=1"),
    Door("{path}?cpage=1"),
    Door("{path}comment-page-1/"),
    Door("{path}embed/"),
    Door("/?p={id}&embed=true"),
    Door("{path}trackback/"),
    Door("{path}feed/"),
    Door("{path}feed/atom/"),
    Door("{path}?feed=rss2"),
    Door("{path}?withoutcomments=1&feed=rss2"),
    Door("/?p={id}&feed=rss2&withoutcomments=1"),
    Door("/?p={id}&feed=rdf&withoutcomments=1"),
    Door("/?p={id}&feed=atom&withoutcomments=1"),
    Door("{path}?seo=1"),
    Door("{path}?print=1"),
    Door("{path}?amp=1"),
    Door("{path}?plain=1"),
    Door("{path}?preview=true&preview_nonce=0"),
    Door("{path}?s={word}"),
    _with("Range", "bytes=0-200000"),
    _with("X-Requested-With", "XMLHttpRequest"),
    _with("X-HTTP-Method-Override", "GET"),
    _with("X-WP-Nonce", "0"),
    _with("Sec-Purpose", "prefetch"),
    _with("Cookie", "paywall_visitor=robot; wordpress_logged_in=1; comment_author=x"),
    _with("X-Forwarded-For", "66.249.66.1"),
    _with("Referer", "https://www.google.com/"),
]
REST_OF_A_POST = [
    *_rest(
        "/wp/v2/posts/{id}",
        "/wp/v2/posts/{id}?context=embed",
        "/wp/v2/posts/{id}?context=edit",
        "/wp/v2/posts/{id}?_fields=content",
        "/wp/v2/posts/{id}?_embed=1",
        "/wp/v2/posts/{id}?password=open+sesame",
        "/wp/v2/posts/{id}?_envelope=1",
        "/wp/v2/posts?slug={slug}",
        "/wp/v2/posts?include={id}&status=any",
        "/wp/v2/posts/{id}/revisions",
        "/wp/v2/posts/{id}/revisions/{revision}",
        "/wp/v2/posts/{id}/autosaves",
        "/wp/v2/posts/{id}/autosaves?context=edit",
        "/wp/v2/comments?post={id}&_embed=1",
        "/wp/v2/block-renderer/core/post-content?context=edit&post_id={id}",
        "/wp/v2/block-renderer/core/post-excerpt?context=edit&post_id={id}",
        "/oembed/1.0/embed?url={url}",
        "/oembed/1.0/embed?url={url}&format=xml",
        "/oembed/1.0/proxy?url={url}",
        *(f"/neighbour/v1/{name}/{{id}}" for name in NEIGHBOURS),
    ),
    Door("/?rest_route=/wp/v2/posts/{id}"),
    Door("/index.php?rest_route=/wp/v2/posts/{id}&_method=GET"),
]


def _xml(method: str, *values: str) -> Door:
    """An XML-RPC call; values beginning with a digit or brace are integers."""
    typed = [
        f"<int>{value}</int>" if value[0] in "{0123456789" else f"<string>{value}</string>"
        for value in values
    ]
    parameters = "".join(f"<param><value>{value}</value></param>" for value in typed)
    call = (
        f"<methodCall><methodName>{method}</methodName><params>{parameters}</params></methodCall>"
    )
    return Door("/xmlrpc.php", call, headers=(("Content-Type", "text/xml"),))


XML_RPC = [
    _xml("wp.getPost", "1", "USER", "USER", "{id}"),
    _xml("metaWeblog.getPost", "{id}", "USER", "USER"),
    _xml("blogger.getPost", "0", "{id}", "USER", "USER"),
    _xml("wp.getRevisions", "1", "USER", "USER", "{id}"),
    _xml("wp.getPosts", "1", "USER", "USER"),
    _xml("metaWeblog.getRecentPosts", "1", "USER", "USER", "50"),
    _xml("blogger.getRecentPosts", "0", "1", "USER", "USER", "50"),
    _xml("mt.getRecentPostTitles", "1", "USER", "USER", "50"),
    _xml("wp.getPage", "1", "{id}", "USER", "USER"),
    _xml("mt.publishPost", "{id}", "USER", "USER"),
    _xml("pingback.extensions.getPingbacks", "{url}"),
]
ADMIN_OF_A_POST = [
    Door("/wp-admin/post.php?post={id}&action=edit"),
    Door("/wp-admin/post.php?post={id}&action=edit&classic-editor=1"),
    Door("/wp-admin/revision.php?revision={revision}"),
    Door("/wp-admin/revision.php?from={revision}&to={revision}"),
    Door("/wp-admin/comment.php?action=editcomment&c={id}"),
    Door("/wp-admin/edit-comments.php?p={id}"),
    _ajax("action=get-revision-diffs&post_id={id}&compare[]={revision}:{revision}"),
    _ajax("action=inline-save&post_ID={id}&post_type=post"),
    _ajax("action=parse-embed&shortcode=[embed]{url}[/embed]&post_ID={id}"),
    _ajax("action=parse-media-shortcode&shortcode=[neighbour_post id={id}]&post_ID=1"),
    _ajax("action=heartbeat&data[wp-refresh-post-lock][post_id]={id}&screen_id=post"),
    Door("/wp-admin/admin-ajax.php?action=paywall_token&post={id}"),
]
LISTS = [
    Door(path)
    for path in (
        "/ /page/2/ /?paged=2 /?posts_per_page=50 /2026/ /?m=202601 /?year=2026 /?monthnum=1"
        " /category/news/ /category/gated/ /?cat=1 /tag/harvest/ /?tag=harvest /author/admin/"
        " /?author=1 /?s=rice /?s=story /?post_type=post /?post_type[]=post&post_type[]=revision"
        " /?post_status=draft /?post_status[]=private /?orderby=title /?p[]=1 /?post_type=any"
        " /feed/ /feed/rss/ /feed/rss2/ /feed/rdf/ /feed/atom/ /?feed=rss2 /?feed=atom /?feed=rss"
        " /wp-rss2.php /comments/feed/ /comments/feed/atom/ /category/news/feed/ /tag/harvest/feed/"
        " /author/admin/feed/ /2026/feed/ /?s=rice&feed=rss2 /?withcomments=1&feed=rss2"
        " /wp-sitemap.xml /wp-sitemap-posts-post-1.xml /sitemap.xml /robots.txt"
        " /blocks-of-a-page/ /neighbour-page/ /wp-links-opml.php /?calendar=1 /?static=1"
        " /wp-admin/admin-ajax.php?action=neighbour_posts"
    ).split()
]
REST_LISTS = [
    *_rest(
        "/wp/v2/posts?per_page=50",
        "/wp/v2/posts?per_page=50&_fields=id,content,excerpt",
        "/wp/v2/posts?per_page=50&context=embed",
        "/wp/v2/posts?per_page=50&context=edit",
        "/wp/v2/posts?per_page=50&status=any",
        "/wp/v2/posts?per_page=50&status=draft,private,future",
        "/wp/v2/posts?sticky=true",
        "/wp/v2/posts?_embed=1&per_page=50",
        "/wp/v2/pages?per_page=50",
        "/wp/v2/media?per_page=50",
        "/wp/v2/blocks?per_page=50",
        "/wp/v2/search?search=story&_embed=1",
        "/wp/v2/categories?_embed=1",
        "/wp/v2/users/1?_embed=1",
        "/",
        *(f"/neighbour/v1/{name}" for name in NEIGHBOUR_LISTS),
    ),
    Door(
        "/wp-json/batch/v1",
        '{"requests": [{"method": "POST", "path": "/wp/v2/posts/1"}]}',
        headers=(("Content-Type", "application/json"),),
    ),
]
SEARCHES = [
    Door(path, is_search=True)
    for path in (
        "/?s={word}",
        "/?s={word}&feed=rss2",
        "/search/{word}/",
        "/?s={word}&post_type=any",
        "/?s={word}&exact=1",
        "/wp-json/wp/v2/posts?search={word}",
        "/wp-json/wp/v2/posts?search={word}&orderby=relevance",
        "/wp-json/wp/v2/search?search={word}",
        "/wp-json/wp/v2/search?search={word}&subtype=any",
        "/wp-json/neighbour/v1/sql-search?word={word}",
        "/wp-json/neighbour/v1/query-search?word={word}",
        "/wp-admin/edit.php?s={word}",
    )
] + [
    _ajax("action=find_posts&ps={word}", is_search=True),
    _ajax("action=wp-link-ajax&search={word}", is_search=True),
    _ajax("action=menu-quick-search&q={word}&type=quick-search-posttype-post", is_search=True),
]
ADMIN_LISTS = [
    Door(path)
    for path in (
        "/wp-admin/export.php?download=true&content=all /wp-admin/edit.php?mode=excerpt"
        " /wp-admin/edit.php /wp-admin/index.php /wp-admin/upload.php /wp-admin/edit-comments.php"
        " /wp-admin/customize.php /wp-admin/press-this.php /wp-admin/nav-menus.php"
    ).split()
]
DOORS = [
    *SINGLE, *REST_OF_A_POST, *XML_RPC, *ADMIN_OF_A_POST, *LISTS, *REST_LISTS, *SEARCHES,
    *ADMIN_LISTS,
]  # fmt: skip
# Where the same text is asked for in the most different ways.
BRIEF = [*SINGLE[:1], *SINGLE[4:6], *SINGLE[22:30], *REST_OF_A_POST, *LISTS[:3], *SEARCHES[:8]]
