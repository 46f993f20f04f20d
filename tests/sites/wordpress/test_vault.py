"""The paid part of a post is in the vault, and comes back for whoever may have it."""

import re
from collections.abc import Callable, Iterator

import pytest

from tests.sites.wordpress.canary import CANARY, rows_with_canary
from tests.sites.wordpress.posts import Post, posts, read
from tests.sites.wordpress.site import BLOCK, CLASSIC, WordPress

HEAD = "<!-- wp:paragraph -->\n<p>Rice is grown in water.</p>\n<!-- /wp:paragraph -->\n\n"
MORE = "<!-- wp:more -->\n<!--more-->\n<!-- /wp:more -->"
REST = (
    f'\n\n<!-- wp:paragraph -->\n<p>The {CANARY} price \\ fell to $1 "a kilo".</p>\n'
    "<!-- /wp:paragraph -->\n\n<!-- wp:nextpage -->\n<!--nextpage-->\n<!-- /wp:nextpage -->\n\n"
    f"<!-- wp:paragraph -->\n<p>តម្លៃអង្ករ {CANARY} ធ្លាក់ចុះ។</p>\n<!-- /wp:paragraph -->"
)
TEXT = HEAD + MORE + REST
# Texts of several kinds, whose head never has the canary.
TEXTS = [
    TEXT,
    f"Rice in water.\r\n\r\nEvery year.\r\n\r\n{CANARY} fell -- again\r\n\r\n<b>{CANARY}</b> $1",
    f'<div class="one"><p>Rice in water.</p><p>Every year.</p><p>{CANARY}, a price.</p></div>',
    f"<p>Rice is grown <em>in water</em>, <!--more--> and {CANARY} is <a href='#x'>sold</a>.</p>",
    f"<!--more-->\n\n[caption]{CANARY}[/caption]\n\n{CANARY} <!--nextpage--> {CANARY}",
]
# Grants to the reader Ann whatever is published.
GRANT = """<?php
add_filter( 'paywall_decision', fn( $decision ) => 'ann' === wp_get_current_user()->user_login
    ? array( 'granted' => true, 'reason' => 'unlocked' ) : $decision );
"""


@pytest.fixture(scope="module")
def wordpress(new_wordpress: Callable[[], WordPress]) -> WordPress:
    """With the plug-in, which is connected to no service: to everybody but Ann it is closed."""
    made = new_wordpress()
    (made.folder / "wp-content" / "mu-plugins" / "grant.php").write_text(GRANT)
    made.activate()
    return made


@pytest.fixture(autouse=True)
def no_canary(wordpress: WordPress) -> Iterator[None]:
    yield
    assert rows_with_canary(wordpress) == []
    assert not wordpress.log.exists() or "plugins/paywall" not in wordpress.log.read_text()


def gated(wordpress: WordPress, text: str = TEXT, **fields: object) -> Post:
    (post,) = posts(wordpress, "premium", post_content=text, **fields)
    return post


def whole(wordpress: WordPress, post: Post) -> str:
    # In hexadecimal, because the ends of lines count.
    code = "echo bin2hex( Paywall\\Vault\\whole( get_post( $argv[1] ) ) );"
    return bytes.fromhex(wordpress.php(code, str(post.id))).decode()


def stored(wordpress: WordPress, post: Post) -> str:
    (row,) = wordpress.sql(f"select hex(post_content) from wp_posts where ID = {post.id}")
    return bytes.fromhex(row[0]).decode()


def test_a_new_gated_post_is_a_stub_with_its_rest_in_the_vault(wordpress: WordPress) -> None:
    post = gated(wordpress)
    assert stored(wordpress, post).startswith(f"{HEAD}{MORE}<!--paywall:rest ")
    assert whole(wordpress, post) == TEXT


@pytest.mark.parametrize("text", TEXTS)
def test_every_page_of_a_denied_post_shows_head_and_gate(wordpress: WordPress, text: str) -> None:
    post = gated(wordpress, text)
    for number in range(text.count("<!--nextpage-->") + 1):
        page = read(wordpress, Post(post.id, f"{post.path}{number + 1}/" if number else post.path))
        assert CANARY not in page
        assert page.count("<paywall-gate") == 1
        assert "paywall:rest" not in page
    assert wordpress.get(f"{post.path}9/").status_code in {301, 404}


