"""The address from which the reader's script gets its token."""

import httpx
import pytest

from tests.processes import Served
from tests.sites.wordpress.conftest import connect
from tests.sites.wordpress.counting import hanging
from tests.sites.wordpress.site import WordPress

PATH = "/wp-admin/admin-ajax.php?action=paywall_token"
OWN = {"Sec-Fetch-Site": "same-origin"}


def ask(wordpress: WordPress, user: str | None, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return wordpress.request("POST", PATH, user=user, headers=named or OWN)


def test_a_signed_in_reader_gets_a_token_of_their_own(
    wordpress: WordPress, service: Served
) -> None:
    answer = ask(wordpress, "ann")
    assert answer.status_code == 200
    assert "no-store" in answer.headers["cache-control"]
    assert set(answer.json()) == {"token", "expires_at"}
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    overview = httpx.get(f"{service.address}/v1/me", headers=headers).json()
    assert overview["reader_id"] == str(wordpress.user_id("ann"))


def test_nobody_signed_in_is_no_error(wordpress: WordPress) -> None:
    answer = ask(wordpress, None)
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {"Sec_Fetch_Site": "cross-site", "Origin": "{own}"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"X_Nothing": "no header of a browser"},
    ],
)
def test_another_sites_page_gets_no_token(wordpress: WordPress, headers: dict[str, str]) -> None:
    sent = {name: value.format(own=wordpress.url) for name, value in headers.items()}
    answer = ask(wordpress, "ann", **sent)
    assert (answer.status_code, answer.content) == (403, b"")


def test_older_browsers_are_known_by_their_origin(wordpress: WordPress) -> None:
    assert ask(wordpress, "ann", Origin=wordpress.url).status_code == 200


def test_a_link_gets_no_token(wordpress: WordPress) -> None:
    answer = wordpress.get(PATH, user="ann", headers=OWN)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_refusal_and_an_outage_are_told_apart(wordpress: WordPress, service: Served) -> None:
    """Both come last: what fails is remembered for a while."""
    connect(wordpress, service, PAYWALL_SITE_TOKEN=service.site_token("access:check"))
    assert ask(wordpress, "ann").status_code == 403
    connect(wordpress, service, PAYWALL_TIMEOUT_SECONDS=1)
    with hanging(service):
        answer = ask(wordpress, "ann")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert ask(wordpress, "ann").status_code == 200
