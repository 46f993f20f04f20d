"""`paywall leaks` finds nothing at a WordPress with the plug-in, and much at one without it."""

import json
from contextlib import closing
from typing import Any

import pytest
from click.testing import CliRunner

from paywall.cli.main import main
from tests.leaks.texts import PREVIEW, REST
from tests.processes import Served
from tests.sites.wordpress.counting import Publisher
from tests.sites.wordpress.posts import assert_nothing_logged, posts
from tests.sites.wordpress.site import WordPress

TEXT = f"{PREVIEW}\n<!--more-->\n{REST.replace('<!--more-->', '')}"
READER = "leak-check"
OPTIONS = ("--allow-private", "--requests-per-second", "1000", "--json", "--reader", READER)


def leaks(service: Served, url: str, *options: str) -> tuple[int, dict[str, Any]]:
    ran = CliRunner().invoke(main, ["leaks", *OPTIONS, *options, "--service", service.address, url])
    assert ran.stdout, ran.output
    report: dict[str, Any] = json.loads(ran.stdout)
    return ran.exit_code, report


def test_paywall_leaks_finds_no_leak_with_the_plug_in_and_many_without(
    wordpress: WordPress, service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_TOKEN", service.site_token("articles:read"))
    publisher = Publisher(service)
    with closing(publisher.http):
        publisher.subscribe(READER)
    [page] = posts(wordpress, "premium", post_title="A bridge with cracks", post_content=TEXT)
    code, report = leaks(service, wordpress.url + page.path)
    [article] = report["articles"]
    assert article["leaks"] == []
    assert report["not_checked"] == []
    assert report["compared"] > 50
    assert code == 0
    assert_nothing_logged(wordpress)
    wordpress.deactivate()
    # The likeliest leaks come first.
    code, report = leaks(service, wordpress.url + page.path, "--requests-max", "60")
    addresses = [leak["address"] for leak in report["articles"][0]["leaks"]]
    for path in (page.path, "/feed/", f"/wp-json/wp/v2/posts/{page.id}"):
        assert wordpress.url + path in addresses
    assert code == 1
