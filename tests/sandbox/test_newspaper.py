"""The newspaper of `make run`: its texts, and its time machine."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from string import Formatter
from typing import Any

import httpx
import pytest

from paywall.rules.decision import Policy
from paywall.sandbox.article_files import read_publications
from paywall.sandbox.prepare import products
from paywall.sandbox.site import translations
from paywall.sandbox.site.pages import front_page
from paywall.sandbox.site.paywall_client import PageViewer
from paywall.sandbox.site.rendering import NewspaperContext
from paywall.sandbox.site.session import READERS
from paywall.sandbox.site.stories import SECTIONS
from paywall.sandbox.site.time_machine import STEPS
from paywall.sandbox.site.translations import LANGUAGES, TEXTS
from tests.conftest import START
from tests.processes import Served, command, playing

SITE = Path(translations.__file__).parent
PATIENT_SECONDS = 30


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One sandbox for the tests that move its clock by less than its tokens' 90 days."""
    with playing(tmp_path_factory.mktemp("sandbox")) as served:
        yield served


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_text_is_in_every_language() -> None:
    assert TEXTS
    for name, texts in TEXTS.items():
        assert texts.keys() == LANGUAGES.keys(), name
        assert len({frozenset(placeholders(text)) for text in texts.values()}) == 1, name


def test_no_text_is_missing_or_unused() -> None:
    paths = [*SITE.glob("*.py"), *SITE.glob("templates/*.html")]
    source = "\n".join(path.read_text("utf-8") for path in paths)
    used = set(re.findall(r"""\bt(?:ranslate)?\(\s*["'](\w+)["']\s*[,)]""", source))
    assert "colophon" in used
    composed = {f"{step}_later" for step in STEPS}
    composed |= {*READERS, *(f"about_{reader_id}" for reader_id in READERS), *SECTIONS}
    assert (used | composed) - TEXTS.keys() == set()
    assert TEXTS.keys() - composed - set(re.findall(r"""["'](\w+)["']""", source)) == set()


def test_titles_and_paths_are_escaped() -> None:
    article = {
        "id": "rice-bank", "title": "<b>Rice</b>", "language": "en", "published_at": None,
        "policy": "free", "unlock_cost": 1,
    }  # fmt: skip
    translator = translations.NewspaperTranslator("en")
    page = NewspaperContext(PageViewer("ann"), translator, '/?a="<b>')
    html = front_page(page, [article], {"rice-bank": {"reason": "free", "granted": True}})
    assert "&lt;b&gt;Rice&lt;/b&gt;" in html
    assert 'value="/?a=&#34;&lt;b&gt;"' in html
    assert "<b>" not in html


def test_templates_trust_only_what_the_service_has_sanitized() -> None:
    templates = list(SITE.parent.glob("*/templates/*"))
    assert len(templates) > 10
    trusted = [re.findall(r"(\w+)\s*\|\s*safe", path.read_text("utf-8")) for path in templates]
    assert sorted(chain(*trusted)) == ["body_html", "preview_html", "structured_data"]


def test_every_product_has_a_khmer_name() -> None:
    khmer = translations.NewspaperTranslator("km")
    for_sale = list(products(START))
    assert for_sale
    for product in for_sale:
        kind = type(product).__name__.lower()
        named = khmer.product_name(kind, {"id": product.id, "title": product.title})
        assert re.search("[A-Za-z]", named) is None


def test_dates_are_in_the_newspapers_time_zone(sandbox: Served) -> None:
    evening = datetime(2026, 11, 30, 20, tzinfo=UTC)
    english = translations.NewspaperTranslator("en")
    assert english.format_day(evening) == "1 December 2026"
    assert english.format_weekday(evening) == "Tuesday 1 December 2026"
    (ann,) = re.findall(r"^ANN=(\S+)$", sandbox.log.read_text(), re.MULTILINE)
    headers = {"Authorization": f"Bearer {ann}"}
    me = httpx.get(f"{sandbox.address}/v1/me", headers=headers, timeout=PATIENT_SECONDS)
    resets_at = datetime.fromisoformat(me.json()["meter"]["resets_at"])
    assert (resets_at.day >= 28, resets_at.hour) == (True, 17)


def test_amounts_have_their_currencys_sign_and_decimals() -> None:
    amounts = ((400, "usd"), (350, "usd"), (1_600_000, "khr"), (500, "eur"))
    english, khmer = translations.NewspaperTranslator("en"), translations.NewspaperTranslator("km")
    assert [english.format_money(*one) for one in amounts] == [
        "$4",
        "$3.50",
        "16,000\u00a0riel",
        "€5",
    ]
    assert [khmer.format_money(*one) for one in amounts] == ["4$", "3.50$", "៛\u00a016,000", "5€"]


