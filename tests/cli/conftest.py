"""What the tests of commands share."""

from pathlib import Path

import pytest

from paywall.settings import Settings
from tests.installation import Installation


@pytest.fixture
def here(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAYWALL_DATABASE_URL", settings.database_url)
    return Installation(settings, tmp_path)
