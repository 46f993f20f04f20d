"""Tables of fields and parameters for the page of the contract."""

from html import escape
from typing import Any

from paywall.web.markdown import inline

Json = dict[str, Any]


def field_table(schema: Json) -> str:
    """A row a field of a shape."""
    required = schema.get("required", [])
    rows = [
        _row(name, field, is_required=name in required)
        for name, field in schema["properties"].items()
    ]
    return _table(rows)


def parameter_table(parameters: list[Json]) -> str:
    """A row a parameter, with the place that it stands in."""
    return _table(
        [
            _row(
                parameter["name"],
                {**parameter["schema"], "description": parameter["description"]},
                is_required=parameter["required"],
                place=f" in the {parameter['in']}",
            )
            for parameter in parameters
        ]
    )


def linked(schema: Json) -> str:
    """The type of a field in a few words; a named shape is linked."""
    match schema:
        case {"$ref": reference}:
            name = escape(reference.rpartition("/")[2])
            return f'<a href="#shape-{name}">{name}</a>'
        case {"anyOf": options}:
            return " or ".join(linked(option) for option in options)
        case {"type": "array", "items": items}:
            return f"list of {linked(items)}"
        case {"enum": values}:
            return "one of " + ", ".join(f"<code>{escape(str(value))}</code>" for value in values)
        case {"format": "date-time"}:
            return "time"
        case {"type": str(kind)}:
            return f"{escape(kind)}{_limits(schema)}"
        case _:
            return "any"


def _limits(schema: Json) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    return f", at most {schema['maxLength']} characters" if "maxLength" in schema else ""


def _row(name: str, field: Json, *, is_required: bool, place: str = "") -> str:
    default = field.get("default")
    needed = "required" if is_required else "optional"
    told = f"; <code>{escape(str(default))}</code> unless told" if default is not None else ""
    return (
        f"<tr><th scope='row'><code>{escape(name)}</code></th>"
        f"<td>{linked(field)}<br><small>{needed}{place}{told}</small></td>"
        f"<td>{inline(field.get('description', ''))}</td></tr>"
    )


def _table(rows: list[str]) -> str:
    return f'<div class="table"><table>{"".join(rows)}</table></div>'
