import pytest

from paywall.rules.enums import Actor


@pytest.fixture
def editor() -> Actor:
    return Actor("https://news.example", "cms", "token-1")
