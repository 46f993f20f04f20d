"""Structured logs and Prometheus metrics; neither ever names a token, a body or who read what."""

import logging

logger = logging.getLogger("paywall")


def request_answered(
    *, method: str, route: str, status: int, seconds: float, request_id: str
) -> None:
    """Count one answered request under its route's template, never under its path."""


def decided(reason: str) -> None:
    """Count one decision under its reason."""


def unlocked(outcome: str) -> None:
    """Count one click on *Unlock* under what it led to."""