def test_the_fourth_metered_article_is_closed_and_says_why(sandbox: Served) -> None:
    with httpx.Client(timeout=PATIENT_SECONDS) as client:
        (paper,) = re.findall(r"Open (\S+) in a browser", sandbox.log.read_text())
        metered = [one.id for one in read_publications(paper) if one.terms.policy is Policy.METERED]
        shown = [client.get(f"{paper}/{article_id}").text for article_id in metered]
    explained = ["You have read this month’s free articles." in page for page in shown]
    assert ["<paywall-gate" in page for page in shown] == [False, False, False, True]
    assert explained == [False, False, False, True]


def test_pages_of_other_sites_get_no_token_of_a_reader(sandbox: Served) -> None:
    (paper,) = re.findall(r"Open (\S+) in a browser", sandbox.log.read_text())
    with httpx.Client(timeout=PATIENT_SECONDS) as client:
        client.post(f"{paper}/sign-in", data={"reader": "ann"})
        answers = [
            client.post(f"{paper}/paywall-token", headers={"Sec-Fetch-Site": page})
            for page in ("same-origin", "same-site", "cross-site", "none")
        ]
    assert [answer.status_code for answer in answers] == [200, 403, 403, 403]
    assert [b"token" in answer.content for answer in answers] == [True, False, False, False]


def test_what_others_publish_does_not_displace_the_newspapers_own(sandbox: Served) -> None:
    (paper,) = re.findall(r"Open (\S+) in a browser", sandbox.log.read_text())
    site = {"Authorization": f"Bearer {sandbox.site_token('articles:write catalogue:write')}"}
    story = {"title": "Forty-two", "policy": "premium", "published_at": "2037-01-01T00:00:00Z"}
    pack = {"title": "Two articles", "credits": 2, "prices": [{"amount": 100, "currency": "KHR"}]}
    with httpx.Client(timeout=PATIENT_SECONDS) as client:
        put = client.put(f"{sandbox.address}/v1/articles/42", json=story, headers=site)
        client.put(f"{sandbox.address}/v1/packs/two", json=pack, headers=site).raise_for_status()
        front, archive, offers = (
            client.get(f"{paper}{path}").text for path in ("/", "/archive", "/offers")
        )
    assert put.status_code == httpx.codes.CREATED
    packs = [offers.index(title) for title in ("Five credits", "Ten credits", "Two articles")]
    assert packs == sorted(packs)
    lead, _, rest = front.partition("</article>")
    assert "A school that moves with the water" in lead
    assert "Forty-two" in rest.partition("Newly published")[2]
    assert front.count("Forty-two") == archive.count("Forty-two") == 1


def test_a_section_has_its_own_articles_in_both_languages(sandbox: Served) -> None:
    (paper,) = re.findall(r"Open (\S+) in a browser", sandbox.log.read_text())
    page = httpx.get(f"{paper}/section/money", timeout=PATIENT_SECONDS).text
    shown = re.findall(r'<h2 lang="\w+"><a href="/([\w-]+)">', page)
    assert shown == ["rice-bank", "salt-harvest", "fish-prices"]
    assert '<a href="/section/money" aria-current="page">Money</a>' in page


def test_the_newsletter_is_plain_text_that_ends_with_previews(sandbox: Served) -> None:
    (paper,) = re.findall(r"Open (\S+) in a browser", sandbox.log.read_text())
    letter = httpx.get(f"{paper}/newsletter.txt", timeout=PATIENT_SECONDS)
    assert letter.headers["content-type"] == "text/plain; charset=utf-8"
    assert "THE RICE BANK OPENS ITS BOOKS" in letter.text
    assert "The rice bank lent 41 tonnes this season" in letter.text
    assert f"Continue reading: {paper}/rice-bank" in letter.text
    assert "pays for the roof" not in letter.text
    assert "<" not in letter.text
    assert max(len(line) for line in letter.text.splitlines()) <= 80


def test_the_address_for_signing_out_asks_before_it_does(sandbox: Served) -> None:
    (paper,) = re.findall(r"Open (\S+) in a browser", sandbox.log.read_text())
    with httpx.Client(timeout=PATIENT_SECONDS) as client:
        client.post(f"{paper}/sign-in", data={"reader": "ann"})
        page = client.get(f"{paper}/sign-out")
        assert (page.status_code, page.headers["content-type"][:9]) == (200, "text/html")
        assert '<form method="post" action="/sign-out">' in page.text
        assert client.post(f"{paper}/paywall-token").status_code == 200


def test_a_new_sandbox_has_a_subscription_to_cancel(sandbox: Served) -> None:
    headers = {"Authorization": f"Bearer {sandbox.reader_token('chan')}"}
    with httpx.Client(headers=headers, timeout=PATIENT_SECONDS) as client:
        subscription = _subscription(sandbox, client)
        wish = {"when": "period_end", "dry_run": True}
        preview = client.post(f"{sandbox.address}/v1/me/subscription/cancel", json=wish)
    assert (subscription["kind"], subscription["status"]) == ("stripe", "active")
    assert preview.status_code == httpx.codes.OK, preview.text


