"""Schemas that forbid undeclared members, which callers of later versions are to ignore."""

from typing import Any

Json = dict[str, Any]


def strictly(schema: Any) -> Any:
    """The same schema, or part of a contract, where each object has its declared members alone."""
    if isinstance(schema, list):
        return [strictly(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {name: strictly(item) for name, item in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        strict.setdefault("additionalProperties", False)
    return strict


def component(contract: Json, reference: str) -> Json:
    """What a `$ref` names."""
    _, _, section, name = reference.split("/")
    found: Json = contract["components"][section][name]
    return found
