"""Replaces ids by the objects they name: https://docs.stripe.com/api/expanding_objects."""

from paywall.sandbox.stripe.account import PREFIXES, StandInAccount
from paywall.sandbox.stripe.errors import invalid_parameter
from paywall.sandbox.stripe.objects import Json, copy_object

OBJECT_TYPES = {prefix: kind for kind, prefix in PREFIXES.items()}
DEPTH_MAX = 4


def expand_fields(account: StandInAccount, obj: Json, params: Json) -> Json:
    """A copy of the response in which the fields that `expand` names are objects."""
    paths = params.get("expand") or []
    if not paths:
        return obj
    copy = copy_object(obj)
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEPTH_MAX:
            raise invalid_parameter(
                "expand", f"You cannot expand more than {DEPTH_MAX} levels: {path}"
            )
        _expand(account, copy, parts, path)
    return copy


def _expand(account: StandInAccount, obj: Json, parts: list[str], path: str) -> None:
    name, *rest = parts
    if obj.get("deleted"):
        return
    if name not in obj:
        raise invalid_parameter("expand", f"This property cannot be expanded ({path}).")
    if isinstance(obj[name], str):
        obj[name] = _find_by_id(account, obj[name], path)
    found = obj[name]
    for inner in found if isinstance(found, list) else [found]:
        if rest and inner:
            _expand(account, inner, rest, path)


def _find_by_id(account: StandInAccount, object_id: str, path: str) -> Json:
    prefix, _, _ = object_id.rpartition("_")
    if prefix not in OBJECT_TYPES:
        raise invalid_parameter("expand", f"This property cannot be expanded ({path}).")
    kind = OBJECT_TYPES[prefix]
    if kind == "customer" and object_id not in account.objects.get(kind, {}):
        return {"deleted": True, "id": object_id, "object": kind}
    return copy_object(account.find(kind, object_id))