def test_the_terminal_shows_the_steps_and_no_requests(sandbox: Served) -> None:
    shown = sandbox.log.read_text()
    assert shown.startswith("Starting a stand-in for Stripe…\nPublishing the newspaper's articles")
    assert '"level": "info"' not in shown


def test_tokens_of_the_command_follow_the_time_machine(sandbox: Served) -> None:
    (paper,) = re.findall(r"Open (\S+) in a browser", sandbox.log.read_text())
    (stand_in,) = re.findall(r"^STAND_IN=(\S+)$", sandbox.log.read_text(), re.MULTILINE)
    url = {"PAYWALL_SANDBOX_CLOCK_URL": f"{stand_in}/clock"}
    with httpx.Client(timeout=PATIENT_SECONDS) as client:
        _travel(client, paper, "day")
        minted = command(
            "token", "reader", "ann", folder=sandbox.folder, environment=sandbox.environment | url
        )
        headers = {"Authorization": f"Bearer {minted.stdout.strip()}"}
        assert client.get(f"{sandbox.address}/v1/me", headers=headers).status_code == 200


def test_subscriptions_have_renewed_when_a_time_step_returns(sandbox: Served) -> None:
    (ann,) = re.findall(r"^ANN=(\S+)$", sandbox.log.read_text(), re.MULTILINE)
    (paper,) = re.findall(r"Open (\S+) in a browser", sandbox.log.read_text())
    headers = {"Authorization": f"Bearer {ann}"}
    with httpx.Client(headers=headers, timeout=PATIENT_SECONDS) as client:
        before = _subscribe(sandbox, client)
        _travel(client, paper, "month")
        after_a_month = _subscription(sandbox, client)
        _travel(client, paper, "month")
        after_two_months = _subscription(sandbox, client)
    payments = [one["next_payment"] for one in (before, after_a_month, after_two_months)]
    assert sorted(set(payments)) == payments
    assert [one["access_until"] for one in (after_a_month, after_two_months)] == payments[1:]


def test_the_telephone_pays_a_code_also_after_the_clock_was_moved(sandbox: Served) -> None:
    (bo,) = re.findall(r"^BO=(\S+)$", sandbox.log.read_text(), re.MULTILINE)
    (paper,) = re.findall(r"Open (\S+) in a browser", sandbox.log.read_text())
    (bank,) = re.findall(r"stand-in for Bakong: (\S+)", sandbox.log.read_text())
    order = {"pack_id": "five", "currency": "khr", "processor": "bakong", "return_url": paper}
    checkouts = f"{sandbox.address}/v1/me/checkout"
    with httpx.Client(headers={"Authorization": f"Bearer {bo}"}, timeout=PATIENT_SECONDS) as client:
        _travel(client, paper, "week")
        checkout = client.post(checkouts, json=order).json()
        scanned = client.get(checkout["khqr"]["deep_link"]).text
        telephone = client.get(bank).text
        paid = client.post(f"{bank}/pay", data={"qr": checkout["khqr"]["text"]})
        status = client.get(f"{checkouts}/{checkout['id']}").json()["status"]
    assert "8,000 KHR" in scanned
    ends_at, now = (
        datetime.strptime(text, "%d %B %Y, %H:%M UTC").replace(tzinfo=UTC)
        for text in re.findall(r"\d+ \w+ \d+, [\d:]+ UTC", scanned + telephone)
    )
    assert timedelta(minutes=8) < ends_at - now <= timedelta(minutes=10)
    assert (paid.status_code, status) == (303, "paid")


def test_the_newspaper_still_works_thirteen_months_later(tmp_path: Path) -> None:
    with playing(tmp_path) as aged, httpx.Client(timeout=PATIENT_SECONDS) as client:
        (paper,) = re.findall(r"Open (\S+) in a browser", aged.log.read_text())
        for _month in range(13):
            _travel(client, paper, "month")
        client.post(f"{paper}/sign-in", data={"reader": "ann"})
        assert client.get(f"{paper}/account").status_code == 200
        assert client.post(f"{paper}/paywall-token").json()["token"]


def _subscribe(sandbox: Served, client: httpx.Client) -> dict[str, Any]:
    order = {"plan_id": "monthly", "return_url": f"{sandbox.address}/docs"}
    checkout = client.post(f"{sandbox.address}/v1/me/checkout", json=order).json()
    assert client.post(checkout["url"], data={"way": "PAYS"}).status_code == 303
    paid = client.get(f"{sandbox.address}/v1/me/checkout/{checkout['id']}").json()
    assert paid["status"] == "paid"
    return _subscription(sandbox, client)


def _subscription(sandbox: Served, client: httpx.Client) -> dict[str, Any]:
    subscription: dict[str, Any] = client.get(f"{sandbox.address}/v1/me").json()["subscription"]
    return subscription


def _travel(client: httpx.Client, paper: str, step: str) -> None:
    answer = client.post(f"{paper}/time", data={"step": step, "back": "/account"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account#moved")
