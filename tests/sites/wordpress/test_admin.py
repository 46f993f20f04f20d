"""The plug-in's screens for those who run the site and those who write."""

import html
import json
import re
from collections.abc import Callable

import httpx
import pytest

from tests.processes import Served
from tests.sites.wordpress.conftest import SCOPES, connect
from tests.sites.wordpress.site import WordPress

PAGE = "/wp-admin/options-general.php?page=paywall"
NONCE = re.compile(r'name="_wpnonce" value="(\w+)"')


def _option(wordpress: WordPress, name: str) -> str:
    return wordpress.php("echo json_encode( Paywall\\Settings\\get( $argv[1] ) );", name)


def _save(wordpress: WordPress, **settings: str) -> str:
    """Send the form of the settings page; the page after it, as text."""
    page = wordpress.get(PAGE, user="admin").text
    form = page[page.index('action="options.php"') :]
    nonce = NONCE.search(form)
    assert nonce
    answer = wordpress.request(
        "POST", "/wp-admin/options.php", user="admin",
        data={
            "option_page": "paywall", "action": "update", "_wpnonce": nonce[1],
            "_wp_http_referer": PAGE,
            **{f"paywall_settings[{name}]": value for name, value in settings.items()},
        },
    )  # fmt: skip
    assert answer.status_code == 302, answer.text
    return html.unescape(wordpress.get(f"{PAGE}&settings-updated=true", user="admin").text)


@pytest.fixture(scope="module")
def unconnected(new_wordpress: Callable[[], WordPress]) -> WordPress:
    made = new_wordpress()
    made.activate()
    return made


def _test(wordpress: WordPress) -> list[tuple[bool, str]]:
    """Press the button that tests the connection."""
    nonce = re.search(
        r'id="paywall-test" data-nonce="(\w+)"', wordpress.get(PAGE, user="admin").text
    )
    assert nonce
    answer = wordpress.request(
        "POST", "/wp-admin/admin-ajax.php", user="admin",
        data={"action": "paywall_test_connection", "_ajax_nonce": nonce[1]},
    )  # fmt: skip
    return [(found["is_ok"], found["text"]) for found in answer.json()["data"]]


