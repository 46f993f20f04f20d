"""`paywall leaks`, as it is typed: what it compares with, what it prints, and its exit status."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from paywall.leaks.articles import recorded_urls
from paywall.rules.decision import Policy
from tests.installation import Installation
from tests.leaks.conftest import article
from tests.leaks.site import KHMER_PATH, PATH, Answer, Site
from tests.leaks.texts import BODY, PREVIEW, SHARED
from tests.processes import CLIENT, Served, serving

Run = Callable[..., Result]
SCOPES = "articles:write articles:read subscribers:write"
FEW = ("--requests-max", "3")
sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


def test_a_clean_site_has_exit_status_0(recorded: Site, leaks: Run) -> None:
    result = leaks(recorded.url)
    first, *rest, last = result.stdout.splitlines()
    assert first == f"No leak found: {recorded.url} (article 42, 107 hidden words)"
    assert "Not checked:" not in rest
    assert last == f"{len(recorded.requests)} responses were compared."
    assert f"gives away about {len(SHARED.split())} words" in result.stdout
    assert "100 of about" in result.stderr
    assert result.exit_code == 0


def test_a_leak_is_one_line_and_exit_status_1(recorded: Site, leaks: Run) -> None:
    recorded.at(PATH, Answer(recorded.page(BODY)))
    result = leaks(*FEW, recorded.url)
    first, second, *_ = result.stdout.splitlines()
    assert first == f"Leaks: {recorded.url} (article 42, 107 hidden words)"
    assert second == (
        f"  {recorded.url} gives away about 107 words (100%) in its text:"
        " “Documents seen by this newspaper show that the …”"
    )
    assert result.exit_code == 1


@sqlite
def test_what_was_not_checked_has_exit_status_2(recorded: Site, leaks: Run) -> None:
    result = leaks(*FEW, recorded.url)
    assert f"  {recorded.address}/feed/: not asked: the limit" in result.stdout
    assert result.exit_code == 2


@sqlite
def test_a_private_address_is_refused_unless_allowed(recorded: Site, leaks: Run) -> None:
    result = leaks(recorded.url, options=())
    assert "private address 127.0.0.1, which is read only with --allow-private" in result.stdout
    assert result.stdout.startswith(f"Not checked: {recorded.url} (article 42, 107 hidden words)")
    assert (result.exit_code, recorded.requests) == (2, [])


@sqlite
def test_the_report_is_json_where_asked_for(recorded: Site, leaks: Run) -> None:
    recorded.at(PATH, Answer(recorded.page(BODY)))
    [report] = json.loads(leaks(*FEW, "--json", recorded.url).stdout)["articles"]
    assert report["leaks"][0] == {
        "address": recorded.url, "words": 107, "share": 1.0, "place": "its text",
        "begins": "Documents seen by this newspaper show that the",
    }  # fmt: skip


@sqlite
def test_several_articles_are_compared_in_one_run(recorded: Site, leaks: Run) -> None:
    result = leaks(*FEW, recorded.url, recorded.address + KHMER_PATH)
    assert "(article 42, " in result.stdout
    assert "(article km, " in result.stdout


@sqlite
def test_a_free_article_hides_nothing(here: Installation, recorded: Site, leaks: Run) -> None:
    here.publish(article("42", recorded.url, BODY, Policy.FREE))
    result = leaks(recorded.url)
    assert (result.exit_code, recorded.requests) == (0, [])
    assert "The article 42 is free" in result.stderr


@sqlite
@pytest.mark.parametrize("path", [PATH, PATH.rstrip("/")])
@pytest.mark.parametrize("scheme", ["http:", "https:"])
def test_the_recorded_url_may_differ_in_scheme_and_slash(
    here: Installation, site: Site, leaks: Run, path: str, scheme: str
) -> None:
    here.publish(article("42", scheme + site.address.removeprefix("http:") + path, BODY))
    assert "(article 42, " in leaks(*FEW, site.url).stdout


def test_a_recorded_url_has_no_fragment_and_keeps_its_query() -> None:
    assert recorded_urls("https://news.example/?p=42#top")[0] == "https://news.example/?p=42"


@sqlite
def test_an_article_without_a_recorded_url_is_named_by_its_id(
    here: Installation, site: Site, leaks: Run
) -> None:
    here.publish(article("42", None, BODY))
    assert "(article 42, " in leaks(*FEW, "--article", "42", site.url).stdout


@sqlite
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{site}/unknown/"], "No article is on record with the address {site}/unknown/"),
        (["{site}/twice/"], "Several articles are on record with the address {site}/twice/"),
        (["{site}/empty/"], "The article empty has no body on record"),
        (["{site}/open/"], "The preview of the article open shows the whole body"),
        (["--article", "no", "{site}/"], "There is no article no: correct --article."),
        (["--article", "42", "{site}/", "{site}/a/"], "Give --article with one URL only."),
        (["--service", "{site}", "{site}/"], "Give --service and --reader together."),
        (["--reader", "ann", "{site}/"], "Give --service and --reader together."),
        (["--token-file", "-", "{site}/"], "Give --token-file only with --service."),
        (["--service", "{site}", "--reader", "ann", "{site}/"], "There is no site token"),
        (["news.example"], "'news.example' is not an http or https address."),
        (["https://user:password@news.example/"], "is not an http or https address."),
        ([f"{{site}}/{n}" for n in range(51)], "At most 50 URLs; these are 51."),
    ],
)
def test_what_cannot_be_compared_is_explained(
    here: Installation, site: Site, leaks: Run, words: list[str], message: str
) -> None:
    for article_id, path, body in (
        ("one", "/twice/", BODY), ("two", "/twice", BODY), ("empty", "/empty/", None),
    ):  # fmt: skip
        here.publish(article(article_id, site.address + path, body))
    whole = article("open", f"{site.address}/open/", PREVIEW)
    here.publish(whole._replace(preview=PREVIEW))
    result = leaks(*[word.format(site=site.address) for word in words])
    assert message.format(site=site.address) in result.stderr
    assert (result.exit_code, site.requests) == (2, [])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("service")) as service:
        yield service


def put(service: Served, path: str, **fields: object) -> None:
    headers = {"Authorization": f"Bearer {service.site_token(SCOPES)}"}
    CLIENT.put(f"{service.address}{path}", headers=headers, json=fields).raise_for_status()


@pytest.fixture
def remote(service: Served, site: Site) -> tuple[str, ...]:
    """Options for a running service that has the article and a subscriber."""
    put(
        service, "/v1/articles/42", title="A bridge", policy="premium", url=site.url,
        body_html=BODY, preview={"paragraphs": 1},
    )  # fmt: skip
    put(
        service,
        "/v1/subscribers/leak-check/subscription",
        current_period_end="2126-01-01T00:00:00Z",
    )
    return ("--service", service.address, "--reader", "leak-check", *FEW)


def test_the_body_is_read_from_a_running_service(
    service: Served,
    site: Site,
    remote: tuple[str, ...],
    leaks: Run,
    set_token: Callable[[str], None],
) -> None:
    set_token(service.site_token("articles:read"))
    site.at(PATH, Answer(site.page(BODY)))
    result = leaks(*remote, site.url)
    assert "gives away about 107 words (100%)" in result.stdout
    assert result.exit_code == 1
    assert "(article 42, 107 hidden words)" in leaks(*remote, "--article", "42", site.url).stdout


@pytest.fixture
def set_token(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda token: monkeypatch.setenv("SITE_TOKEN", token)


def test_what_a_running_service_refuses_is_explained(
    service: Served,
    site: Site,
    remote: tuple[str, ...],
    leaks: Run,
    set_token: Callable[[str], None],
) -> None:
    set_token("no-token")
    assert "with status 401" in leaks(*remote, site.url).stderr
    set_token(service.site_token("articles:read"))
    for words, message in {
        ("--reader", "nobody", site.url): "The reader nobody may not read the article 42",
        ("--article", "no", site.url): "There is no article no: correct --article.",
        (f"{site.address}/unknown/",): "No article is on record with the address",
        ("--service", site.address, site.url): "correct --service.",
        ("--service", "http://127.0.0.1:1", site.url): "The service cannot be asked",
    }.items():
        result = leaks(*remote, *words)
        assert message in result.stderr
        assert result.exit_code == 2


def test_the_token_is_read_from_a_file(
    service: Served, site: Site, remote: tuple[str, ...], leaks: Run, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(service.site_token("articles:read") + "\n")
    result = leaks(*remote, "--token-file", str(tmp_path / "token"), site.url)
    assert "(article 42, 107 hidden words)" in result.stdout
