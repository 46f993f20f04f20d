"""The alert rules and the dashboard ask for what the service shows, and each alert has a cause."""

from pathlib import Path

import pytest

from tests import processes
from tests.alerts.causes import CAUSES
from tests.alerts.rules import (
    alerts,
    queries_of_dashboard,
    selectors_without_series,
    series_of,
)
from tests.postgres import free_port
from tests.processes import serving

EXPRESSIONS = [*(alert["expr"] for alert in alerts()), *queries_of_dashboard()]


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_alerts_and_dashboard_ask_for_series_that_a_new_process_has(
    tmp_path: Path, database_url: str
) -> None:
    port = free_port()
    with serving(
        tmp_path,
        workers=2,
        database_url=database_url,
        metrics_port=str(port),
        stripe_secret_key="sk_test_0123456789",
        stripe_webhook_secrets="whsec_0123456789",
        stripe_api_base="http://127.0.0.1:1",
    ) as served:
        # The duration of a route has no series before its first request.
        processes.CLIENT.post(f"{served.address}/v1/access/check")
        shown = series_of(processes.CLIENT.get(f"http://127.0.0.1:{port}/metrics").text)
    # The first housekeeping sets it, after 300 s.
    shown.append(("paywall_credits_outstanding", {}))
    missing = [
        it for expression in EXPRESSIONS for it in selectors_without_series(expression, shown)
    ]
    assert missing == []


def test_each_alert_has_texts_and_a_cause_that_it_is_tried_with() -> None:
    assert {alert["alert"] for alert in alerts()} == set(CAUSES)
    for alert in alerts():
        assert set(alert["annotations"]) == {"summary", "description"}
        assert set(alert["labels"]) == {"severity"}
