"""The part of the recorded story in which a site on WordPress moves over."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.sophea import Sophea

Json = dict[str, Any]


async def move_over_from_wordpress(sophea: "Sophea") -> None:
    """What the plug-in of WordPress sends: a reader, and a post with a preview of its own."""
    rows = [
        ("wp_pencipw_unlock_remaining", "2.5"),
        ("wp_pencipw_unlocked_post_list", "a:1:{i:0;i:2026;}"),
        ("wp_pencipw_subscribe_status", "ACTIVE"),
        ("wp_pencipw_expired_date", "March 3, 2031"),
        ("wp_pencipw_manual_subs_id", "9"),
        ("wp_pencipw_stripe_subs_id", "41"),
    ]
    post = [
        ("post_type", "post"),
        ("pencipw_enable_premium_post", "enable"),
        ("pencipw_preview_textbox", "<p>The river rises.</p>"),
        ("pencipw_preview_video_url", "https://news.example/river.mp4"),
    ]
    await sophea.site(
        "POST",
        "imports/wordpress",
        settings={
            "plugin": "penci",
            "table_prefix": "wp_",
            "article_prefix": "tonle-sap-",
            "reader_prefix": "km-",
            "exported_at": "2026-11-24T18:00:00+07:00",
            "theme_mods": 'a:1:{s:13:"pencipw_limit";i:3;}',
        },
        users=[{"id": 7, "exists": True, "rows": meta_rows(rows)}],
        posts=[{"id": 2026, "rows": meta_rows(post)}],
        known_posts=[{"id": 2026, "post_type": "post"}],
        terms=[{"id": 4, "guest_mode": "enable"}],
        getpaid=[{"id": "41", "profile_id": "I-77"}],
        dry_run=True,
    )


def meta_rows(rows: list[tuple[str, str]]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in rows]
