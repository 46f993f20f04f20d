"""WordPress' own tools for personal data reach what the service has on record."""

import json
from collections.abc import Callable, Iterator

import pytest

from tests.processes import Served
from tests.sites.wordpress.conftest import connect
from tests.sites.wordpress.counting import Publisher, killed
from tests.sites.wordpress.posts import assert_nothing_logged, posts
from tests.sites.wordpress.site import WordPress

SCOPES = "access:check articles:write readers:token subscribers:privacy"
EXPORT = """
$page = 1;
$items = array();
do {
    $part = Paywall\\Privacy\\export( $argv[1], $page++ );
    if ( is_wp_error( $part ) ) { echo json_encode( $part->get_error_message() ); exit; }
    $items = array_merge( $items, $part['data'] );
} while ( ! $part['done'] );
echo json_encode( array( 'pages' => $page - 1, 'items' => $items ) );
"""
ERASE = """
$done = Paywall\\Privacy\\erase( $argv[1] );
echo json_encode( is_wp_error( $done ) ? $done->get_error_message() : $done );
"""
DELETE_USER = """
require_once ABSPATH . 'wp-admin/includes/user.php';
wp_delete_user( (int) $argv[1], 1 );
"""


@pytest.fixture(scope="module")
def wordpress(new_wordpress: Callable[[], WordPress], service: Served) -> Iterator[WordPress]:
    """With a token that may do what privacy needs, and is no admin's."""
    made = new_wordpress()
    connect(made, service, PAYWALL_SITE_TOKEN=service.site_token(SCOPES))
    made.activate()
    yield made
    assert_nothing_logged(made)


@pytest.fixture(scope="module")
def publisher(service: Served) -> Iterator[Publisher]:
    made = Publisher(service)
    yield made
    made.http.close()


def on_record(publisher: Publisher, reader_id: int) -> bool:
    return publisher.http.get(f"/v1/subscribers/{reader_id}").is_success


def test_the_export_has_every_section_in_pages(wordpress: WordPress, publisher: Publisher) -> None:
    ann = wordpress.user_id("ann")
    for place in range(120):
        publisher.call(
            "POST", f"/v1/subscribers/{ann}/grants",
            amount=1, source="promotion", reference=f"gift <{place}>",
        )  # fmt: skip
    [page] = posts(wordpress, "premium")
    publisher.unlock(ann, page.id)
    exported = json.loads(wordpress.php(EXPORT, "ann@example.org"))
    assert exported["pages"] > 2
    text = json.dumps(exported["items"])
    assert all(f"gift &lt;{place}&gt;" in text for place in range(120))
    groups = {item["group_id"] for item in exported["items"]}
    assert {"paywall-profile", "paywall-credits", "paywall-unlocks"} <= groups
    ids = [item["item_id"] for item in exported["items"]]
    assert len(ids) == len(set(ids))


def test_who_has_nothing_on_record_gets_an_empty_export(wordpress: WordPress) -> None:
    for email in ("contrib@example.org", "nobody@example.org"):
        assert json.loads(wordpress.php(EXPORT, email)) == {"pages": 1, "items": []}


def test_wordpress_erases_a_reader_when_the_service_has_confirmed_it(
    wordpress: WordPress, publisher: Publisher, service: Served
) -> None:
    bo = wordpress.user_id("bo")
    publisher.give_credits(bo, 3)
    with killed(service):
        refused = json.loads(wordpress.php(ERASE, "bo@example.org"))
        assert refused.startswith("The paywall service has not confirmed it")
        assert json.loads(wordpress.php(EXPORT, "bo@example.org")).startswith(
            "The paywall service has"
        )
    assert on_record(publisher, bo)
    wordpress.sql("delete from wp_options where option_name = 'paywall_breaker'")
    erased = json.loads(wordpress.php(ERASE, "bo@example.org"))
    assert erased["done"] is True
    assert erased["items_removed"] is True
    assert not on_record(publisher, bo)
    assert json.loads(wordpress.php(ERASE, "bo@example.org"))["done"] is True


def test_wordpress_offers_both_tools(wordpress: WordPress) -> None:
    offered = wordpress.php(
        "echo json_encode( array("
        "apply_filters( 'wp_privacy_personal_data_exporters', array() )['paywall']['callback'],"
        "apply_filters( 'wp_privacy_personal_data_erasers', array() )['paywall']['callback'] ) );"
    )
    assert json.loads(offered) == ["Paywall\\Privacy\\export", "Paywall\\Privacy\\erase"]


def test_a_deleted_user_is_erased_in_the_service(
    wordpress: WordPress, publisher: Publisher
) -> None:
    author = wordpress.user_id("author")
    publisher.give_credits(author, 2)
    wordpress.php(DELETE_USER, str(author))
    assert not on_record(publisher, author)


def test_a_user_who_leaves_one_site_of_a_network_is_kept(
    wordpress: WordPress, publisher: Publisher
) -> None:
    """WordPress runs the same action there, and the user is still in its table."""
    editor = wordpress.user_id("edit")
    publisher.give_credits(editor, 2)
    wordpress.php("do_action( 'deleted_user', (int) $argv[1], null );", str(editor))
    assert on_record(publisher, editor)


def test_the_erasure_of_a_deleted_user_waits_for_the_service(
    wordpress: WordPress, publisher: Publisher, service: Served
) -> None:
    contrib = wordpress.user_id("contrib")
    publisher.give_credits(contrib, 2)
    with killed(service):
        wordpress.php(DELETE_USER, str(contrib))
    assert on_record(publisher, contrib)
    wordpress.sql("update wp_paywall_queue set due_at = 0")
    wordpress.php("do_action( 'paywall_work_queue' );")
    assert not on_record(publisher, contrib)
    assert wordpress.sql("select count(*) from wp_paywall_queue") == [["0"]]
