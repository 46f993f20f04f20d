"""The WordPress of the tests is a real one, and runs the plug-in without a warning."""

from collections.abc import Callable

import pytest

from tests.sites.wordpress.site import BLOCK, CLASSIC, WordPress


@pytest.mark.parametrize("theme", [CLASSIC, BLOCK])
def test_a_post_is_shown_in_both_themes(wordpress: WordPress, theme: str) -> None:
    wordpress.switch_theme(theme)
    wordpress.insert_post(
        post_title="Rice", post_content="<p>It grows.</p>", post_date="2026-01-02 03:04:05"
    )
    page = wordpress.get("/2026/rice/")
    assert page.status_code == 200
    assert "It grows." in page.text
    assert f"themes/{theme}" in page.text


def test_each_user_is_signed_in_by_cookies(wordpress: WordPress) -> None:
    assert wordpress.get("/wp-admin/profile.php", user="ann").status_code == 200
    assert wordpress.get("/wp-admin/profile.php").status_code == 302


def test_the_plug_in_is_active_and_logs_nothing(wordpress: WordPress) -> None:
    page = wordpress.get("/wp-admin/plugins.php", user="admin")
    assert 'data-plugin="paywall/paywall.php"' in page.text
    assert not wordpress.log.exists() or "paywall" not in wordpress.log.read_text()


def test_a_second_wordpress_is_another(new_wordpress: Callable[[], WordPress]) -> None:
    one, other = new_wordpress(), new_wordpress()
    one.insert_post(post_title="Only here")
    assert "Only here" in one.get("/").text
    assert "Only here" not in other.get("/").text
