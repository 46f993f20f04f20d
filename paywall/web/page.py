"""The contract as one HTML page, made from its OpenAPI document."""

import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any
from urllib.parse import quote

from paywall.web.markdown import anchor, html_of, inline
from paywall.web.tables import field_table, linked, parameter_table

Json = dict[str, Any]
TOKENS = {"site": "$SITE_TOKEN", "reader": "$READER_TOKEN"}


def page_of(document: Json) -> str:
    """The whole page."""
    info = document["info"]
    title = f"{escape(info['title'])} {escape(info['version'])}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}: how to call it</title>
<link rel="stylesheet" href="/docs.css">
</head>
<body>
<header><h1>{title}</h1><p><a href="/openapi.json">openapi.json</a></p></header>
<nav aria-label="Contents">{_contents(document)}</nav>
<main>
{html_of(info["description"])}
{"".join(_section(document, tag) for tag in document["tags"])}
<h2 id="shapes">Shapes</h2>
{"".join(_shape(name, schema) for name, schema in document["components"]["schemas"].items())}
<h2 id="problems">Problems</h2>
{"".join(_problem(code, kind) for code, kind in document["components"]["examples"].items())}
</main>
</body>
</html>
"""


def _operations(document: Json, tag: str) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield method.upper(), path, operation


def _contents(document: Json) -> str:
    headings = re.findall(r"^## (.+)$", document["info"]["description"], re.MULTILINE)
    parts = [f'<li><a href="#{anchor(heading)}">{escape(heading)}</a></li>' for heading in headings]
    for tag in document["tags"]:
        items = "".join(
            f'<li><a href="#{operation["operationId"]}"><code>{method} {_breakable(path)}</code>'
            "</a></li>"
            for method, path, operation in _operations(document, tag["name"])
        )
        name = escape(tag["name"])
        parts.append(f'<li><a href="#tag-{name}">{name.capitalize()}</a><ul>{items}</ul></li>')
    parts += ['<li><a href="#shapes">Shapes</a></li>', '<li><a href="#problems">Problems</a></li>']
    return f"<details open><summary>Contents</summary><ul>{''.join(parts)}</ul></details>"


def _section(document: Json, tag: Json) -> str:
    name = escape(tag["name"])
    operations = "".join(_operation(document, *each) for each in _operations(document, tag["name"]))
    return f"""<h2 id="tag-{name}">{name.capitalize()}</h2>
<p>{inline(tag["description"])}</p>
{operations}"""


def _operation(document: Json, method: str, path: str, operation: Json) -> str:
    parameters = [_resolved(document, each) for each in operation.get("parameters", [])]
    parts = [
        f'<article id="{operation["operationId"]}">',
        f"<h3><code><b>{method}</b> {_breakable(path)}</code></h3>",
        f'<p class="who">{_who(operation)}</p>',
        html_of(operation["description"]),
    ]
    if parameters:
        parts.append(f"<h4>Parameters</h4>{parameter_table(parameters)}")
    if body := operation.get("requestBody"):
        name = _shape_name(body["content"]["application/json"]["schema"])
        parts.append("<h4>Fields of the body</h4>")
        parts.append(field_table(document["components"]["schemas"][name]))
    parts.append(f"<h4>Try it</h4><pre><code>{escape(_curl(method, path, operation, parameters))}")
    parts.append(f"</code></pre><h4>Answers</h4>{_answers(document, operation)}</article>")
    return "\n".join(parts)


def _who(operation: Json) -> str:
    if not operation["security"]:
        return "Anyone may call it."
    ((kind, scopes),) = operation["security"][0].items()
    if kind == "reader":
        return "A <b>reader</b> calls it, with a reader token."
    scope = f"the scope <code>{escape(scopes[0])}</code>" if scopes else "any scope"
    return f"The <b>site</b> calls it, with a site token that has {scope}."


def _curl(method: str, path: str, operation: Json, parameters: list[Json]) -> str:
    for parameter in parameters:
        if parameter["in"] == "path":
            example = quote(str(parameter["example"]), safe="")
            path = path.replace(f"{{{parameter['name']}}}", example)
    words = ["curl" if method == "GET" else f"curl -X {method}", f'"$PAYWALL{path}"']
    if operation["security"]:
        words.append(f'-H "Authorization: Bearer {TOKENS[next(iter(operation["security"][0]))]}"')
    if any(parameter["name"] == "Idempotency-Key" for parameter in parameters):
        words.append('-H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)"')
    if body := operation.get("requestBody"):
        example = _pretty(body["content"]["application/json"]["example"]).replace("'", "'\\''")
        words += ["-H 'Content-Type: application/json'", f"-d '{example}'"]
    return " \\\n  ".join(words)


def _answers(document: Json, operation: Json) -> str:
    parts = []
    for status, answer in operation["responses"].items():
        response = _resolved(document, answer)
        if problem := response.get("content", {}).get("application/problem+json"):
            codes = problem["examples"]
            links = ", ".join(f'<a href="#problem-{code}">{code}</a>' for code in codes)
            parts.append(f"<dt>{status}</dt><dd>{links}</dd>")
        else:
            parts.append(f"<dt>{status}</dt><dd>{inline(response['description'])}")
            parts.append(f"{_examples(response)}</dd>")
    return f"<dl>{''.join(parts)}</dl>"


def _examples(response: Json) -> str:
    return "".join(
        f" {linked(content['schema'])}<pre><code>{escape(_pretty(content['example']))}</code></pre>"
        for content in response.get("content", {}).values()
    )


def _shape(name: str, schema: Json) -> str:
    description = inline(schema.get("description", ""))
    if "enum" in schema:
        fields = f"<p>{', '.join(f'<code>{escape(value)}</code>' for value in schema['enum'])}</p>"
    elif "properties" in schema:
        fields = field_table(schema)
    else:
        fields = f"<p>{linked(schema)}</p>"
    return f'<section id="shape-{name}"><h3>{name}</h3><p>{description}</p>{fields}</section>'


def _problem(code: str, example: Json) -> str:
    problem = example["value"]
    return f"""<section id="problem-{code}"><h3><code>{code}</code></h3>
<p><b>{problem["status"]}</b> {inline(problem["title"])}. {inline(problem["detail"])}</p>
<pre><code>{escape(_pretty(problem))}</code></pre></section>"""


def _resolved(document: Json, node: Json) -> Json:
    while "$ref" in node:
        found: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def _shape_name(schema: Json) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _breakable(path: str) -> str:
    return escape(path).replace("/", "<wbr>/")


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