@pytest.mark.parametrize("theme", [CLASSIC, BLOCK])
def test_a_granted_page_is_the_one_without_the_plug_in(wordpress: WordPress, theme: str) -> None:
    wordpress.switch_theme(theme)
    made = [gated(wordpress, text) for text in TEXTS]
    paths = [post.path for post in made] + [f"{made[0].path}2/"]
    asked = [(path, user) for path in paths for user in ("ann", "edit")]
    with_plug_in = [wordpress.get(path, user=user) for path, user in asked]
    wordpress.deactivate()
    for (path, user), page in zip(asked, with_plug_in, strict=True):
        assert page.status_code == 200
        assert CANARY in page.text
        assert page.text == wordpress.get(path, user=user).text
        assert "no-store" in page.headers["Cache-Control"]
    wordpress.activate()


def test_what_is_not_published_stays_closed_whatever_is_decided(wordpress: WordPress) -> None:
    locked = gated(wordpress, post_password="secret")
    assert CANARY not in read(wordpress, locked, "ann")
    for status in ("draft", "private", "pending"):
        post = gated(wordpress, post_status=status)
        for address in (f"/?p={post.id}", f"/?p={post.id}&preview=true"):
            assert CANARY not in wordpress.get(address, user="ann").text
        assert CANARY in wordpress.get(f"/?p={post.id}&preview=true", user="edit").text


WRITE_PAST_THE_PLUG_IN = """
global $wpdb;
$set = 'UPDATE wp_posts SET post_content = ';
$wpdb->query( $wpdb->prepare( "$set %s WHERE ID = %d", $argv[2], $argv[1] ) );
$add = "$set CONCAT( post_content, %s ) WHERE ID = %d";
$wpdb->query( $wpdb->prepare( $add, $argv[4], $argv[3] ) );
"""


def test_text_written_past_the_plug_in_is_guarded_and_swept(wordpress: WordPress) -> None:
    raw, more = gated(wordpress), gated(wordpress)
    added = f"<p>{CANARY}</p>"
    wordpress.php(WRITE_PAST_THE_PLUG_IN, str(raw.id), TEXTS[1], str(more.id), added)
    assert len(rows_with_canary(wordpress)) == 2
    doors = ["/", "/feed/", "/?s=rice", "/wp-json/wp/v2/posts", raw.path, more.path]
    for door in [*doors, f"{raw.path}embed/", f"{raw.path}feed/"]:
        page = wordpress.get(door)
        assert CANARY not in page.text, door
        assert "paywall:rest" not in page.text or "wp-json" not in door
    # A theme that does not use the filter of texts.
    unfiltered = "$post = get_post( $argv[1] ); setup_postdata( $post ); echo get_the_content();"
    for post in (raw, more):
        assert CANARY not in wordpress.php(unfiltered, str(post.id))
    assert CANARY in read(wordpress, raw, "ann")
    wordpress.php("do_action( 'paywall_sweep' );")
    assert rows_with_canary(wordpress) == []
    assert whole(wordpress, raw) == TEXTS[1]
    assert whole(wordpress, more) == TEXT + added


def test_an_editors_own_preview_stands_for_the_beginning(wordpress: WordPress) -> None:
    own = {"_paywall_preview_html": "What <b>rice</b> costs.\n\n<script>1</script>Read on."}
    # Words that no other post in the feed has.
    text, head = (part.replace("Rice", "Maize") for part in (TEXT, HEAD))
    post = gated(wordpress, text, meta_input=own)
    assert stored(wordpress, post).startswith("<!--paywall:rest ")
    page = read(wordpress, post)
    assert "<p>What <b>rice</b> costs.</p>\n<p>1Read on.</p>" in page
    assert "<paywall-gate" in page
    for shown in (page, wordpress.get("/feed/").text, wordpress.get("/wp-json/wp/v2/posts").text):
        assert "Read on." in shown
        assert "Maize is grown" not in shown
    granted = read(wordpress, post, "ann")
    assert CANARY in granted
    assert "Read on." not in granted
    assert whole(wordpress, post) == text
    wordpress.php("delete_post_meta( $argv[1], '_paywall_preview_html' );", str(post.id))
    assert stored(wordpress, post).startswith(head + MORE + "<!--paywall:rest ")
    wordpress.php("wp_delete_post( (int) $argv[1], true );", str(post.id))


