from typing import Any, NamedTuple

from paywall.tables import Actor


class Caller(NamedTuple):
    kind: str
    issuer: str
    subject: str
    token_id: str
    scopes: frozenset[str]

    @property
    def actor(self) -> Actor:
        return Actor(self.issuer, self.subject, self.token_id)

    def has(self, s: str) -> bool:
        return s in self.scopes or "admin" in self.scopes


def site(scope: str | None = None) -> Any:
    def g(c: Any, _: Any) -> None: ...

    return g


def reader(c: Any, _: Any) -> None: ...
