"""Who did something: columns that several tables have."""

from typing import Any

from sqlmodel import SQLModel

from paywall.rules.enums import Actor


class ActorColumns(SQLModel):
    """Who did it: the token's `iss`, `sub` and `jti`, or a command's own name."""

    actor_issuer: str
    actor_subject: str
    actor_token_id: str


def actor_values(actor: Actor) -> dict[str, Any]:
    return {f"actor_{name}": value for name, value in actor._asdict().items()}
