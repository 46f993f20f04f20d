"""A network of sites in sub-folders: each site has its own vault, queue and articles."""

from collections.abc import Iterator

import pytest

from tests.processes import Served
from tests.sites.wordpress.canary import CANARY
from tests.sites.wordpress.conftest import SCOPES
from tests.sites.wordpress.counting import Publisher
from tests.sites.wordpress.mariadb import MariaDB
from tests.sites.wordpress.network import Network, running_network
from tests.sites.wordpress.posts import Post, assert_nothing_logged, posts, read
from tests.sites.wordpress.site import WordPress

TEXT = f"Rice in water.\r\n\r\nEvery year.\r\n\r\n{CANARY} fell -- again\r\n\r\n<b>{CANARY}</b> ស្រូវ"
WHOLE = TEXT.encode().hex().upper()
LISTS = ("feed/", "wp-json/wp/v2/posts", "?s=rice", "")
LEAVE = "remove_user_from_blog( (int) $argv[1], get_current_blog_id() );"
DELETE = """
require_once ABSPATH . 'wp-admin/includes/ms.php';
require_once ABSPATH . 'wp-admin/includes/user.php';
{}( (int) $argv[1] );
"""


@pytest.fixture(scope="module")
def network(
    mariadb: MariaDB, installed: str, service: Served, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Network]:
    """Connected to the service; the plug-in is not active."""
    folder = tmp_path_factory.mktemp("network")
    with running_network(folder / folder.name, mariadb, installed) as made:
        made.define(
            PAYWALL_SERVICE_URL=service.address,
            PAYWALL_PUBLIC_URL=service.address,
            PAYWALL_SITE_TOKEN=service.site_token(SCOPES),
        )
        yield made
        assert_nothing_logged(made.site("/"))


@pytest.fixture(scope="module")
def main(network: Network) -> WordPress:
    return network.site("/")


@pytest.fixture(scope="module")
def second(network: Network) -> WordPress:
    return network.make_site("/second/")


@pytest.fixture(scope="module")
def publisher(service: Served) -> Iterator[Publisher]:
    made = Publisher(service)
    yield made
    made.http.close()


def gated(site: WordPress) -> Post:
    [page] = posts(site, "premium", post_content=TEXT)
    return page


def stored(site: WordPress, table: str, page: Post) -> str:
    return site.sql(f"select hex( post_content ) from {table} where ID = {page.id}")[0][0]


def tables_with_canary(site: WordPress) -> list[str]:
    tables = [row[0] for row in site.sql("show tables like 'wp\\_%posts'")]
    return [
        table
        for table in tables
        if site.sql(
            f"select ID from {table} where concat( post_content, post_content_filtered,"
            f" post_excerpt, post_title ) like '%{CANARY}%'"
        )
    ]


def assert_closed(site: WordPress, folder: str, page: Post) -> None:
    assert CANARY not in read(site, page)
    assert "<paywall-gate" in read(site, page, "ann")
    for path in (*LISTS, f"wp-json/wp/v2/posts/{page.id}"):
        answer = site.get(folder + path)
        assert answer.status_code == 200, path
        assert CANARY not in answer.text, path


def test_each_site_of_a_network_has_its_own_vault_queue_and_articles(
    network: Network, main: WordPress, second: WordPress, publisher: Publisher
) -> None:
    network.switch("off")
    before = gated(second)
    network.switch("on")
    of_main, of_second = gated(main), gated(second)
    tables = {row[0] for row in main.sql("show tables like 'wp%paywall%'")}
    assert tables >= {
        f"{prefix}paywall_{name}" for prefix in ("wp_", "wp_2_") for name in ("bodies", "queue")
    }
    assert tables_with_canary(main) == []
    assert (publisher.article(of_main.id) or {})["url"] == main.url + of_main.path
    for page in (before, of_second):
        assert page.path.startswith("/second/")
        second.php("do_action( 'paywall_work_queue' );")
        article = publisher.http.get(f"/v1/articles/2-{page.id}").json()
        assert article["url"] == second.url + page.path
        assert_closed(second, "/second/", page)
        publisher.unlock(main.user_id("ann"), f"2-{page.id}")
        assert CANARY in read(second, page, "ann")
        assert CANARY not in read(second, page, "bo")
    assert (
        main.sql("select * from wp_paywall_queue union all select * from wp_2_paywall_queue") == []
    )


def test_a_site_that_is_made_later_is_closed_from_its_first_post_on(
    network: Network, main: WordPress, publisher: Publisher
) -> None:
    network.switch("on")
    third = network.make_site("/third/")
    page = gated(third)
    assert tables_with_canary(main) == []
    assert_closed(third, "/third/", page)
    publisher.unlock(main.user_id("ann"), f"3-{page.id}")
    assert CANARY in read(third, page, "ann")


def test_who_leaves_a_site_is_kept_and_who_leaves_the_network_is_erased(
    network: Network, main: WordPress, second: WordPress, publisher: Publisher
) -> None:
    network.switch("on")
    author = main.user_id("author")
    publisher.give_credits(author, 2)
    second.php(LEAVE, str(author))
    second.php(DELETE.format("wp_delete_user"), str(author))
    assert publisher.http.get(f"/v1/subscribers/{author}").is_success
    main.php(DELETE.format("wpmu_delete_user"), str(author))
    assert not publisher.http.get(f"/v1/subscribers/{author}").is_success


def test_switching_off_for_the_network_brings_all_texts_back(
    network: Network, main: WordPress, second: WordPress, publisher: Publisher
) -> None:
    network.switch("on")
    pages = {"wp_posts": (main, gated(main)), "wp_2_posts": (second, gated(second))}
    assert all(stored(site, table, page) != WHOLE for table, (site, page) in pages.items())
    network.switch("off")
    assert all(stored(site, table, page) == WHOLE for table, (site, page) in pages.items())
    for (prefix,) in main.sql("select if( blog_id = 1, '', concat( blog_id, '_' ) ) from wp_blogs"):
        of_site = f"select ID from wp_{prefix}posts where post_content like '%paywall:rest%'"
        assert main.sql(of_site) == []
        cron = main.sql(f"select option_value from wp_{prefix}options where option_name = 'cron'")
        assert "paywall" not in cron[0][0]
    made = gated(second)
    network.switch("on")
    second.get("/second/")
    second.php("do_action( 'paywall_work_queue' );")
    assert publisher.http.get(f"/v1/articles/2-{made.id}").is_success


def test_active_on_one_site_alone_it_leaves_the_others_alone(
    network: Network, main: WordPress, second: WordPress
) -> None:
    network.switch("off")
    of_main = gated(main)
    second.activate()
    of_second = gated(second)
    assert "wp_2_posts" not in tables_with_canary(main)
    assert_closed(second, "/second/", of_second)
    assert CANARY in read(main, of_main)
    assert "paywall" not in read(main, of_main)
    second.deactivate()
    assert stored(second, "wp_2_posts", of_second) == WHOLE
    assert stored(main, "wp_posts", of_main) == WHOLE
