"""Checks are asked over real connections, as in tests/server."""

from tests.server.conftest import port, service

__all__ = ["port", "service"]
