"""Who reads what on a post's page, and what caches may keep of it."""

import json
import re
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import PATIENT_SECONDS
from tests.processes import Served, serving
from tests.sites.wordpress.conftest import connect
from tests.sites.wordpress.counting import CountingProxy, Publisher, counting
from tests.sites.wordpress.posts import OPEN, PAID, assert_nothing_logged, posts, read
from tests.sites.wordpress.site import WordPress

METER_LIMIT = 2
FILTERS = """<?php
add_filter( 'paywall_decision', function ( $decision, $post_id ) {
    return get_post_meta( $post_id, 'opened_by_filter', true )
        ? array( 'granted' => true, 'reason' => 'a filter' ) : $decision;
}, 10, 2 );
add_filter( 'paywall_reader_id', function ( $reader_id, $user_id ) {
    return 'bo' === get_userdata( $user_id )->user_login ? 'reader-bo' : $reader_id;
}, 10, 2 );
add_filter( 'paywall_article_id', function ( $article_id, $post_id ) {
    return get_post_meta( $post_id, 'article_id', true ) ?: $article_id;
}, 10, 2 );
"""


@pytest.fixture(scope="module")
def proxy(service: Served) -> Iterator[CountingProxy]:
    with counting(service) as running:
        yield running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(
        tmp_path_factory.mktemp("service"),
        meter_limit=str(METER_LIMIT),
        request_timeout_seconds=str(PATIENT_SECONDS),
    ) as served:
        yield served


@pytest.fixture(scope="module")
def wordpress(
    new_wordpress: Callable[[], WordPress], service: Served, proxy: CountingProxy
) -> Iterator[WordPress]:
    made = new_wordpress()
    connect(made, service, PAYWALL_SERVICE_URL=proxy.address)
    made.activate()
    (made.folder / "wp-content" / "mu-plugins" / "filters.php").write_text(FILTERS)
    yield made
    assert_nothing_logged(made)


@pytest.fixture(scope="module")
def publisher(service: Served) -> Iterator[Publisher]:
    made = Publisher(service)
    yield made
    made.http.close()


def test_a_visitor_gets_the_preview_and_a_gate(wordpress: WordPress) -> None:
    [page] = posts(wordpress, "premium")
    answer = wordpress.get(page.path)
    assert OPEN in answer.text
    assert PAID not in answer.text
    gate = re.search(r"<paywall-gate [^>]*>.*?</paywall-gate>", answer.text, re.DOTALL)
    assert gate is not None
    assert f'article="{page.id}"' in gate[0]
    assert 'policy="premium" cost="1"' in gate[0]
    assert 'data-paywall-after="reload"' in gate[0]
    assert "Sign in to read the rest of this article." in gate[0]
    assert "wp-login.php?redirect_to=" in gate[0]
    assert "/v1/parts/current/paywall.js'" in answer.text
    assert "integrity=" not in answer.text


def test_the_gate_is_described_to_search_engines(wordpress: WordPress) -> None:
    [page] = posts(wordpress, "premium", post_title="</script><b>Rice")
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', read(wordpress, page))
    assert found is not None
    data = json.loads(found[1])
    assert data["isAccessibleForFree"] is False
    assert data["hasPart"]["cssSelector"] == ".paywall-content"


def test_a_cache_may_keep_the_preview_but_no_readers_page(
    wordpress: WordPress, publisher: Publisher
) -> None:
    [page] = posts(wordpress, "premium")
    preview = wordpress.get(page.path)
    assert "no-store" not in preview.headers.get("cache-control", "")
    assert "set-cookie" not in preview.headers
    publisher.subscribe(wordpress.user_id("author"))
    for user in ("author", "bo", "edit"):
        answer = wordpress.get(page.path, user=user)
        assert "no-store" in answer.headers["cache-control"], user
        assert (PAID in answer.text) == (user != "bo")
    assert "paywall" not in read(wordpress, page, "author")


def test_an_unlocked_post_is_read(wordpress: WordPress, publisher: Publisher) -> None:
    [page] = posts(wordpress, "premium")
    assert PAID not in read(wordpress, page, "ann")
    publisher.unlock(wordpress.user_id("ann"), page.id)
    assert PAID in read(wordpress, page, "ann")
    assert PAID not in read(wordpress, page, "contrib")


def test_every_signed_in_reader_reads_what_is_for_registered_ones(wordpress: WordPress) -> None:
    [page] = posts(wordpress, "registered")
    assert PAID not in read(wordpress, page)
    assert PAID in read(wordpress, page, "ann")


def test_a_visitor_reads_as_many_metered_posts_as_the_meter_has(wordpress: WordPress) -> None:
    pages = posts(wordpress, *["metered"] * (METER_LIMIT + 1))
    cookie = ""
    for page in [*pages[:METER_LIMIT], pages[0]]:
        answer = wordpress.get(page.path, headers={"Cookie": cookie})
        assert PAID in answer.text
        assert "no-store" in answer.headers["cache-control"]
        if not cookie:
            sent = answer.headers["set-cookie"]
            assert re.match(r"paywall_visitor=[0-9a-f]{32}; ", sent)
            assert "HttpOnly" in sent
            assert "SameSite=Lax" in sent
            cookie = sent.split(";")[0]
        else:
            assert "set-cookie" not in answer.headers
    denied = wordpress.get(pages[-1].path, headers={"Cookie": cookie})
    assert PAID not in denied.text
    assert "no-store" in denied.headers["cache-control"]


