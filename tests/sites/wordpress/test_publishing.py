"""The service knows the published posts and no others, whatever fails on the way."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.processes import Served
from tests.sites.wordpress.conftest import connect
from tests.sites.wordpress.counting import CountingProxy, Publisher, counting, killed
from tests.sites.wordpress.posts import OPEN, PAID, Post, assert_nothing_logged, posts, read
from tests.sites.wordpress.site import WordPress

SCHEDULE = (
    "wp_update_post( array( 'ID' => {id}, 'post_status' => 'future', 'edit_date' => true,"
    " 'post_date' => '2100-01-01 00:00:00', 'post_date_gmt' => '2100-01-01 00:00:00' ) )"
)


@pytest.fixture(scope="module")
def wordpress(new_wordpress: Callable[[], WordPress], service: Served) -> Iterator[WordPress]:
    made = new_wordpress()
    connect(made, service, PAYWALL_TIMEOUT_SECONDS=1)
    made.activate()
    yield made
    assert_nothing_logged(made)


@pytest.fixture(scope="module")
def publisher(service: Served) -> Iterator[Publisher]:
    made = Publisher(service)
    yield made
    made.http.close()


def waiting(wordpress: WordPress) -> int:
    return int(wordpress.php("echo Paywall\\Publishing\\waiting()['count'];"))


def update(wordpress: WordPress, *calls: str) -> None:
    """Run PHP as the administrator does it in the admin area."""
    wordpress.php("wp_set_current_user( 1 );" + ";".join(calls) + ";")


def test_a_published_post_is_an_article_with_its_terms(
    wordpress: WordPress, publisher: Publisher
) -> None:
    [page] = posts(
        wordpress, "premium", post_title="Rice &amp; <em>salt</em> ស្រូវ", tags_input=["Farms"],
        post_date="2026-01-02 03:04:05", meta_input={"_paywall_cost": 3},
    )  # fmt: skip
    article = publisher.article(page.id)
    assert article is not None
    assert article["title"] == "Rice & salt ស្រូវ"
    assert article["policy"] == "premium"
    assert article["unlock_cost"] == 3
    assert article["url"] == f"{wordpress.url}{page.path}"
    assert article["language"] == "en-US"
    assert article["tags"] == ["Uncategorized", "Farms"]
    assert article["published_at"] == "2026-01-02T03:04:05Z"
    body = publisher.call("POST", "/v1/access/body", article_id=str(page.id), reader_id="x")
    assert OPEN in body["preview_html"]
    assert PAID not in body["preview_html"]
    publisher.unlock("x", page.id)
    body = publisher.call("POST", "/v1/access/body", article_id=str(page.id), reader_id="x")
    assert PAID in body["body_html"]
    assert "paywall" not in body["body_html"]
    assert waiting(wordpress) == 0


@pytest.mark.parametrize(
    ("leave", "come_back"),
    [
        ("wp_trash_post( {id} )", "wp_untrash_post( {id} ); wp_publish_post( {id} )"),
        ("wp_update_post( array( 'ID' => {id}, 'post_status' => 'draft' ) )",
         "wp_publish_post( {id} )"),
        ("wp_update_post( array( 'ID' => {id}, 'post_status' => 'private' ) )",
         "wp_update_post( array( 'ID' => {id}, 'post_status' => 'publish' ) )"),
        ("wp_update_post( array( 'ID' => {id}, 'post_password' => 'secret' ) )",
         "wp_update_post( array( 'ID' => {id}, 'post_password' => '' ) )"),
        (SCHEDULE, "wp_publish_post( {id} )"),
        ("wp_delete_post( {id}, true )", ""),
    ],
    ids=["trash", "draft", "private", "password", "scheduled", "deleted"],
)  # fmt: skip
def test_the_service_forgets_what_is_not_published(
    wordpress: WordPress, publisher: Publisher, leave: str, come_back: str
) -> None:
    [page] = posts(wordpress, "premium")
    assert publisher.article(page.id) is not None
    update(wordpress, leave.format(id=page.id))
    assert publisher.article(page.id) is None
    if come_back:
        update(wordpress, come_back.format(id=page.id))
        assert publisher.article(page.id) is not None


def test_a_draft_is_never_sent(wordpress: WordPress, publisher: Publisher) -> None:
    drafts = [
        posts(wordpress, "premium", post_status=status)[0]
        for status in ("draft", "pending", "private")
    ]
    assert [publisher.article(draft.id) for draft in drafts] == [None] * 3


def test_policies_follow_the_post_its_terms_and_the_default(
    wordpress: WordPress, publisher: Publisher
) -> None:
    page = posts(wordpress, "", meta_input={"_paywall_cost": ""})[0]

    def terms() -> tuple[str, int]:
        article = publisher.article(page.id)
        assert article is not None
        return article["policy"], article["unlock_cost"]

    assert terms() == ("free", 1)
    update(wordpress, "update_option( 'paywall_settings', array( 'default_policy' => 'metered' ) )")
    update(wordpress, "do_action( 'paywall_work_queue' )")
    assert terms() == ("metered", 1)
    term = wordpress.php("echo wp_insert_term( 'Long reads', 'category' )['term_id'];")
    update(
        wordpress,
        f"update_term_meta( {term}, 'paywall_policy', 'premium' )",
        f"update_term_meta( {term}, 'paywall_cost', 4 )",
        f"wp_set_object_terms( {page.id}, array( {term} ), 'category' )",
    )
    assert terms() == ("premium", 4)
    update(wordpress, f"update_term_meta( {term}, 'paywall_cost', 5 )")
    update(wordpress, "do_action( 'paywall_work_queue' )")
    assert terms() == ("premium", 5)
    update(wordpress, f"update_post_meta( {page.id}, '_paywall_policy', 'subscribers' )")
    assert terms()[0] == "subscribers"
    update(wordpress, f"delete_post_meta( {page.id}, '_paywall_policy' )")
    assert terms() == ("premium", 5)
    update(wordpress, f"wp_remove_object_terms( {page.id}, array( {term} ), 'category' )")
    assert terms() == ("metered", 1)
    update(wordpress, "delete_option( 'paywall_settings' )")


def test_what_could_not_be_sent_waits_and_is_sent_later(
    wordpress: WordPress, publisher: Publisher, service: Served
) -> None:
    wordpress.sql("delete from wp_paywall_queue")
    with killed(service):
        kept, gone = posts(wordpress, "premium", "premium")
        update(wordpress, f"wp_trash_post( {gone.id} )")
        rows = json.loads(
            wordpress.php("echo json_encode( Paywall\\Publishing\\waiting()['rows'] );")
        )
        assert {row["target"] for row in rows} == {str(kept.id), str(gone.id)}
        assert any("127.0.0.1" in row["error"] for row in rows)
        assert any(int(row["attempts"]) > 0 for row in rows)
    # As if the pauses were over.
    wordpress.sql("update wp_paywall_queue set due_at = 0")
    wordpress.sql("delete from wp_options where option_name = 'paywall_breaker'")
    update(wordpress, "Paywall\\Queue\\schedule()")
    wordpress.run_cron()
    assert publisher.article(kept.id) is not None
    assert publisher.article(gone.id) is None
    assert waiting(wordpress) == 0


def test_a_post_that_the_service_refuses_holds_up_no_other(
    wordpress: WordPress, publisher: Publisher
) -> None:
    bad, good = posts(wordpress, "premium", "premium")
    publisher.call("DELETE", f"/v1/articles/{bad.id}")
    publisher.call("DELETE", f"/v1/articles/{good.id}")
    update(
        wordpress,
        "add_filter( 'post_link', fn( $url, $post )"
        f" => {bad.id} === $post->ID ? 'no address' : $url, 10, 2 )",
        f"Paywall\\Publishing\\enqueue_post( {bad.id} )",
        f"Paywall\\Publishing\\enqueue_post( {good.id} )",
    )
    assert publisher.article(good.id) is not None
    row = json.loads(
        wordpress.php(f"echo json_encode( Paywall\\Publishing\\waiting_of( {bad.id} ) );")
    )
    assert "HTTP 422." in row["error"]
    # Its readers do not hurry it: else each view would send it again, refused each time.
    assert PAID not in read(wordpress, bad, "ann")
    assert publisher.article(bad.id) is None
    update(wordpress, f"do_action( 'paywall_publish_post', {bad.id} )")
    assert waiting(wordpress) == 0


def test_the_last_of_many_changes_at_once_is_what_stays(
    wordpress: WordPress, publisher: Publisher
) -> None:
    [page] = posts(wordpress, "premium")
    code = f"wp_set_current_user( 1 ); update_post_meta( {page.id}, '_paywall_cost', $argv[1] );"
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda cost: wordpress.php(code, str(cost)), range(2, 10)))
    stored = wordpress.php(f"echo get_post_meta( {page.id}, '_paywall_cost', true );")
    update(wordpress, "do_action( 'paywall_work_queue' )")
    assert (publisher.article(page.id) or {})["unlock_cost"] == int(stored)
    assert waiting(wordpress) == 0


@pytest.fixture
def proxy(wordpress: WordPress, service: Served) -> Iterator[CountingProxy]:
    """Counts what WordPress asks."""
    with counting(service) as made:
        connect(wordpress, service, PAYWALL_SERVICE_URL=made.address)
        yield made
    connect(wordpress, service, PAYWALL_TIMEOUT_SECONDS=1)


def enqueue(*made: Post) -> list[str]:
    return [f"Paywall\\Publishing\\enqueue_post( {page.id} )" for page in made]


def test_all_posts_are_sent_at_once_by_the_hundred(
    wordpress: WordPress, publisher: Publisher, proxy: CountingProxy
) -> None:
    made = posts(wordpress, *["premium", "metered", "free"] * 35)
    count = wordpress.sql(
        "select count(*) from wp_posts where post_status = 'publish' and post_type = 'post'"
    )
    for page in made:
        publisher.call("DELETE", f"/v1/articles/{page.id}")
    proxy.taken()
    update(wordpress, "do_action( 'paywall_publish_all' )")
    assert proxy.taken() == -(-int(count[0][0]) // 100)
    assert all(publisher.article(page.id) for page in made)
    assert waiting(wordpress) == 0


def test_a_refused_post_and_a_removed_one_hold_up_no_neighbour(
    wordpress: WordPress, publisher: Publisher, proxy: CountingProxy
) -> None:
    good, bad, gone, other = posts(wordpress, *["premium"] * 4)
    for page in (good, bad, other):
        publisher.call("DELETE", f"/v1/articles/{page.id}")
    proxy.taken()
    update(
        wordpress,
        "add_filter( 'post_link', fn( $url, $post )"
        f" => {bad.id} === $post->ID ? 'no address' : $url, 10, 2 )",
        *enqueue(good, bad, other),
        f"wp_trash_post( {gone.id} )",
    )
    # One for all, refused; then each of the three, and the removal.
    assert proxy.taken() == 5
    found = [publisher.article(page.id) is not None for page in (good, bad, gone, other)]
    assert found == [True, False, False, True]
    assert waiting(wordpress) == 1
    update(wordpress, f"do_action( 'paywall_publish_post', {bad.id} )")


def test_a_change_while_many_posts_are_sent_is_sent_as_well(
    wordpress: WordPress, publisher: Publisher, proxy: CountingProxy
) -> None:
    made = posts(wordpress, *["premium"] * 3)
    proxy.taken()
    update(
        wordpress,
        "add_filter( 'pre_http_request', function ( $none, $sent, $url ) {"
        f" str_contains( $url, '/bulk/' ) && update_post_meta( {made[1].id}, '_paywall_cost', 7 );"
        " return $none; }, 10, 3 )",
        *enqueue(*made),
    )
    assert [(publisher.article(page.id) or {})["unlock_cost"] for page in made] == [1, 7, 1]
    assert proxy.taken() == 2
    assert waiting(wordpress) == 0


def test_what_failed_with_others_is_sent_alone_later(
    wordpress: WordPress, publisher: Publisher, proxy: CountingProxy, service: Served
) -> None:
    with killed(service):
        made = posts(wordpress, *["premium"] * 3)
    rows = wordpress.sql("select attempts, error from wp_paywall_queue")
    assert [int(attempts) for attempts, _ in rows] == [1, 1, 1]
    assert all(error for _, error in rows)
    wordpress.sql("update wp_paywall_queue set due_at = 0")
    proxy.taken()
    update(wordpress, "do_action( 'paywall_work_queue' )")
    assert proxy.taken() == 3
    assert all(publisher.article(page.id) for page in made)


def test_long_posts_go_in_requests_of_at_most_4_mebibytes(
    wordpress: WordPress, publisher: Publisher, proxy: CountingProxy
) -> None:
    made = posts(wordpress, *["premium"] * 3)
    text = "'<p>Rice</p><!--more--><pre>' . str_repeat( 'ស្រូវ ', 93000 ) . '</pre>'"
    update(
        wordpress,
        *(
            f"wp_update_post( array( 'ID' => {page.id}, 'post_content' => {text} ) )"
            for page in made
        ),
    )
    for page in made:
        publisher.call("DELETE", f"/v1/articles/{page.id}")
    proxy.taken()
    update(wordpress, *enqueue(*made))
    assert proxy.taken() == 2
    assert all(publisher.article(page.id) for page in made)
    update(wordpress, *(f"wp_delete_post( {page.id}, true )" for page in made))


def test_what_changed_while_the_plug_in_was_off_is_sent(
    wordpress: WordPress, publisher: Publisher
) -> None:
    [kept] = posts(wordpress, "premium")
    wordpress.deactivate()
    [made] = posts(wordpress, "premium")
    update(wordpress, f"wp_update_post( array( 'ID' => {kept.id}, 'post_title' => 'Salt' ) )")
    wordpress.activate()
    wordpress.get("/")
    wordpress.run_cron()
    assert (publisher.article(kept.id) or {})["title"] == "Salt"
    assert publisher.article(made.id) is not None
    assert waiting(wordpress) == 0


def test_uninstalling_leaves_no_queue(wordpress: WordPress) -> None:
    """The module's last: the site goes on without the plug-in."""
    wordpress.deactivate()
    wordpress.php(
        "define( 'WP_UNINSTALL_PLUGIN', 'paywall/paywall.php' );"
        "require WP_PLUGIN_DIR . '/paywall/uninstall.php';"
    )
    assert wordpress.sql("show tables like 'wp_paywall%'") == []
    left = wordpress.sql("select option_name from wp_options where option_name like 'paywall%'")
    assert left == []
