"""Ids shown as the objects that they name: https://docs.stripe.com/api/expanding_objects."""

from paywall.sandbox.stripe.account import PREFIXES, Account
from paywall.sandbox.stripe.refusal import invalid
from paywall.sandbox.stripe.shapes import Json, copy_of

KINDS = {prefix: kind for kind, prefix in PREFIXES.items()}
DEPTH_MAX = 4


def expanded(account: Account, thing: Json, given: Json) -> Json:
    """A copy of the answer in which the fields that `expand` names are objects."""
    paths = given.get("expand") or []
    if not paths:
        return thing
    shown = copy_of(thing)
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEPTH_MAX:
            raise invalid("expand", f"You cannot expand more than {DEPTH_MAX} levels: {path}")
        _expand(account, shown, parts, path)
    return shown


def _expand(account: Account, thing: Json, parts: list[str], path: str) -> None:
    name, *rest = parts
    if name not in thing:
        raise invalid("expand", f"This property cannot be expanded ({path}).")
    if isinstance(thing[name], str):
        thing[name] = _named(account, thing[name], path)
    found = thing[name]
    for inner in found if isinstance(found, list) else [found]:
        if rest and inner:
            _expand(account, inner, rest, path)


def _named(account: Account, thing_id: str, path: str) -> Json:
    prefix, _, _ = thing_id.rpartition("_")
    if prefix not in KINDS:
        raise invalid("expand", f"This property cannot be expanded ({path}).")
    return copy_of(account.find(KINDS[prefix], thing_id))
