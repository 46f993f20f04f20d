"""The policies of posts, from the settings that the old plug-ins read and wrote."""

import pytest

from paywall.imports.wordpress.oddities import OddityKind
from paywall.imports.wordpress.php_values import PhpValue
from paywall.imports.wordpress.post_plan import PostContext, PostPlan, plan_post
from paywall.imports.wordpress.user_options import MetaRow, Plugin
from paywall.rules.decision import Policy
from tests.imports.wordpress.serialized import serialize

PREMIUM = ("pencipw_enable_premium_post", "enable")
GUEST = "pencipw_enable_guest_mode_post"
BLOCK_ALL: dict[str, PhpValue] = {"pencipw_block_all": True}


def plan(
    *rows: tuple[str, str], mods: dict[str, PhpValue] | None = None, plugin: Plugin = Plugin.PENCI
) -> PostPlan:
    numbered = [MetaRow(line, key, value) for line, (key, value) in enumerate(rows, start=2)]
    found = plan_post(5, numbered, PostContext(plugin, "", mods or {}, {3: "enable", 4: "disable"}))
    assert found is not None
    assert found.article_id == "5"
    return found


def of_jnews(box: dict[int | str, PhpValue], **mods: PhpValue) -> PostPlan:
    row = ("jnews_paywall_metabox", serialize(box))
    return plan(row, mods=mods, plugin=Plugin.JNEWS)


def kinds(found: PostPlan) -> list[OddityKind]:
    return [oddity.kind for oddity in found.oddities]


def test_a_post_is_free_unless_it_is_marked_as_premium() -> None:
    assert plan().policy is Policy.FREE
    assert plan(PREMIUM).policy is Policy.PREMIUM
    assert plan(("pencipw_enable_premium_post", "disable")).policy is Policy.FREE
    assert plan(PREMIUM, ("pencipw_enable_premium_post", "")).policy is Policy.PREMIUM


@pytest.mark.parametrize("block_all", [True, "1", "on"])
def test_block_all_makes_every_post_premium_but_free_ones(block_all: PhpValue) -> None:
    mods = {"pencipw_block_all": block_all}
    assert plan(mods=mods).policy is Policy.PREMIUM
    assert plan(("pencpw_enable_free_post", "enable"), mods=mods).policy is Policy.FREE
    written = plan(("pencipw_enable_free_post", "enable"), mods=mods)
    assert (written.policy, kinds(written)) == (Policy.FREE, [OddityKind.POST_FREE_UNREAD])
    assert plan(("pencipw_enable_free_post", "disable"), mods=mods).policy is Policy.PREMIUM
    assert plan(mods={"pencipw_block_all": ""}).policy is Policy.FREE


@pytest.mark.parametrize(
    ("theme", "category", "own", "policy"),
    [
        ("", "", "", Policy.FREE),
        ("1", "", "", Policy.REGISTERED),
        ("1", "4", "", Policy.FREE),
        ("", "3", "", Policy.REGISTERED),
        ("", "3", "disable", Policy.FREE),
        ("", "4", "enable", Policy.REGISTERED),
        ("1", "9", "0", Policy.REGISTERED),
    ],
)
def test_guest_mode_is_the_themes_the_categorys_or_the_posts(
    theme: str, category: str, own: str, policy: Policy
) -> None:
    rows = [("_yoast_wpseo_primary_category", category), ("category", ""), (GUEST, own)]
    assert plan(*rows, mods={"pencipw_guest_mode": theme}).policy is policy


def test_the_first_category_counts_without_a_main_one() -> None:
    assert plan(("category", "3"), ("category", "4")).policy is Policy.REGISTERED
    assert plan(("category", "4"), ("category", "3")).policy is Policy.FREE


def test_guest_mode_and_premium_together_are_premium() -> None:
    assert plan(PREMIUM, (GUEST, "enable")).policy is Policy.PREMIUM


def test_previews_are_paragraphs_or_a_text() -> None:
    assert plan().paragraphs == 2
    assert plan(mods={"pencipw_limit": "4"}).paragraphs == 4
    assert plan(("pencipw_paragraph_limit", "7"), mods={"pencipw_limit": 4}).paragraphs == 7
    for odd in ("x", "-1", "1.5", "9999"):
        found = plan(("pencipw_paragraph_limit", odd))
        assert (found.paragraphs, kinds(found)) == (2, [OddityKind.POST_VALUE_ODD])
    assert plan(("pencipw_preview_textbox", "<p>Own.</p>")).preview_html == "<p>Own.</p>"
    assert kinds(plan(("pencipw_video_preview_url", "https://v.example/1"))) == [
        OddityKind.PREVIEW_VIDEO
    ]


def test_other_types_have_no_plan() -> None:
    rows = [MetaRow(2, "post_type", "page"), MetaRow(3, *PREMIUM)]
    assert plan_post(5, rows, PostContext(Plugin.PENCI, "", BLOCK_ALL, {})) is None


def test_jnews_settings_are_in_one_array() -> None:
    assert plan(plugin=Plugin.JNEWS).policy is Policy.FREE
    assert of_jnews({"enable_premium_post": "1"}).policy is Policy.PREMIUM
    assert of_jnews({"enable_premium_post": "0"}).policy is Policy.FREE
    assert of_jnews({"enable_premium_post": True, "paragraph_limit": "3"}).paragraphs == 3
    blocked = of_jnews({"paragraph_limit": 9}, jpw_block_all=True, jpw_limit=5)
    assert (blocked.policy, blocked.paragraphs) == (Policy.PREMIUM, 5)
    over = of_jnews(
        {"paragraph_limit": 9, "override_paragraph_limit": "1"}, jpw_block_all=True, jpw_limit=5
    )
    assert over.paragraphs == 9
    assert of_jnews({"enable_free_post": "1"}, jpw_block_all=True).policy is Policy.FREE
    box: dict[int | str, PhpValue] = {"enable_preview_post": "1", "preview_textbox": "Own."}
    assert of_jnews(box).preview_html == "Own."
    assert of_jnews({"preview_textbox": "Own."}).preview_html == ""


def test_a_broken_array_of_jnews_is_named() -> None:
    for value in ("a:1:{", "x", 'O:1:"A":0:{}'):
        found = plan(("jnews_paywall_metabox", value), plugin=Plugin.JNEWS)
        assert (found.policy, kinds(found)) == (Policy.FREE, [OddityKind.POST_VALUE_ODD])
