"""Routes for minting reader tokens, revoking tokens, and the public keys."""

from datetime import datetime
from typing import Annotated

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from paywall.database.engine import Database
from paywall.http.bodies import RequestModel, ResponseModel
from paywall.http.fields import Id, PathReaderId, Timestamp
from paywall.tokens.caller import Caller
from paywall.tokens.guard import anyone, site
from paywall.tokens.issuers import OWN_NAME
from paywall.tokens.limits import READER_LIFETIME_SECONDS_MAX, READER_LIFETIME_SECONDS_MIN
from paywall.tokens.mint import mint_reader
from paywall.tokens.revocation import Target, revoke
from paywall.tokens.verify import Verifier

JWKS_MAX_AGE_SECONDS = 300
JWKS_MEDIA_TYPE = "application/jwk-set+json"

Lifetime = Annotated[
    int,
    Meta(
        ge=READER_LIFETIME_SECONDS_MIN,
        le=READER_LIFETIME_SECONDS_MAX,
        description="Seconds until the token ends.",
    ),
]


class ReaderTokenOrder(RequestModel):
    """The lifetime of the reader token."""

    lifetime_seconds: Lifetime = READER_LIFETIME_SECONDS_MAX


class ReaderToken(ResponseModel):
    """A token for one reader's browser."""

    token: Annotated[str, Meta(description="The token, to be sent as `Authorization: Bearer …`.")]
    expires_at: Annotated[datetime, Meta(description="When the token ends.")]


class Revocation(RequestModel):
    """One token by its id, or all tokens of a subject that were issued before a time."""

    issuer: Annotated[
        str, Meta(description="The tokens' issuer (claim `iss`); default: this service.")
    ] = OWN_NAME
    token_id: Annotated[Id | None, Meta(description="One token, by its claim `jti`.")] = None
    subject: Annotated[
        Id | None, Meta(description="Every token of this subject (claim `sub`).")
    ] = None
    issued_before: Annotated[
        Timestamp | None,
        Meta(description="With `subject`: tokens issued before this time; default: now."),
    ] = None


@post("/v1/readers/{reader_id:str}/token", status_code=200, guards=[site("readers:token")])
async def create_reader_token(
    reader_id: PathReaderId,
    database: NamedDependency[Database],
    verifier: NamedDependency[Verifier],
    caller: NamedDependency[Caller],
    data: JSONBody[ReaderTokenOrder | None] = None,
) -> ReaderToken:
    """Mint a token for a reader, by default for 15 minutes; it ends with the caller's token."""
    order = data or ReaderTokenOrder()
    now = database.clock.now()
    minted = mint_reader(
        verifier.keyring.newest(now),
        reader_id=reader_id,
        lifetime_seconds=order.lifetime_seconds,
        now=now,
        asked_by=caller,
    )
    return ReaderToken(token=minted.token, expires_at=minted.expires_at)


@post("/v1/tokens/revoke", status_code=204, guards=[site("admin")])
async def revoke_tokens(
    data: JSONBody[Revocation],
    database: NamedDependency[Database],
    verifier: NamedDependency[Verifier],
) -> None:
    """Revoke tokens; every process refuses them from the next request on."""
    target = Target(data.issuer, data.token_id, data.subject, data.issued_before)
    async with database.writing() as session:
        await revoke(session, verifier.issuers, target, database.clock.now())


class Jwks(ResponseModel):
    """A set of public keys (RFC 7517 §5)."""

    keys: Annotated[
        list[dict[str, str]],
        Meta(description="One JWK (RFC 7517) per key; a token's `kid` names its key."),
    ]


@get("/.well-known/jwks.json", guards=[anyone], sync_to_thread=False, media_type=JWKS_MEDIA_TYPE)
def get_public_keys(
    database: NamedDependency[Database], verifier: NamedDependency[Verifier]
) -> Response[Jwks]:
    """The public parts of this service's signing keys (RFC 7517)."""
    keys = verifier.keyring.public_jwks(database.clock.now())
    return Response(
        Jwks(keys=keys["keys"]),
        headers={"Cache-Control": f"public, max-age={JWKS_MAX_AGE_SECONDS}"},
    )


ROUTES: list[ControllerRouterHandler] = [create_reader_token, revoke_tokens, get_public_keys]
