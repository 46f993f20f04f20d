"""The documented SQL writes the folder from a real WordPress, and brings the fields back."""

import csv
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from paywall.imports.progress import Progress
from paywall.imports.wordpress.folder import GETPAID, META_FILES, WordPressFolder
from paywall.imports.wordpress.post_plan import PostContext, plan_post
from paywall.rules.decision import Policy
from tests.house.docs import DOCS
from tests.sites.wordpress.site import WordPress

PAGE = "moving-from-penci-or-jnews.md"
NOTE = 'a "note", with\nlines, \\ and ភាសាខ្មែរ'
FILL = """
wp_set_current_user( 1 );
$user = get_user_by( 'login', 'ann' )->ID;
update_user_option( $user, 'pencipw_unlock_remaining', 5 );
update_user_option( $user, 'pencipw_unlocked_post_list', array( 1, '2' ) );
update_user_option( $user, 'pencipw_subscribe_status', false );
update_user_option( $user, 'pencipw_subs_type', wp_slash( $argv[1] ) );
update_user_option( $user, 'nickname', 'not read' );
add_user_meta( $user, 'pencipw_unlock_remaining', '9' );
$news = wp_insert_term( 'News', 'category' )['term_id'];
update_term_meta( $news, 'penci_guest_mode', 'enable' );
wp_set_post_categories( 1, array( $news ) );
$id = wp_insert_post( array( 'post_title' => 'P', 'post_status' => 'publish' ) );
update_post_meta( $id, 'pencipw_enable_premium_post', 'enable' );
set_theme_mod( 'pencipw_limit', 4 );
set_theme_mod( 'pencipw_header_title', 'ចំណងជើង' );
global $wpdb;
$wpdb->query( "CREATE TABLE wp_wpinv_subscriptions (id bigint, profile_id varchar(255))" );
$wpdb->insert( 'wp_wpinv_subscriptions', array( 'id' => 41, 'profile_id' => 'sub_41' ) );
echo json_encode( array( $user, $id ) );
"""
OPTIONS = """
$of = fn( $name ) => get_user_option( 'pencipw_' . $name, (int) $argv[1] );
echo json_encode( array( $of( 'unlock_remaining' ), $of( 'unlocked_post_list' ),
    $of( 'subscribe_status' ), $of( 'expired_date' ), $of( 'subs_type' ) ) );
"""


def block(marker: str) -> str:
    text = (DOCS / PAGE).read_text(encoding="utf-8")
    return text.partition(f"<!-- {marker} -->\n")[2].partition("\n")[2].partition("```")[0]


@pytest.fixture(scope="module")
def old_site(new_wordpress: Callable[[], WordPress]) -> WordPress:
    return new_wordpress()


def client(site: WordPress) -> str:
    return f"mariadb --no-defaults --local-infile=1 --socket={site.mariadb.socket} --user=root"


def test_the_documented_sql_writes_and_reverts_the_fields(
    old_site: WordPress, tmp_path: Path
) -> None:
    user_id, post_id = json.loads(old_site.php(FILL, NOTE))
    subprocess.run(
        ["/bin/sh", "-c", block("script")], cwd=tmp_path, check=True, timeout=120,
        env={**os.environ, "MARIADB": client(old_site), "DATABASE": old_site.database},
    )  # fmt: skip
    bad: list[object] = []
    folder = WordPressFolder(tmp_path / "export")
    folder.load({name: Progress(bad.append, lambda _: None) for name in (*META_FILES, GETPAID)})
    assert bad == []
    rows = {user.id: {row.key: row.value for row in user.rows} for user in folder.users()}
    assert rows[user_id] == {
        "ID": str(user_id),
        "wp_pencipw_unlock_remaining": "5",
        "wp_pencipw_unlocked_post_list": 'a:2:{i:0;i:1;i:1;s:1:"2";}',
        "wp_pencipw_subscribe_status": "",
        "wp_pencipw_subs_type": NOTE,
        "pencipw_unlock_remaining": "9",
    }
    assert folder.lists_users()
    assert folder.lists_posts()
    assert folder.profile_ids(["41"]) == {"41": "sub_41"}
    mods = folder.theme_mods()
    assert (mods["pencipw_limit"], mods["pencipw_header_title"]) == (4, "ចំណងជើង")
    context = PostContext(folder.settings.plugin, "", mods, folder.guest_modes())
    plans = {post.id: plan_post(post.id, post.rows, context) for post in folder.posts()}
    assert [(plan.policy, plan.paragraphs) for id_ in (1, post_id) if (plan := plans[id_])] == [
        (Policy.REGISTERED, 4),
        (Policy.PREMIUM, 4),
    ]
    # Page 2 is no post.
    assert plans[2] is None
    folder.close()

    back = [
        ("user_id", "meta_key", "meta_value"),
        (user_id, "wp_pencipw_unlock_remaining", "3"),
        (user_id, "wp_pencipw_unlocked_post_list", "a:2:{i:0;i:1;i:1;i:7;}"),
        (user_id, "wp_pencipw_subscribe_status", "ACTIVE"),
        (user_id, "wp_pencipw_expired_date", "2031-03-03 00:00:00"),
    ]
    with (tmp_path / "back.csv").open("w", newline="") as file:
        csv.writer(file).writerows(back)
    subprocess.run(
        [*client(old_site).split(), "--default-character-set=utf8mb4", old_site.database],
        input=block("back"), text=True, cwd=tmp_path, check=True, timeout=60,
    )  # fmt: skip
    assert json.loads(old_site.php(OPTIONS, str(user_id))) == [
        "3", [1, 7], "ACTIVE", "2031-03-03 00:00:00", NOTE,
    ]  # fmt: skip


def test_the_documented_sql_closes_the_premium_posts_in_wordpress(
    new_wordpress: Callable[[], WordPress], tmp_path: Path
) -> None:
    site = new_wordpress()
    site.activate()
    text = "<p>Head.</p><p>Second.</p><p>Third.</p><p>Paid words of the old premium post.</p>"
    premium, own = (site.insert_post(post_title="P", post_content=text) for _ in range(2))
    rows = [
        (id_, key, value)
        for id_ in (premium, own)
        for key, value in (("_paywall_policy", "premium"), ("_paywall_preview_paragraphs", "1"))
    ]
    with (tmp_path / "policies.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("post_id", "meta_key", "meta_value"), *rows])
    # What an editor chose in the plug-in stays.
    site.php("update_post_meta( $argv[1], '_paywall_policy', 'free' );", str(own))
    for _ in ("once", "again"):
        subprocess.run(
            [*client(site).split(), "--default-character-set=utf8mb4", site.database],
            input=block("policies"), text=True, cwd=tmp_path, check=True, timeout=60,
        )  # fmt: skip
    site.php("Paywall\\Vault\\Moving\\start( 'in', true );")
    site.run_cron()
    shown = site.get(f"/?p={premium}", follow_redirects=True).text
    assert ("Head." in shown, "Second." in shown, "Paid words" in shown) == (True, False, False)
    assert "Paid words" in site.get(f"/?p={own}", follow_redirects=True).text
    counted = "select count(*) from wp_postmeta where meta_key like '\\_paywall%'"
    assert site.sql(f"{counted} and post_id = {premium}") == [["2"]]
