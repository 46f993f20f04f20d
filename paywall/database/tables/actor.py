"""Who did something: columns that several tables have."""

from sqlmodel import SQLModel


class ActorColumns(SQLModel):
    """Who did it: the token's `iss`, `sub` and `jti`, or a command's own name."""

    actor_issuer: str
    actor_subject: str
    actor_token_id: str
