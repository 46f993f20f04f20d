"""One gated post of each kind, with a canary in every paragraph that is not for everybody."""

from typing import Any, NamedTuple

# In no order that a title, an address or a shown paragraph could give away.
CANARY = "qz"
SHOWN = "Rice is planted in June."
KHMER = "ស្រូវត្រូវបានដាំក្នុងរដូវវស្សា"
HIDDEN_PARAGRAPHS = 8


class Post(NamedTuple):
    """A post of the test; `key` is its slug, `canary` a word that only its hidden part has."""

    key: str
    policy: str
    content: str
    status: str = "publish"
    password: str = ""
    author: str = "admin"
    type: str = "post"
    by_category: bool = False
    sticky: bool = False
    date: str = "2026-01-02 03:04:05"

    @property
    def canary(self) -> str:
        return f"{CANARY}{self.key}"

    @property
    def title(self) -> str:
        return f"The {self.key} story"

    def fields(self) -> dict[str, Any]:
        """As content.php reads them."""
        meta = {} if self.by_category else {"_paywall_policy": self.policy}
        category = {"gated": self.policy} if self.by_category else {"news": ""}
        return {
            "title": self.title, "content": self.content, "status": self.status,
            "password": self.password, "author": self.author, "type": self.type, "meta": meta,
            "category": category, "sticky": self.sticky, "date": self.date,
        }  # fmt: skip


def _paragraph(text: str) -> str:
    return f"<!-- wp:paragraph -->\n<p>{text}</p>\n<!-- /wp:paragraph -->"


def _hidden(key: str) -> list[str]:
    return [f"Paragraph {n} has {CANARY}{key} in it." for n in range(HIDDEN_PARAGRAPHS)]


def _blocks(key: str, *, more: bool = True) -> str:
    shown = [_paragraph(SHOWN)] * 3
    marker = ["<!-- wp:more -->\n<!--more-->\n<!-- /wp:more -->"] if more else []
    return "\n\n".join([*shown, *marker, *map(_paragraph, _hidden(key))])


def _classic(key: str) -> str:
    return "\n\n".join([SHOWN, SHOWN, "<!--more-->", *_hidden(key)])


def _pages(key: str) -> str:
    hidden = _hidden(key)
    return "\n\n".join([SHOWN, "<!--more-->", *hidden[:4], "<!--nextpage-->", *hidden[4:]])


def _unmarked(key: str) -> str:
    """Without an editor's marker: the preview is cut by paragraphs and share."""
    shown = [f"<p>{SHOWN}</p>"] * 6
    return "\n".join([*shown, *(f"<p>{text}</p>" for text in _hidden(key))])


def _khmer(key: str) -> str:
    shown = [_paragraph(KHMER * 3)] * 6
    return "\n\n".join([*shown, *(_paragraph(f"{KHMER} {text}") for text in _hidden(key))])


def _nested(key: str) -> str:
    """The marker stands inside a group."""
    start = '<!-- wp:group -->\n<div class="wp-block-group">'
    return f"{start}{_blocks(key)}</div>\n<!-- /wp:group -->"


def _shortcodes(key: str) -> str:
    """Hidden words in attributes, captions and scripts, which other code reads."""
    odd = [
        f"[caption width='100']<img src='/a.png' alt='{CANARY}{key}'> {CANARY}{key}[/caption]",
        f'<script type=\'application/json\'>{{"a": "{CANARY}{key}"}}</script>',
        f"<a href='/?{CANARY}{key}' title='{CANARY}{key}'>link</a>",
        f"https://www.youtube.com/watch?v={CANARY}{key}",
    ]
    return "\n\n".join([SHOWN, "<!--more-->", *odd, *_hidden(key)])


POSTS = [
    Post("moretag", "premium", _blocks("moretag"), sticky=True),
    Post("classic", "premium", _classic("classic")),
    Post("unmarked", "premium", _unmarked("unmarked")),
    Post("manypages", "subscribers", _pages("manypages")),
    Post("khmer", "premium", _khmer("khmer")),
    Post("nested", "premium", _nested("nested")),
    Post("shortcodes", "premium", _shortcodes("shortcodes")),
    Post("members", "registered", _blocks("members")),
    Post("metered", "metered", _blocks("metered")),
    Post("bycategory", "premium", _blocks("bycategory"), by_category=True),
    Post("password", "premium", _blocks("password"), password="open sesame"),
    Post("secret", "premium", _blocks("secret"), status="private"),
    Post("unfinished", "premium", _blocks("unfinished"), status="draft"),
    Post("tomorrow", "premium", _blocks("tomorrow"), status="future", date="2099-01-02 03:04:05"),
    Post("owned", "premium", _blocks("owned"), author="author"),
]
BY_KEY = {post.key: post for post in POSTS}
# Published and denied to a reader without anything: what every door is tried with.
DENIED = ["moretag", "unmarked", "manypages"]
# What WordPress itself does not publish.
UNPUBLISHED = ["password", "secret", "unfinished", "tomorrow"]
