"""Texts and failures that nobody plans: the vault neither gives a text away nor loses it."""

from collections.abc import Callable

import pytest

from tests.sites.wordpress.canary import CANARY, rows_with_canary
from tests.sites.wordpress.posts import Post, posts, read
from tests.sites.wordpress.site import WordPress

TEXT = f"<p>Rice grows.</p><!--more--><p>A {CANARY} costs $100, and 'more' \\ at night.</p>"
# As the vault writes it, but of no row.
WRITTEN = f"<!--paywall:rest {'0' * 32}-->"
SET_POLICY = """
update_post_meta( (int) $argv[1], '_paywall_policy', $argv[2] );
Paywall\\Vault\\Sync\\open_deferred();
"""
UNSOUND_SQL = "echo Paywall\\Vault\\Texts\\unsound_sql( 'post_content' );"
SWEEP = "do_action( 'paywall_sweep' );"


@pytest.fixture(scope="module")
def wordpress(new_wordpress: Callable[[], WordPress]) -> WordPress:
    """With the plug-in, which is connected to no service: it is closed to readers."""
    made = new_wordpress()
    made.activate()
    return made


def gated(wordpress: WordPress, text: str = TEXT) -> Post:
    (post,) = posts(wordpress, "premium", post_content=text)
    return post


def stored(wordpress: WordPress, post: Post) -> str:
    (row,) = wordpress.sql(f"select hex(post_content) from wp_posts where ID = {post.id}")
    return bytes.fromhex(row[0]).decode()


def bodies(wordpress: WordPress, post: Post) -> int:
    found = wordpress.sql(
        f"select count(*) from wp_paywall_bodies where post_id = {post.id}"
        f" and content like '%{CANARY}%'"
    )
    return int(found[0][0])


@pytest.mark.parametrize("place", ["Rice grows.", "at night."])
def test_a_marker_that_somebody_wrote_is_a_comment(wordpress: WordPress, place: str) -> None:
    text = TEXT.replace(place, place + WRITTEN)
    post = gated(wordpress, text)
    assert rows_with_canary(wordpress) == []
    wordpress.php(SET_POLICY, str(post.id), "free")
    assert stored(wordpress, post) == text.replace("<!--paywall", "<!-- paywall")
    page = read(wordpress, post)
    assert CANARY in page
    assert "<paywall-gate" not in page
    wordpress.php(SET_POLICY, str(post.id), "premium")
    assert rows_with_canary(wordpress) == []


def test_a_marker_written_by_sql_keeps_no_text_open(wordpress: WordPress) -> None:
    post = gated(wordpress)
    wordpress.sql(
        f"update wp_posts set post_content = concat('<p>Rice.</p>{WRITTEN}', '<p>Rice.</p>',"
        f" '<p>More of it.</p><p>{CANARY}</p><p>{CANARY}</p>') where ID = {post.id}"
    )
    wordpress.php(SWEEP)
    assert rows_with_canary(wordpress) == []


def test_the_search_in_the_admin_finds_words_with_signs(wordpress: WordPress) -> None:
    gated(wordpress)
    for words in ("costs $100", "'more' \\ at"):
        page = wordpress.get("/wp-admin/edit.php", user="edit", params={"s": f'"{words}"'})
        assert 'class="row-title"' in page.text, words
    page = wordpress.get("/wp-admin/edit.php", user="edit", params={"s": '"costs $200"'})
    assert 'class="row-title"' not in page.text


def test_a_failed_write_puts_no_paid_text_in_the_log(wordpress: WordPress) -> None:
    wordpress.sql("rename table wp_paywall_bodies to hidden")
    post = gated(wordpress)
    wordpress.sql("rename table hidden to wp_paywall_bodies")
    assert CANARY not in read(wordpress, post)
    assert CANARY not in wordpress.log.read_text()
    wordpress.php(SWEEP)
    assert rows_with_canary(wordpress) == []


def test_a_text_whose_stub_was_lost_is_kept_for_a_time(wordpress: WordPress) -> None:
    by_sql, by_save = gated(wordpress), gated(wordpress)
    wordpress.sql(
        "update wp_paywall_bodies set updated = '2020-01-01';"
        "update wp_posts set post_content = 'Rice grows.'"
        f" where {by_sql.id} in (ID, post_parent) or {by_save.id} in (ID, post_parent)"
    )
    wordpress.php(
        "wp_set_current_user( 1 );"
        "wp_update_post( array( 'ID' => $argv[1], 'post_content' => 'Rice is grown.' ) );" + SWEEP,
        str(by_save.id),
    )
    assert [bodies(wordpress, by_sql), bodies(wordpress, by_save)] == [1, 1]
    wordpress.sql("update wp_paywall_bodies set updated = '2020-01-01'")
    wordpress.php(SWEEP)
    assert [bodies(wordpress, by_sql), bodies(wordpress, by_save)] == [0, 0]


def test_a_replaced_text_is_kept_for_a_time_without_revisions(wordpress: WordPress) -> None:
    posts_before = [gated(wordpress) for _ in range(2)]
    wordpress.sql("update wp_paywall_bodies set updated = '2020-01-01'")
    for post, text in zip(posts_before, ("Rice grows.<!--more-->A year.", "Rice."), strict=True):
        wordpress.php(
            "wp_set_current_user( 1 ); add_filter( 'wp_revisions_to_keep', '__return_zero' );"
            "set_transient( Paywall\\Vault\\Editing\\shown_name( (int) $argv[1] ), 1 );"
            "wp_update_post( array( 'ID' => $argv[1], 'post_content' => $argv[2] ) );" + SWEEP,
            str(post.id), text,
        )  # fmt: skip
    assert [bodies(wordpress, post) for post in posts_before] == [1, 1]


def test_the_sql_for_stubs_is_read_alike_by_every_database(wordpress: WordPress) -> None:
    # MySQL 8 takes a bracket within a bracket expression for a set in the set, and fails.
    pattern = wordpress.php(UNSOUND_SQL).split("REGEXP '")[1]
    assert "[^]" not in pattern
    assert "[[" not in pattern.replace("[[:space:]]", "")
