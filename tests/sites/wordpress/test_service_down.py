"""The service is killed or hangs: one time-out a page, the configured answer, and recovery."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.processes import Served
from tests.sites.wordpress.conftest import connect
from tests.sites.wordpress.counting import CountingProxy, Publisher, counting, hanging, killed
from tests.sites.wordpress.posts import PAID, Post, assert_nothing_logged, posts, read
from tests.sites.wordpress.site import WordPress

# A page on which much else asks: the list, other posts, the token and the queue.
ASKS_MORE = """<?php
add_action( 'wp_footer', function () {
    $ids = get_posts( array( 'fields' => 'ids', 'numberposts' => 50 ) );
    Paywall\\Decisions\\of_list( $ids );
    array_map( 'Paywall\\Decisions\\of_single', $ids );
    do_action( 'paywall_publish_post', $ids[0] );
    echo 'The footer is reached.';
} );
"""
FAILURES_MAX = 3


@pytest.fixture(scope="module")
def proxy(service: Served) -> Iterator[CountingProxy]:
    with counting(service) as running:
        yield running


@pytest.fixture(scope="module")
def wordpress(
    new_wordpress: Callable[[], WordPress], service: Served, proxy: CountingProxy
) -> Iterator[WordPress]:
    made = new_wordpress()
    configure(made, service, proxy)
    made.activate()
    yield made
    assert_nothing_logged(made)


@pytest.fixture(scope="module")
def page(wordpress: WordPress, service: Served) -> Post:
    """A post that ann has unlocked, among others."""
    made = posts(wordpress, *["premium"] * 5)
    publisher = Publisher(service)
    publisher.unlock(wordpress.user_id("ann"), made[0].id)
    publisher.http.close()
    return made[0]


@pytest.fixture
def settled(wordpress: WordPress, page: Post) -> Post:
    """Nothing of an earlier outage is remembered."""
    forget(wordpress)
    return page


def configure(
    wordpress: WordPress, service: Served, proxy: CountingProxy, when_down: str = "preview"
) -> None:
    connect(
        wordpress, service, PAYWALL_SERVICE_URL=proxy.address, PAYWALL_TIMEOUT_SECONDS=1,
        PAYWALL_WHEN_DOWN=when_down,
    )  # fmt: skip


def forget(wordpress: WordPress) -> None:
    wordpress.sql("delete from wp_options where option_name = 'paywall_breaker'")


def let_the_pause_end(wordpress: WordPress) -> None:
    """As if 30 seconds were over."""
    wordpress.sql(
        "update wp_options"
        " set option_value = concat( substring_index( option_value, ' ', 2 ), ' 1' )"
        " where option_name = 'paywall_breaker' and option_value not like '% 0'"
    )


Outage = Callable[[Served], AbstractContextManager[None]]


@pytest.mark.parametrize("outage", [hanging, killed])
def test_a_page_shows_the_preview_and_recovers(
    wordpress: WordPress, service: Served, settled: Post, outage: Outage
) -> None:
    assert PAID in read(wordpress, settled, "ann")
    with outage(service):
        text = read(wordpress, settled, "ann")
        assert PAID not in text
        assert "We cannot open the rest of this article right now." in text
        answer = wordpress.get(settled.path)
        assert PAID not in answer.text
        assert "no-store" in answer.headers["cache-control"]
    assert PAID in read(wordpress, settled, "ann")


@pytest.mark.parametrize("outage", [hanging, killed])
def test_a_page_asks_once_whatever_is_on_it(
    wordpress: WordPress, service: Served, proxy: CountingProxy, settled: Post, outage: Outage
) -> None:
    plugin = wordpress.folder / "wp-content" / "mu-plugins" / "asks-more.php"
    plugin.write_text(ASKS_MORE)
    proxy.taken()
    with outage(service):
        assert "The footer is reached." in read(wordpress, settled, "ann")
    assert proxy.taken() == 1
    plugin.unlink()
    wordpress.sql("delete from wp_paywall_queue")


def test_several_failures_stop_all_pages_from_asking(
    wordpress: WordPress, service: Served, proxy: CountingProxy, settled: Post
) -> None:
    with hanging(service):
        proxy.taken()
        for _ in range(FAILURES_MAX + 3):
            assert PAID not in read(wordpress, settled, "ann")
        assert proxy.taken() == FAILURES_MAX
        let_the_pause_end(wordpress)
        for _ in range(3):
            assert PAID not in read(wordpress, settled, "ann")
        assert proxy.taken() == 1
    let_the_pause_end(wordpress)
    for _ in range(3):
        assert PAID in read(wordpress, settled, "ann")
    assert proxy.taken() == 3


def test_a_site_can_open_its_posts_while_the_service_is_down(
    wordpress: WordPress, service: Served, proxy: CountingProxy, settled: Post
) -> None:
    draft, private = (
        posts(wordpress, "premium", post_status=status)[0] for status in ("draft", "private")
    )
    configure(wordpress, service, proxy, "open")
    with killed(service):
        for user in (None, "ann", "bo"):
            answer = wordpress.get(settled.path, user=user)
            assert PAID in answer.text
            assert "no-store" in answer.headers["cache-control"]
            forget(wordpress)
            for closed in (draft, private):
                assert PAID not in wordpress.get(f"/?p={closed.id}", user=user).text
        assert PAID not in wordpress.get("/", user="bo").text
        assert PAID not in wordpress.get("/feed/").text
    assert PAID not in read(wordpress, settled, "bo")
    configure(wordpress, service, proxy)


def test_a_token_that_is_refused_opens_nothing(
    wordpress: WordPress, service: Served, proxy: CountingProxy, settled: Post
) -> None:
    """Also where the site opens its posts in an outage: an expired token is none."""
    connect(
        wordpress, service, PAYWALL_SERVICE_URL=proxy.address, PAYWALL_WHEN_DOWN="open",
        PAYWALL_SITE_TOKEN="expired",
    )  # fmt: skip
    assert PAID not in read(wordpress, settled, "ann")
    failure = wordpress.php("echo Paywall\\Service\\last_failure()['error'];")
    assert failure.startswith("HTTP 401.")
    assert "expired" not in read(wordpress, settled, "admin")
    configure(wordpress, service, proxy)
