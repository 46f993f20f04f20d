"""The reader's account, by shortcode and by block."""

import json
import re

from tests.sites.wordpress.posts import assert_nothing_logged, posts
from tests.sites.wordpress.site import WordPress

EDITED = """
wp_set_current_user( 1 );
require_once ABSPATH . 'wp-admin/includes/admin.php';
set_current_screen( 'post' );
do_action( 'enqueue_block_editor_assets' );
$block = WP_Block_Type_Registry::get_instance()->get_registered( 'paywall/account' );
$script = wp_scripts()->registered[ $block->editor_script_handles[0] ];
echo json_encode( array( $script->src, $block->is_dynamic() ) );
"""


def test_shortcode_and_block_show_the_same_account(wordpress: WordPress) -> None:
    shortcode, block = (
        posts(wordpress, "", post_type="page", post_title="Account", post_content=content)[0]
        for content in ("[paywall_account]", "<!-- wp:paywall/account /-->")
    )
    shown = []
    for page in (shortcode, block):
        for user in (None, "ann"):
            text = wordpress.get(page.path, user=user).text
            found = re.search(r'<div class="paywall-account"(.*?)>(.*?)</div>', text, re.DOTALL)
            assert found is not None
            element, sentence = found[2].split("<p ")
            assert element.strip() == "<paywall-account>"
            assert sentence.strip().endswith("</p>\n</paywall-account>")
            assert 'data-paywall-token="' in found[1]
            assert f"redirect_to={'http%3A%2F%2F'}" in found[1]
            assert "/v1/parts/current/paywall.js" in text
            assert ("Sign in to see your account." in found[2]) == (user is None)
            shown.append(re.findall(r"<(paywall-[a-z]+)", found[2]))
    assert shown == [shown[0]] * 4
    assert_nothing_logged(wordpress)


def test_the_block_is_there_in_the_editor(wordpress: WordPress) -> None:
    src, is_dynamic = json.loads(wordpress.php(EDITED))
    assert is_dynamic
    script = wordpress.http.get(src)
    assert script.status_code == 200
    assert "registerBlockType( 'paywall/account'" in script.text


def test_other_pages_load_nothing_of_the_paywall(wordpress: WordPress) -> None:
    [page] = posts(wordpress, "free")
    for path in ("/", page.path):
        assert "paywall" not in wordpress.get(path).text
