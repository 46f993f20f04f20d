"""A service that one site's pages may ask."""

import msgspec
import pytest

from paywall.settings import Settings

ORIGIN = "https://news.example"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, allowed_origins=[ORIGIN])