COPY = """
wp_set_current_user( (int) $argv[1] );
$copy = array( 'post_title' => 'Copy', 'post_content' => $argv[2] );
$meta = array( 'meta_input' => array( '_paywall_policy' => 'premium' ) );
$id   = wp_insert_post( wp_slash( $copy + ( 1 === get_current_user_id() ? $meta : array() ) ) );
wp_set_current_user( 1 );
wp_update_post( array( 'ID' => $id, 'post_status' => 'publish' ) + $meta );
echo Paywall\\Vault\\whole( get_post( $id ) );
"""


def test_a_contributor_gets_no_text_by_copying_its_marker(wordpress: WordPress) -> None:
    stub = stored(wordpress, gated(wordpress))
    copied = wordpress.php(COPY, str(wordpress.user_id("contrib")), stub)
    assert copied == HEAD + MORE
    # Who may edit the source may copy it.
    assert wordpress.php(COPY, "1", stub) == TEXT


SAVE = """
wp_set_current_user( 1 );
wp_update_post( wp_slash( array( 'ID' => $argv[1], 'post_content' => $argv[2] ) ) );
"""


def test_an_editor_that_loses_the_marker_loses_no_text(wordpress: WordPress) -> None:
    post = gated(wordpress, TEXTS[3])
    stub = stored(wordpress, post)
    stripped = re.sub("<!--paywall:rest .*?-->", "", stub).replace("grown", "sown")
    wordpress.php(SAVE, str(post.id), stripped)
    assert whole(wordpress, post) == TEXTS[3].replace("grown", "sown")
    assert "was kept" in wordpress.get("/wp-admin/edit.php", user="admin").text
    assert "was kept" not in wordpress.get("/wp-admin/edit.php", user="admin").text
    # A text that has nothing of the old one replaces it.
    wordpress.php(SAVE, str(post.id), f"<p>News of the day.</p><!--more-->{CANARY}2")
    assert whole(wordpress, post) == f"<p>News of the day.</p><!--more-->{CANARY}2"


def test_a_post_whose_row_is_lost_stays_as_it_is_and_alarms(wordpress: WordPress) -> None:
    post = gated(wordpress)
    stub = stored(wordpress, post)
    wordpress.sql(
        f"create table saved as select * from wp_paywall_bodies where post_id = {post.id};"
        f"delete from wp_paywall_bodies where post_id = {post.id}"
    )
    assert "<paywall-gate" in read(wordpress, post)
    wordpress.php(SAVE + "do_action( 'paywall_sweep' );", str(post.id), stub)
    assert stored(wordpress, post) == stub
    alarms = wordpress.php("echo wp_json_encode( Paywall\\Vault\\Alarms\\all() );")
    assert f'"{post.id}:row_missing"' in alarms
    wordpress.sql("insert into wp_paywall_bodies select * from saved")
    wordpress.php("do_action( 'paywall_sweep' );")
    assert whole(wordpress, post) == TEXT
    assert wordpress.php("echo wp_json_encode( Paywall\\Vault\\Alarms\\all() );") == "[]"


def test_a_text_that_cannot_be_stored_apart_is_left_whole(wordpress: WordPress) -> None:
    post = gated(wordpress)
    wordpress.sql("rename table wp_paywall_bodies to hidden")
    count = "echo count( Paywall\\Vault\\Alarms\\all() );"
    quietly = "$GLOBALS['wpdb']->suppress_errors();"
    assert wordpress.php(quietly + SAVE + count, str(post.id), TEXTS[1]) == "1"
    wordpress.sql("rename table hidden to wp_paywall_bodies")
    assert stored(wordpress, post) == TEXTS[1]
    assert CANARY not in read(wordpress, post)
    wordpress.php("do_action( 'paywall_sweep' );")
    assert whole(wordpress, post) == TEXTS[1]


def test_terms_and_defaults_gate_in_the_background(wordpress: WordPress) -> None:
    (post,) = posts(wordpress, "", post_content=TEXT, post_name="by-term")
    assert len(rows_with_canary(wordpress)) > 0
    wordpress.php("update_term_meta( 1, 'paywall_policy', 'subscribers' );")
    # Until then the guard cuts it.
    assert CANARY not in read(wordpress, post)
    wordpress.run_cron()
    assert rows_with_canary(wordpress) == []
    wordpress.php("delete_term_meta( 1, 'paywall_policy' );")
    assert CANARY in read(wordpress, post)
    wordpress.run_cron()
    assert stored(wordpress, post) == TEXT
    wordpress.php("update_option( 'paywall_settings', array( 'default_policy' => 'premium' ) );")
    wordpress.run_cron()
    assert rows_with_canary(wordpress) == []
    wordpress.php(
        "wp_delete_post( (int) $argv[1], true ); delete_option( 'paywall_settings' );", str(post.id)
    )


