"""The router inside an application, for tests that look at the routes themselves."""

from litestar import Litestar

from paywall.http.edge import Edge


def router_of(edge: Edge) -> Litestar:
    assert isinstance(edge.app, Litestar)
    return edge.app
