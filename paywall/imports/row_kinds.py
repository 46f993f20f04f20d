"""How rows of one kind are stored, from a file or from a request."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from paywall.clock import Clock
from paywall.http.bodies import RequestModel
from paywall.problem_types import FieldError
from paywall.rules.enums import Actor, UpsertOutcome
from paywall.settings import Settings

RowShape = TypeVar("RowShape", bound=RequestModel)

# The outcome of a row, or why it was refused.
RowOutcome = UpsertOutcome | FieldError


class ImportContext(NamedTuple):
    """What the verbs of an import need besides the rows."""

    clock: Clock
    settings: Settings
    actor: Actor


class RowKind(NamedTuple, Generic[RowShape]):
    """The model of the rows, and how they are stored."""

    shape: type[RowShape]
    # Identifies what a row describes; of two different rows with the same key, one is refused.
    key: Callable[[RowShape], Hashable]
    # Stores rows with different keys, and returns the outcome of each, in order.
    put: Callable[
        [AsyncSession, Sequence[RowShape], ImportContext], Awaitable[Sequence[RowOutcome]]
    ]


def unless_differing(field: str, done: UpsertOutcome | Sequence[str]) -> RowOutcome:
    """The outcome, or an error if a record of the same `field` has others of these fields."""
    if isinstance(done, UpsertOutcome):
        return done
    return FieldError(
        field,
        f"it is on record with another {', '.join(done)}, which is kept."
        f" Write the same fields as before, or another {field}.",
    )