def test_the_settings_are_saved_and_the_token_is_never_shown(
    unconnected: WordPress, service: Served
) -> None:
    token = service.run("token", "site", "--scope", SCOPES).strip()
    _save(unconnected, service_url=f"{service.address}/", site_token=token, when_down="open")
    assert json.loads(_option(unconnected, "service_url")) == service.address
    assert _option(unconnected, "site_token") == f'"{token}"'
    assert _option(unconnected, "when_down") == '"open"'
    assert token not in unconnected.get(PAGE, user="admin").text
    _save(unconnected, site_token="", when_down="preview")
    assert _option(unconnected, "site_token") == f'"{token}"'
    assert all(is_ok for is_ok, _text in _test(unconnected)), _test(unconnected)


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("service_url", "ftp://example.org", "write an address such as"),
        ("service_url", "https://u:p@example.org", "write an address such as"),
        ("site_token", "Bearer x", "this is not a token"),
        ("timeout_seconds", "0", "write a number from 1 to 30"),
        ("timeout_seconds", "31", "write a number from 1 to 30"),
        ("preview_share", "1.5", "write a number from 0 to 1"),
        ("default_policy", "closed", "choose one of the list"),
        ("reader_prefix", "a/b", "use letters, digits"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_fix(
    unconnected: WordPress, name: str, value: str, fix: str
) -> None:
    before = _option(unconnected, name)
    assert fix in _save(unconnected, **{name: value})
    assert _option(unconnected, name) == before


def test_a_setting_of_wp_config_cannot_be_changed_here(
    wordpress: WordPress, service: Served
) -> None:
    page = wordpress.get(PAGE, user="admin").text
    assert "<code>PAYWALL_SITE_TOKEN</code>" in page
    assert 'name="paywall_settings[site_token]"' not in page
    _save(wordpress, service_url="http://127.0.0.1:1")
    assert service.address in _option(wordpress, "service_url").replace("\\", "")


@pytest.mark.parametrize("user", ["edit", "author", "contrib", "ann"])
def test_only_administrators_reach_the_settings(wordpress: WordPress, user: str) -> None:
    assert wordpress.get(PAGE, user=user).status_code == 403
    for action in ("paywall_test_connection", "paywall_move_step"):
        answer = wordpress.request(
            "POST", "/wp-admin/admin-ajax.php", user=user, data={"action": action}
        )
        assert answer.status_code == 403
    for action in ("paywall_move_start", "paywall_publish_everything"):
        answer = wordpress.request(
            "POST", "/wp-admin/admin-post.php", user=user, data={"action": action}
        )
        assert answer.status_code == 403


def test_nothing_is_done_without_a_nonce(wordpress: WordPress) -> None:
    for action in ("paywall_move_start", "paywall_publish_everything"):
        answer = wordpress.request(
            "POST", "/wp-admin/admin-post.php", user="admin", data={"action": action}
        )
        assert answer.status_code == 403
    for action in ("paywall_test_connection", "paywall_move_step"):
        answer = wordpress.request(
            "POST", "/wp-admin/admin-ajax.php", user="admin", data={"action": action}
        )
        assert answer.status_code == 403


def test_the_test_button_says_what_is_wrong(unconnected: WordPress, service: Served) -> None:
    token = service.site_token(SCOPES)
    for settings, sentence in [
        ({"service_url": "http://127.0.0.1:9"}, "This server does not reach http://127.0.0.1:9"),
        ({"service_url": unconnected.url}, "so it is not the paywall service"),
        ({"service_url": service.address, "site_token": "a.b.c"}, "refuses the token"),
        ({"site_token": service.site_token("access:check")}, "lacks these scopes: articles:read"),
    ]:
        _save(unconnected, **settings)
        findings = _test(unconnected)
        assert sentence in " ".join(text for is_ok, text in findings if not is_ok), findings
    _save(unconnected, service_url=service.address, site_token=token)


def _edit(wordpress: WordPress, post_id: int, user: str, **fields: str) -> httpx.Response:
    """Send the form of the classic editor."""
    nonces = wordpress.php(
        "wp_set_current_user( get_user_by( 'login', $argv[1] )->ID );"
        "$_COOKIE[ LOGGED_IN_COOKIE ] = $argv[3];"
        "echo wp_create_nonce( 'update-post_' . $argv[2] ), ' ';"
        "echo wp_create_nonce( 'paywall_post_fields' );",
        user, str(post_id),
        next(v for k, v in wordpress.cookies(user).items() if "logged_in" in k),
    ).split()  # fmt: skip
    return wordpress.request(
        "POST", "/wp-admin/post.php", user=user,
        data={
            "action": "editpost", "post_ID": str(post_id), "post_type": "post",
            "post_title": "A title", "content": "<p>One.</p><p>Two.</p>", "post_status": "publish",
            "_wpnonce": nonces[0], "paywall_post_fields": nonces[1], **fields,
        },
    )  # fmt: skip


def _terms(wordpress: WordPress, post_id: int) -> str:
    return wordpress.php(
        "echo implode( ' ', Paywall\\Policy\\of( (int) $argv[1] ) );",
        str(post_id),
    )


def test_the_box_of_the_classic_editor_sets_the_terms(wordpress: WordPress) -> None:
    post_id = wordpress.insert_post(post_title="A title", post_content="<p>One.</p>")
    assert _edit(
        wordpress, post_id, "edit", _paywall_policy="premium", _paywall_cost="3",
        _paywall_preview_paragraphs="0", _paywall_preview_html="<b>Hi</b><script>x</script>",
    ).status_code == 302  # fmt: skip
    assert _terms(wordpress, post_id) == "premium 3"
    rows = dict(
        wordpress.sql(
            f"select meta_key, meta_value from wp_postmeta where post_id = {post_id}"
            " and meta_key like '\\_paywall\\_preview%'"
        )
    )
    assert rows["_paywall_preview_paragraphs"] == "0"
    assert "<script" not in rows["_paywall_preview_html"]
    _edit(wordpress, post_id, "edit", _paywall_policy="", _paywall_cost="")
    assert _terms(wordpress, post_id) == "free 1"


def test_the_post_goes_first_then_the_strictest_term_then_the_default(wordpress: WordPress) -> None:
    post_id = wordpress.insert_post(post_title="By term", post_content="<p>One.</p>")
    printed = wordpress.php(
        "$terms = fn() => implode( ' ', Paywall\\Policy\\of( (int) $argv[1] ) );"
        "$id = (int) $argv[1];"
        "$all = array( array( 'metered', 2 ), array( 'premium', 4 ), array( 'premium', 7 ) );"
        "foreach ( $all as list( $policy, $cost ) ) {"
        "  $term = wp_insert_term( \"$policy $cost\", 'category' );"
        "  update_term_meta( $term['term_id'], 'paywall_policy', $policy );"
        "  update_term_meta( $term['term_id'], 'paywall_cost', $cost );"
        "  wp_set_post_terms( $id, array( $term['term_id'] ), 'category', true );"
        "  echo $terms(), ',';"
        "}"
        "update_post_meta( $id, '_paywall_cost', 9 ); echo $terms(), ',';"
        "update_post_meta( $id, '_paywall_policy', 'registered' ); echo $terms(), ',';"
        "delete_post_meta( $id, '_paywall_cost' );"
        "$settings = array( 'default_policy' => 'metered', 'default_cost' => 5 );"
        "update_option( 'paywall_settings', $settings ); echo $terms(), ',';"
        "delete_post_meta( $id, '_paywall_policy' );"
        "wp_set_post_terms( $id, array(), 'category' ); echo $terms();"
        "delete_option( 'paywall_settings' );",
        str(post_id),
    )
    assert printed.split(",") == [
        "metered 2", "premium 4", "premium 7", "premium 9", "registered 9", "registered 5",
        "metered 5",
    ]  # fmt: skip


def test_the_list_of_posts_shows_the_terms(wordpress: WordPress) -> None:
    post_id = wordpress.insert_post(
        post_title="Listed", post_content="<p>One.</p>", meta_input={"_paywall_policy": "premium"}
    )
    page = wordpress.get("/wp-admin/edit.php", user="edit").text
    row = page[page.index(f'id="post-{post_id}"') :]
    assert "Subscribers, and readers who unlocked it" in row[: row.index("</tr>")]


def test_a_category_is_given_a_policy_on_its_screen(wordpress: WordPress) -> None:
    term_id = wordpress.php("echo wp_insert_term( 'Deep', 'category' )['term_id'];")
    path = f"/wp-admin/term.php?taxonomy=category&tag_ID={term_id}"
    page = wordpress.get(path, user="edit").text
    nonces = {
        name: re.search(rf'name="{name}" value="(\w+)"', page)
        for name in ("_wpnonce", "paywall_term_fields")
    }
    answer = wordpress.request(
        "POST", "/wp-admin/edit-tags.php", user="edit",
        data={
            "action": "editedtag", "tag_ID": term_id, "taxonomy": "category", "name": "Deep",
            "slug": "deep", "paywall_policy": "subscribers", "paywall_cost": "",
            **{name: found[1] for name, found in nonces.items() if found},
        },
    )  # fmt: skip
    assert answer.status_code == 302
    rows = wordpress.sql(f"select meta_key, meta_value from wp_termmeta where term_id = {term_id}")
    assert rows == [["paywall_policy", "subscribers"]]


def test_the_fields_are_in_rest_for_those_who_may_edit(wordpress: WordPress) -> None:
    post_id = wordpress.insert_post(post_title="By REST", post_content="<p>One.</p>")
    nonce = wordpress.get("/wp-admin/admin-ajax.php?action=rest-nonce", user="edit").text
    answer = wordpress.request(
        "POST", f"/wp-json/wp/v2/posts/{post_id}", user="edit", headers={"X-WP-Nonce": nonce},
        json={"meta": {"_paywall_policy": "premium", "_paywall_cost": 2}},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert _terms(wordpress, post_id) == "premium 2"
    refused = wordpress.request(
        "POST", f"/wp-json/wp/v2/posts/{post_id}", json={"meta": {"_paywall_policy": "free"}}
    )
    assert refused.status_code == 401


def test_an_unconnected_plug_in_says_so(
    new_wordpress: Callable[[], WordPress], service: Served
) -> None:
    made = new_wordpress()
    made.activate()
    assert "not connected to its service" in made.get("/wp-admin/plugins.php", user="admin").text
    connect(made, service)
    page = made.get("/wp-admin/plugins.php", user="admin").text
    assert "not connected" not in page
    # The token of the tests ends in an hour.
    assert "site token is valid until" in page


def test_the_plug_in_logs_nothing(wordpress: WordPress, unconnected: WordPress) -> None:
    for made in (wordpress, unconnected):
        assert made.complaints() == []
