"""Idempotency keys as Stripe keeps them: https://docs.stripe.com/api/idempotent_requests."""

from typing import NamedTuple

from paywall.sandbox.stripe.answers import Answer, Asked
from paywall.sandbox.stripe.refusal import Refusal

KEPT_SECONDS = 86_400
KEY = "idempotency-key"


class Kept(NamedTuple):
    """An answer, what it was to, and when (in Unix seconds)."""

    at: int
    asked: tuple[str, str]
    answer: Answer


class Keys:
    """The answers that are given again; of a failure too, once the call had begun."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}

    def answer_of(self, asked: Asked, now: int) -> Answer | None:
        """What the same request was answered; refuses the key with other parameters."""
        kept = self.kept.get(asked.headers.get(KEY, "")) if asked.method == "POST" else None
        if kept is None or now >= kept.at + KEPT_SECONDS:
            return None
        if kept.asked != (asked.path, asked.form):
            raise Refusal(
                "Keys for idempotent requests can only be used with the same parameters they were"
                f" first used with. Try using a key other than '{asked.headers[KEY]}' if you meant"
                " to execute a different request.",
                kind="idempotency_error",
            )
        return kept.answer._replace(headers={"Idempotent-Replayed": "true"})

    def keep(self, asked: Asked, answer: Answer, now: int) -> None:
        """Remember what a request with a key was answered."""
        if asked.method == "POST" and (key := asked.headers.get(KEY)):
            self.kept[key] = Kept(now, (asked.path, asked.form), answer)
