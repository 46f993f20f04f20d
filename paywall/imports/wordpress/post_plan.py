"""The policy of a post, from the settings of the old plug-in: the theme's, a category's, its own.

Penci's guest mode asks everybody to sign in, so it is the policy `registered`. It gives way to
`premium`, which asks for more.
"""

from collections.abc import Mapping
from typing import NamedTuple

from paywall.imports.wordpress.oddities import Oddity, OddityKind, shown
from paywall.imports.wordpress.old_values import is_truthy, number_of, post_id_of
from paywall.imports.wordpress.php_values import PhpError, PhpValue, stored_value
from paywall.imports.wordpress.reader_plan import CLOSED_TYPE
from paywall.imports.wordpress.user_options import MetaRow, Plugin
from paywall.rules.decision import Policy

PARAGRAPHS_DEFAULT, PARAGRAPHS_MAX = 2, 1000
ENABLED = "enable"
METABOX = "jnews_paywall_metabox"
# The post's main category by the plug-ins for search engines, or else its first one.
CATEGORIES = ("_yoast_wpseo_primary_category", "rank_math_primary_category", "category")
# Penci writes the second, and looks for the first.
FREE_READ, FREE_WRITTEN = "pencpw_enable_free_post", "pencipw_enable_free_post"

VIDEOS = ("pencipw_video_preview_url", "pencipw_preview_video_url")


class PostPlan(NamedTuple):
    """A post's policy, and what everybody may read of it: paragraphs, or HTML of its own."""

    post_id: int
    article_id: str
    policy: Policy
    paragraphs: int
    preview_html: str
    oddities: list[Oddity]


class PostContext(NamedTuple):
    """What else decides about a post: the theme's settings, and guest modes by category."""

    plugin: Plugin
    article_prefix: str
    theme_mods: Mapping[str, PhpValue]
    guest_modes: Mapping[int, str]


class _PostFields:
    """The fields of one post; the first row of each counts."""

    def __init__(self, rows: list[MetaRow]) -> None:
        self.rows: dict[str, MetaRow] = {}
        for row in rows:
            self.rows.setdefault(row.key, row)
        self.oddities: list[Oddity] = []

    def add(self, kind: OddityKind, key: str) -> None:
        row = self.rows[key]
        self.oddities.append(Oddity(kind, row.line, key, shown(row.value)))

    def text(self, key: str) -> str:
        return self.rows[key].value if key in self.rows else ""

    def is_enabled(self, key: str) -> bool:
        return self.text(key) == ENABLED

    def array(self, key: str) -> Mapping[int | str, PhpValue]:
        if not self.text(key):
            return {}
        try:
            value = stored_value(self.text(key))
        except PhpError:
            value = None
        if not isinstance(value, dict):
            self.add(OddityKind.POST_VALUE_ODD, key)
            return {}
        return value

    def paragraphs(self, key: str, value: PhpValue, default: int) -> int:
        """A number of paragraphs; the default for what is empty, zero or none."""
        if not is_truthy(value):
            return default
        number = number_of(value)
        if number is None or not 0 < number <= PARAGRAPHS_MAX or number != int(number):
            if key in self.rows:
                self.add(OddityKind.POST_VALUE_ODD, key)
            return default
        return int(number)


def plan_post(post_id: int, rows: list[MetaRow], context: PostContext) -> PostPlan | None:
    """The plan for a post; None for any other type, which was never closed."""
    fields = _PostFields(rows)
    if fields.rows.get("post_type", MetaRow(0, "", CLOSED_TYPE)).value != CLOSED_TYPE:
        return None
    if context.plugin is Plugin.JNEWS:
        return _plan_of_jnews(post_id, fields, context)
    return _plan_of_penci(post_id, fields, context)


def _plan_of_penci(post_id: int, fields: _PostFields, context: PostContext) -> PostPlan:
    mods = context.theme_mods
    if is_truthy(mods.get("pencipw_block_all")):
        is_premium = not (fields.is_enabled(FREE_READ) or fields.is_enabled(FREE_WRITTEN))
        if not is_premium and not fields.is_enabled(FREE_READ):
            fields.add(OddityKind.POST_FREE_UNREAD, FREE_WRITTEN)
    else:
        is_premium = fields.is_enabled("pencipw_enable_premium_post")
    if is_premium:
        policy = Policy.PREMIUM
    else:
        policy = Policy.REGISTERED if _asks_guests(fields, context) else Policy.FREE
    default = fields.paragraphs("", mods.get("pencipw_limit"), PARAGRAPHS_DEFAULT)
    limit = "pencipw_paragraph_limit"
    for key in VIDEOS:
        if fields.text(key):
            fields.add(OddityKind.PREVIEW_VIDEO, key)
    return PostPlan(
        post_id,
        f"{context.article_prefix}{post_id}",
        policy,
        fields.paragraphs(limit, fields.text(limit), default),
        fields.text("pencipw_preview_textbox"),
        fields.oddities,
    )


def _asks_guests(fields: _PostFields, context: PostContext) -> bool:
    """Whether guest mode is on: the post's own setting goes before its category's and the theme's.

    Like there, any value but `enable` turns it off, and an empty value or "0" decides nothing.
    """
    category = next((id_ for key in CATEGORIES if (id_ := post_id_of(fields.text(key)))), 0)
    for value in (
        fields.text("pencipw_enable_guest_mode_post"),
        context.guest_modes.get(category, ""),
    ):
        if is_truthy(value):
            return value == ENABLED
    return is_truthy(context.theme_mods.get("pencipw_guest_mode"))


def _plan_of_jnews(post_id: int, fields: _PostFields, context: PostContext) -> PostPlan:
    theme_mods = context.theme_mods
    box = fields.array(METABOX)
    limit = box.get("paragraph_limit")
    default = PARAGRAPHS_DEFAULT
    if is_truthy(theme_mods.get("jpw_block_all")):
        is_premium = not is_truthy(box.get("enable_free_post"))
        default = fields.paragraphs("", theme_mods.get("jpw_limit"), PARAGRAPHS_DEFAULT)
        limit = limit if is_truthy(box.get("override_paragraph_limit")) else None
    else:
        is_premium = is_truthy(box.get("enable_premium_post"))
    text = box.get("preview_textbox")
    has_text = is_truthy(box.get("enable_preview_post")) and isinstance(text, str)
    if is_truthy(box.get("enable_preview_video")):
        fields.add(OddityKind.PREVIEW_VIDEO, METABOX)
    return PostPlan(
        post_id,
        f"{context.article_prefix}{post_id}",
        Policy.PREMIUM if is_premium else Policy.FREE,
        fields.paragraphs(METABOX, limit, default),
        str(text) if has_text else "",
        fields.oddities,
    )