BUILD = """
wp_set_current_user( 1 );
global $wpdb;
$word   = $argv[1];
$json   = '[{"text":"' . $word . ' \\\\u1234"}]';
$panels = array( 'a' => $word );
$id     = wp_insert_post( wp_slash( array(
    'post_title' => 'B', 'post_content' => $argv[2], 'post_content_filtered' => "*$word*",
    'post_status' => 'publish', 'meta_input' => array(
        '_paywall_policy' => 'premium', '_elementor_data' => $json, 'panels_data' => $panels,
    ),
) ) );
$rows   = fn() => (int) $wpdb->get_var(
    "SELECT COUNT(*) FROM wp_postmeta WHERE post_id = $id AND meta_value LIKE '%$word%'"
);
$meta   = fn( $key ) => get_post_meta( $id, $key, true );
$seen   = array( $rows(), $meta( '_elementor_data' ) === $json );
update_post_meta( $id, '_elementor_data', wp_slash( $json . $word ) );
$seen[] = $rows();
$seen[] = $meta( '_elementor_data' ) === $json . $word && $meta( 'panels_data' ) === $panels;
wp_set_current_user( 0 );
$seen[] = $meta( '_elementor_data' );
update_post_meta( $id, '_paywall_policy', 'free' );
Paywall\\Vault\\Sync\\open_deferred();
$seen[] = $rows();
$seen[] = get_post( $id )->post_content_filtered === "*$word*";
update_post_meta( $id, '_paywall_policy', 'premium' );
$seen[] = $rows();
echo wp_json_encode( $seen );
"""


def test_builders_meta_and_filtered_content_are_in_the_vault(wordpress: WordPress) -> None:
    assert wordpress.php(BUILD, CANARY, TEXT) == '[0,true,0,true,"",2,true,0]'


def test_a_reusable_block_in_a_gated_post_is_pointed_out(wordpress: WordPress) -> None:
    post = gated(wordpress)
    wordpress.php(SAVE, str(post.id), f'{TEXT}<!-- wp:block {{"ref":7}} /-->')
    assert "uses a reusable block" in wordpress.get("/wp-admin/edit.php", user="admin").text


def test_only_who_edits_others_posts_finds_words_of_the_rest(wordpress: WordPress) -> None:
    post = gated(wordpress, f"{TEXT}<p>{CANARY} Zinfandel</p>", post_title="Wine of the plain")
    address = "/wp-admin/edit.php?s=zinfandel"
    row = f'id="post-{post.id}"'
    assert row in wordpress.get(address, user="edit").text
    assert row in wordpress.get(f"{address}+wine", user="edit").text
    assert row not in wordpress.get(f"{address}+beer", user="edit").text
    for user in ("author", "contrib"):
        assert row not in wordpress.get(address, user=user).text
    assert post.path not in wordpress.get("/?s=zinfandel", user="edit").text


UNINSTALL = """
require_once ABSPATH . 'wp-admin/includes/plugin.php';
uninstall_plugin( 'paywall/paywall.php' );
echo (int) $GLOBALS['wpdb']->get_var( "SELECT COUNT(*) FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_name LIKE 'wp\\_paywall\\_%'" );
echo (int) $GLOBALS['wpdb']->get_var( "SELECT COUNT(*) FROM wp_options WHERE option_name
    LIKE '%paywall%'" );
"""


def test_uninstalled_nothing_stays_unless_a_text_would_be_lost(wordpress: WordPress) -> None:
    post = gated(wordpress)
    stub = stored(wordpress, post)
    # As if deactivation had not been able to bring this one back.
    wordpress.deactivate()
    put_back = "$GLOBALS['wpdb']->update( 'wp_posts', array( 'post_content' => $argv[1] ), "
    where = "array( 'ID' => $argv[2] ) );"
    wordpress.php(put_back + where, stub, str(post.id))
    assert wordpress.php(UNINSTALL)[0] != "0"
    wordpress.php(put_back + where, TEXT, str(post.id))
    assert wordpress.php(UNINSTALL) == "00"
    assert len(rows_with_canary(wordpress)) > 0
    wordpress.activate()
