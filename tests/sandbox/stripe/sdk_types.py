"""JSON Schemas made from the types of the installed SDK, so that they match its version.

The SDK's annotations are read with `ast`, since most of them are only there for type checkers.
Its enumerations are open (`Literal[…] | str`); here they are closed.
"""

import ast
import importlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Any

import stripe
from stripe._object_classes import get_object_class

Schema = dict[str, Any]
LEAVES: dict[str, Schema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "Decimal": {"type": ["string", "number"]},
    "Any": {},
    "object": {},
    "StripeObject": {"type": "object"},
}
WRAPPERS = {"NotRequired", "Required", "ClassVar"}
LISTS = {"List", "list", "Sequence"}
MAPPINGS = {"Dict", "dict", "UntypedStripeObject", "Mapping"}
PAGES = {"ListObject", "SearchResultObject"}
# Object types that are checked field by field inside another; of others only the type is.
FOLLOWED = {"discount", "invoice_payment", "item", "line_item", "price", "subscription_item"}


def object_schema(kind: str) -> Schema:
    """The schema of an object in a response (`customer`, `invoice`, …)."""
    cls = get_object_class("V1", kind)
    builder = _Builder()
    schema = builder.of_class(cls)
    properties = builder.definitions[_key(cls)]["properties"]
    properties.setdefault("object", {"enum": [kind]})
    return {**schema, "definitions": builder.definitions}


def request_schema(method: Callable[..., object]) -> Schema:
    """The schema of a method's parameters, e.g. of `stripe.SubscriptionService.update`."""
    builder = _Builder()
    function = ast.parse(textwrap.dedent(inspect.getsource(method))).body[0]
    assert isinstance(function, ast.FunctionDef)
    annotation = next(a.annotation for a in function.args.args if a.arg == "params")
    assert annotation is not None
    module = sys.modules[method.__module__]
    return {**builder.of(_bare(annotation), module, None), "definitions": builder.definitions}


class _Builder:
    """Follows annotations from one class to the next; each becomes a definition."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def of(self, node: ast.expr, module: ModuleType, scope: type | None) -> Schema:
        if isinstance(node, ast.Constant) and node.value is None:
            return {"type": "null"}
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return self.of(ast.parse(node.value, mode="eval").body, module, scope)
        if isinstance(node, ast.BinOp) or _name(node) == "Union":
            return self._of_union(list(_alternatives(node)), module, scope)
        if isinstance(node, ast.Subscript):
            return self._of_generic(node, module, scope)
        return LEAVES.get(_name(node)) or self._of_name(_name(node), module, scope)

    def _of_generic(self, node: ast.Subscript, module: ModuleType, scope: type | None) -> Schema:
        name = _name(node)
        arguments = _arguments(node)
        if name == "Literal":
            return {"enum": [ast.literal_eval(argument) for argument in arguments]}
        if name in MAPPINGS:
            return {"type": "object"}
        if name == "ExpandableField":
            return {"anyOf": [{"type": "string"}, {"type": "object", "required": ["id"]}]}
        inner = self.of(arguments[0], module, scope)
        if name == "Optional":
            return {"anyOf": [inner, {"type": "null"}]}
        if name in WRAPPERS:
            return inner
        if name in LISTS:
            return {"type": "array", "items": inner}
        if name in PAGES:
            return {
                "type": "object",
                "required": ["object", "data"],
                "properties": {"data": {"type": "array", "items": inner}},
            }
        raise NotImplementedError(ast.unparse(node))

    def _of_union(self, nodes: list[ast.expr], module: ModuleType, scope: type | None) -> Schema:
        found = [self.of(node, module, scope) for node in nodes]
        if any("enum" in schema and schema["enum"] != [""] for schema in found):
            found = [schema for schema in found if schema != {"type": "string"}]
        return found[0] if len(found) == 1 else {"anyOf": found}

    def _of_name(self, name: str, module: ModuleType, scope: type | None) -> Schema:
        cls = _class_named(name, module, scope)
        if cls is None:
            return {}
        kind = getattr(cls, "OBJECT_NAME", None)
        if kind and scope and kind not in FOLLOWED:
            return {"type": "object", "properties": {"object": {"enum": [kind]}}}
        return self.of_class(cls)

    def of_class(self, cls: type) -> Schema:
        key = _key(cls)
        if key not in self.definitions:
            self.definitions[key] = {}
            self.definitions[key] = self._definition(cls)
        return {"$ref": f"#/definitions/{key}"}

    def _definition(self, cls: type) -> Schema:
        node = _class_node(cls)
        module = sys.modules[cls.__module__]
        renamed = getattr(cls, "_field_remappings", {})
        properties: Schema = {}
        required: list[str] = []
        for name, annotation in _fields(node):
            properties[renamed.get(name, name)] = self.of(annotation, module, cls)
            if _is_typed_dict(node) and _name(annotation) != "NotRequired":
                required.append(name)
        for base in node.bases:
            # Fields that are Python's own words ("from") stand in a base made by a call.
            inherited = getattr(module, ast.unparse(base), None)
            if getattr(inherited, "__module__", None) == cls.__module__:
                for name in inherited.__annotations__:
                    properties.setdefault(name, {})
        return {
            "type": "object",
            "properties": properties,
            "additionalProperties": not properties,
            "required": required,
        }


def _key(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _name(node: ast.expr) -> str:
    """The last word of what stands before the brackets."""
    if isinstance(node, ast.Constant):
        node = ast.parse(str(node.value), mode="eval").body
    if isinstance(node, ast.Subscript):
        node = node.value
    return ast.unparse(node).rpartition(".")[2]


def _arguments(node: ast.Subscript) -> list[ast.expr]:
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


def _bare(annotation: ast.expr) -> ast.expr:
    while isinstance(annotation, ast.Constant) or _name(annotation) == "Optional":
        if isinstance(annotation, ast.Constant):
            annotation = ast.parse(str(annotation.value), mode="eval").body
        else:
            assert isinstance(annotation, ast.Subscript)
            annotation = annotation.slice
    return annotation


def _alternatives(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp):
        yield from _alternatives(node.left)
        yield from _alternatives(node.right)
    elif isinstance(node, ast.Subscript) and _name(node) == "Union":
        for argument in _arguments(node):
            yield from _alternatives(argument)
    else:
        yield node


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr]]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            is_field = _name(statement.annotation) not in {"ClassVar", "InitVar"}
            if is_field and not statement.target.id.startswith("_"):
                yield statement.target.id, statement.annotation


def _is_typed_dict(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base) in {"TypedDict", "RequestOptions"} for base in node.bases)


def _class_named(name: str, module: ModuleType, scope: type | None) -> type | None:
    for place in (scope, module, stripe):
        found = getattr(place, name, None)
        if inspect.isclass(found):
            return found
    return _imported_for_type_checkers(module).get(name)


@cache
def _imported_for_type_checkers(module: ModuleType) -> dict[str, type]:
    """What stands under `if TYPE_CHECKING:`, imported after all."""
    return {
        alias.asname or alias.name: getattr(importlib.import_module(node.module), alias.name)
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("stripe")
        for alias in node.names
    }


@cache
def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _class_node(cls: type) -> ast.ClassDef:
    node: ast.AST = _tree(sys.modules[cls.__module__])
    for part in cls.__qualname__.split("."):
        node = next(
            child
            for child in ast.walk(node)
            if isinstance(child, ast.ClassDef) and child.name == part
        )
    assert isinstance(node, ast.ClassDef)
    return node
