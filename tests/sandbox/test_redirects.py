"""The newspaper redirects to its own pages alone."""

import httpx
import pytest

from paywall.sandbox.site.app import newspaper
from paywall.sandbox.site.paywall_client import PaywallClient
from paywall.sandbox.site.time_machine import TimeMachine

PAPER = "http://paper.example"


async def no_token() -> str:
    return ""


@pytest.mark.parametrize(
    ("back", "location"),
    [
        ("/rice-bank?from=home", "/rice-bank?from=home"),
        ("//evil.example/x", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\n/evil.example", "/"),
        ("https:evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
async def test_signing_in_redirects_within_the_newspaper_alone(back: str, location: str) -> None:
    publisher = PaywallClient("http://service.example", no_token)
    app = newspaper(publisher, TimeMachine(publisher, ""))
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # httpx has looser types of its own
    async with httpx.AsyncClient(transport=transport, base_url=PAPER) as client:
        answer = await client.post("/sign-in", data={"reader": "bo", "back": back})
    assert (answer.status_code, answer.headers["location"]) == (303, location)
