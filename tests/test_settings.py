"""A wrong setting stops the start, with its name and the mend, and without the secret itself."""

from pathlib import Path

import pytest

from paywall.settings import SettingsError, load

KEY, SECRET = "sk_test_0123456789", "whsec_0123456789"
LIVE = "rk_live_0123456789"


def loaded(tmp_path: Path, **given: str) -> None:
    load({f"PAYWALL_{name.upper()}": value for name, value in given.items()}, tmp_path)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"stripe_secret_key": KEY}, "stripe_webhook_secrets"),
        ({"stripe_secret_key": "pk_test_1", "stripe_webhook_secrets": SECRET}, "stripe_secret_key"),
        ({"stripe_secret_key": KEY, "stripe_webhook_secrets": "secret"}, "stripe_webhook_secrets"),
        (
            {"stripe_secret_key": KEY, "stripe_webhook_secrets": f"{SECRET},{SECRET},{SECRET}"},
            "stripe_webhook_secrets",
        ),
        (
            {
                "stripe_secret_key": LIVE,
                "stripe_webhook_secrets": SECRET,
                "stripe_api_base": "http://localhost:8001",
            },
            "stripe_api_base",
        ),
        (
            {
                "stripe_secret_key": LIVE,
                "stripe_webhook_secrets": SECRET,
                "sandbox_clock_url": "http://localhost:8001/clock",
            },
            "sandbox_clock_url",
        ),
        ({"stripe_api_base": "javascript:1"}, "stripe_api_base"),
        ({"sandbox_clock_url": "localhost:8001/clock"}, "sandbox_clock_url"),
    ],
)
def test_a_way_to_sell_that_is_not_safe_does_not_start(
    tmp_path: Path, given: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingsError, match=named) as refused:
        loaded(tmp_path, **given)
    assert "0123456789" not in str(refused.value)


def test_two_secrets_are_taken_while_they_are_rotated(tmp_path: Path) -> None:
    loaded(tmp_path, stripe_secret_key=LIVE, stripe_webhook_secrets=f"{SECRET},whsec_2")
