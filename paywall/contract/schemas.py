"""JSON Schemas of the models: msgspec's own, with a description of every field.

Litestar's are looser than what is decoded: they allow unknown fields and any tag.
"""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import NODEFAULT
from msgspec.inspect import DateTimeType, StructType, Type, type_info

from paywall.contract.examples import EXAMPLES
from paywall.contract.operation import Parameter
from paywall.http.fields import ID_PATTERN, ID_RULE, RULES

TYPES = {int: "integer", bool: "boolean"}
REF = "#/components/schemas/"
# Generated clients name classes after schemas, so a published schema keeps its name.
PUBLISHED_NAMES = {b"ClawbackKind": b"TakingKind"}

Schema = dict[str, Any]


def ecmascript(pattern: str) -> str:
    """The pattern as JSON Schema has it; JSON in UTF-8 has no lone surrogates to refuse."""
    return pattern.replace(r"\Z", "$").replace(r"\ud800-\udfff", "")


ID = "Id"
ID_SCHEMA: Schema = {
    "description": f"An id of the site's own. {ID_RULE[0].upper()}{ID_RULE[1:]}.",
    "type": "string",
    "pattern": ecmascript(ID_PATTERN),
    "examples": [EXAMPLES.parameters.get("article_id")],
}


def schemas_of(models: Iterable[Any]) -> tuple[dict[Any, Schema], dict[str, Schema]]:
    """The schema of each model, and the named ones that they refer to.

    Raises LookupError for a field without a description.
    """
    models = list(models)
    made = msgspec.json.encode(msgspec.json.schema_components(models, ref_template=REF + "{name}"))
    for current, published in PUBLISHED_NAMES.items():
        made = made.replace(current, published)
    found: list[Schema]
    named: dict[str, Schema]
    found, named = msgspec.json.decode(re.sub(rb"Page_(\w+?)_(?=\")", rb"PageOf\1", made))
    structs: dict[str, StructType] = {}
    for model in models:
        _collect(type_info(model), structs)
    for name, schema in named.items():
        _complete(name, schema, structs)
    components = {**named, ID: ID_SCHEMA}
    _set_integer_formats(components)
    return dict(zip(models, found, strict=True)), dict(sorted(components.items()))


def parameter_schema(parameter: Parameter) -> Schema:
    """The schema of a parameter of the path or of the query."""
    limits, default = parameter.limits, parameter.field.default
    if limits.pattern == ID_PATTERN:
        return {"$ref": REF + ID}
    schema: Schema = {"type": TYPES.get(parameter.field.annotation, "string")}
    _set_integer_formats(schema)
    limits_set = {
        "pattern": limits.pattern and ecmascript(limits.pattern),
        "minimum": limits.ge,
        "maximum": limits.le,
        "maxLength": limits.max_length,
        "default": default if isinstance(default, int | str) else None,
    }
    return schema | {name: value for name, value in limits_set.items() if value is not None}


def with_rule(meaning: str, pattern: str | None, length_max: int | None = None) -> str:
    """What a field means, with the rule of its kind; what an id is, its own schema says."""
    rule = RULES.get(pattern or "")
    if rule is None or pattern == ID_PATTERN:
        return meaning
    length = "" if length_max is None else f", at most {length_max} characters"
    return f"{meaning} {rule[0].upper()}{rule[1:]}{length}."


def _collect(info: Type, structs: dict[str, StructType]) -> None:
    if isinstance(info, StructType):
        name = model_name(info.cls)
        if name in structs:
            return
        structs[name] = info
        for field in info.fields:
            _collect(field.type, structs)
    for inner in _inner(info):
        _collect(inner, structs)


def model_name(model: Any) -> str:
    """The name of a model's schema; of a page it is `PageOf…`, with the name of its items'."""
    name: str = getattr(model, "__origin__", model).__name__
    items = getattr(model, "__args__", ())
    return f"{name}Of{items[0].__name__}" if items else name


def _inner(info: Type) -> list[Type]:
    if isinstance(info, StructType):
        return []
    parts = [getattr(info, name, None) for name in ("type", "item_type", "key_type", "value_type")]
    return [part for part in [*parts, *getattr(info, "types", ())] if isinstance(part, Type)]


def _complete(name: str, schema: Schema, structs: Mapping[str, StructType]) -> None:
    schema.pop("title", None)
    if "description" in schema:
        schema["description"] = inspect.cleandoc(schema["description"])
    if "enum" in schema:
        schema["type"] = "string"
        return
    for field in structs[name].fields:
        property_ = schema["properties"][field.encode_name]
        _complete_field(name, field.encode_name, property_)
        if _is_time(field.type):
            _set_time_format(property_)
        if field.default is not NODEFAULT and property_.get("default") is None:
            property_.pop("default", None)
    if not schema["required"]:
        del schema["required"]


def _complete_field(owner: str, name: str, property_: Schema) -> None:
    """One description at the top; below, only what a validator needs."""
    parts = [property_, *property_.get("anyOf", []), *_items(property_)]
    meanings = [text for part in parts if (text := part.pop("description", None))]
    if not meanings:
        raise LookupError(f"{owner}.{name} has no description: give it one by Meta")
    limits: Schema = next((part for part in parts if "pattern" in part), {})
    rule = limits.get("pattern"), limits.get("maxLength")
    for part in parts:
        if part.get("pattern") == ID_PATTERN:
            del part["pattern"], part["type"]
            part["$ref"] = REF + ID
        elif "pattern" in part:
            part["pattern"] = ecmascript(part["pattern"])
    rest = dict(property_)
    property_.clear()
    property_["description"] = with_rule(meanings[0], *rule)
    property_.update(rest)
    is_model = "$ref" in property_ and property_["$ref"] != REF + ID
    if not is_model and property_.get("type") != "null":
        property_["examples"] = EXAMPLES.of_field(owner, name)


def _items(property_: Schema) -> list[Schema]:
    return [property_["items"]] if isinstance(property_.get("items"), dict) else []


def _is_time(info: Type) -> bool:
    return isinstance(info, DateTimeType) or any(map(_is_time, _inner(info)))


def _set_time_format(property_: Schema) -> None:
    """Every time of ours has an offset, though msgspec says so only of those that it checks."""
    for part in [property_, *property_.get("anyOf", [])]:
        if part.get("type") == "string":
            part["format"] = "date-time"


def _set_integer_formats(node: Any) -> None:
    """Every integer is of 64 bits: generated clients take one without a format for one of 32."""
    if isinstance(node, dict):
        if node.get("type") == "integer":
            node["format"] = "int64"
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            _set_integer_formats(inner)