def test_what_no_person_looks_at_counts_no_view_and_opens_nothing(
    wordpress: WordPress, publisher: Publisher
) -> None:
    [page] = posts(wordpress, "metered")
    url, me = page.path, "ann"
    assert wordpress.request("HEAD", url, user=me).status_code == 200
    prefetched = wordpress.get(url, user=me, headers={"Sec-Purpose": "prefetch"})
    assert prefetched.status_code == 503
    others = [
        wordpress.get(f"/wp-json/wp/v2/posts/{page.id}", user=me).text,
        wordpress.get("/feed/", user=me).text,
        wordpress.get(f"{url}embed/", user=me).text,
        wordpress.get("/", user=me).text,
        wordpress.get("/?s=Rice", user=me).text,
        prefetched.text,
    ]
    assert not [text for text in others if PAID in text and f"?p={page.id}" in text]
    assert PAID not in prefetched.text
    views = publisher.call("GET", f"/v1/subscribers/{wordpress.user_id(me)}/export")["views"]
    assert str(page.id) not in json.dumps(views)
    assert PAID in read(wordpress, page, me)
    views = publisher.call("GET", f"/v1/subscribers/{wordpress.user_id(me)}/export")["views"]
    assert str(page.id) in json.dumps(views)


def test_who_may_edit_or_read_all_is_not_asked_about(
    wordpress: WordPress, proxy: CountingProxy
) -> None:
    [page] = posts(wordpress, "subscribers")
    wordpress.php("get_role( 'contributor' )->add_cap( 'paywall_read_all' );")
    proxy.taken()
    for user in ("admin", "edit", "contrib"):
        assert PAID in read(wordpress, page, user)
    assert proxy.taken() == 0
    assert PAID not in read(wordpress, page, "ann")
    assert proxy.taken() == 1
    wordpress.php("get_role( 'contributor' )->remove_cap( 'paywall_read_all' );")


def test_filters_decide_and_name_readers_and_articles(
    wordpress: WordPress, publisher: Publisher
) -> None:
    [opened] = posts(wordpress, "subscribers", meta_input={"opened_by_filter": "1"})
    assert PAID in read(wordpress, opened)
    [page] = posts(wordpress, "premium", meta_input={"article_id": "rice-bank"})
    assert publisher.http.get("/v1/articles/rice-bank").json()["policy"] == "premium"
    publisher.unlock("reader-bo", "rice-bank")
    assert PAID in read(wordpress, page, "bo")
    assert PAID not in read(wordpress, page, "ann")


@pytest.mark.parametrize(
    "fields",
    [{"post_status": "draft"}, {"post_status": "private"}, {"post_password": "secret"}],
    ids=["draft", "private", "password"],
)
def test_what_is_not_published_stays_closed(
    wordpress: WordPress, publisher: Publisher, fields: dict[str, object]
) -> None:
    """Also where the service, or a filter, would open it."""
    [page] = posts(wordpress, "premium", meta_input={"opened_by_filter": "1"}, **fields)
    publisher.call("PUT", f"/v1/articles/{page.id}", title="Rice", policy="free")
    for user in (None, "bo"):
        assert PAID not in wordpress.get(page.path, user=user).text
    code = (
        "wp_set_current_user( (int) $argv[1] );"
        "$one = Paywall\\Decisions\\of_single( (int) $argv[2] );"
        "$all = Paywall\\Decisions\\of_list( array( (int) $argv[2] ) );"
        "echo json_encode( array( $one['granted'], $all[ (int) $argv[2] ]['granted'] ) );"
    )
    assert wordpress.php(code, str(wordpress.user_id("bo")), str(page.id)) == "[false,false]"


def test_a_list_is_one_question_and_opens_nothing_by_the_meter(
    wordpress: WordPress, publisher: Publisher, proxy: CountingProxy
) -> None:
    metered, premium, closed = posts(wordpress, "metered", "premium", "premium")
    reader = wordpress.user_id("contrib")
    publisher.unlock(reader, premium.id)
    proxy.taken()
    ids = json.dumps([metered.id, premium.id, closed.id])
    code = (
        "wp_set_current_user( (int) $argv[1] );"
        "$ids = json_decode( $argv[2] );"
        "Paywall\\Decisions\\of_list( $ids );"
        "$all = Paywall\\Decisions\\of_list( $ids );"
        "echo json_encode( array_map( fn( $id ) => $all[ $id ]['granted'], $ids ) );"
    )
    assert wordpress.php(code, str(reader), ids) == "[false,true,false]"
    assert proxy.taken() == 1
    assert wordpress.php(code, "0", ids) == "[false,false,false]"
    assert proxy.taken() == 0


def test_a_stricter_policy_holds_before_the_service_knows_it(
    wordpress: WordPress, publisher: Publisher
) -> None:
    [page] = posts(wordpress, "registered")
    assert PAID in read(wordpress, page, "ann")
    wordpress.sql(
        f"update wp_postmeta set meta_value = 'premium' where post_id = {page.id}"
        " and meta_key = '_paywall_policy'"
    )
    assert (publisher.article(page.id) or {})["policy"] == "registered"
    assert PAID not in read(wordpress, page, "ann")


def test_an_article_that_the_service_lost_is_sent_again(
    wordpress: WordPress, publisher: Publisher
) -> None:
    [page] = posts(wordpress, "premium")
    publisher.call("DELETE", f"/v1/articles/{page.id}")
    assert PAID not in read(wordpress, page, "ann")
    assert publisher.article(page.id) is not None
