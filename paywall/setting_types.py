"""Types of the settings' values with their limits, and the issuers of tokens."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

YEAR_SECONDS = 366 * 86_400
KEYS_MAX = 100

Name = Annotated[str, Meta(min_length=1, max_length=200)]
# A path or a URL.
Location = Annotated[str, Meta(max_length=2000)]
Secret = Annotated[str, Meta(max_length=500)]
Pem = Annotated[str, Meta(max_length=16 * 1024)]
Age = Annotated[int, Meta(ge=60, le=YEAR_SECONDS)]


LogLevel = Literal["debug", "info", "warning", "error"]


class IssuerKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One key of an issuer, inline or in a file, for one algorithm."""

    kid: Name | None = None
    algorithm: Literal["HS256", "RS256", "ES256", "EdDSA"]
    secret: Pem | None = None
    public_key: Pem | None = None
    file: Location | None = None


class Issuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A trusted token issuer (RFC 7519 `iss`), with the limits of that trust."""

    name: Name
    kinds: Annotated[list[Literal["site", "reader"]], Meta(max_length=2)]
    site_audience: Name = "paywall:site"
    reader_audience: Name = "paywall:reader"
    keys: Annotated[list[IssuerKey], Meta(max_length=KEYS_MAX)] = []
    jwks_url: Location | None = None
    jwks_algorithm: Literal["RS256", "ES256", "EdDSA"] = "RS256"
    jwks_max_age_seconds: Age = 86_400
    accept_plain_typ: bool = False
    longest_lifetime_seconds: Age = 86_400
