"""The contract as one HTML page, made from its OpenAPI document.

It is read without a script: what repeats is folded, and every heading has a link to itself.
"""

import json
import re
from html import escape
from typing import Any

from paywall.web.curl import curl_of
from paywall.web.docs_tasks import TASKS, Task
from paywall.web.markdown import anchor, code_block, heading, html_of, inline, permalink
from paywall.web.tables import field_table, linked, parameter_table

Json = dict[str, Any]
OTHER = "More"


def page_of(document: Json) -> str:
    """The whole page."""
    info, components = document["info"], document["components"]
    title = f"{escape(info['title'])} {escape(info['version'])}"
    tasks = tasks_of(document)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}: how to call it</title>
<link rel="stylesheet" href="/docs.css">
<script type="module" src="/docs.js"></script>
</head>
<body>
<header><h1>{title}</h1><p><a href="/openapi.json">openapi.json</a></p></header>
<nav aria-label="Contents">{_contents(document, tasks)}</nav>
<main>
{html_of(info["description"])}
{"".join(_section(document, task) for task in tasks)}
{heading(2, "shapes", "Shapes")}
{"".join(_shape(name, schema) for name, schema in components["schemas"].items())}
{heading(2, "problems", "Problems")}
{"".join(_problem(code, kind) for code, kind in components["examples"].items())}
</main>
</body>
</html>
"""


def tasks_of(document: Json) -> list[Task]:
    """The tasks with the operations that there are; those of no task stand at the end."""
    found = {
        operation["operationId"]: operation["operationId"].replace("_", " ")
        for methods in document["paths"].values()
        for operation in methods.values()
    }
    tasks = []
    for task in TASKS:
        known = {id_: words for id_, words in task.operations.items() if found.pop(id_, None)}
        tasks.append(task._replace(operations=known))
    return [task for task in [*tasks, Task(OTHER, "", found)] if task.operations]


def _contents(document: Json, tasks: list[Task]) -> str:
    headings = re.findall(r"^## (.+)$", document["info"]["description"], re.MULTILINE)
    basics = {anchor(each): escape(each) for each in headings}
    parts = [_folded("Basics", basics)]
    parts += [
        _folded(task.title, {id_: escape(words) for id_, words in task.operations.items()})
        for task in tasks
    ]
    links = {"shapes": "Shapes", "problems": "Problems"}
    return f"<p>Contents</p>{''.join(parts)}{_links(links)}"


def _folded(title: str, links: dict[str, str]) -> str:
    return f"<details><summary>{escape(title)}</summary>{_links(links)}</details>"


def _links(links: dict[str, str]) -> str:
    items = (f'<li><a href="#{id_}">{words}</a></li>' for id_, words in links.items())
    return f"<ul>{''.join(items)}</ul>"


def _section(document: Json, task: Task) -> str:
    operations = "".join(
        _operation(document, method.upper(), path, operation, words)
        for id_, words in task.operations.items()
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if operation["operationId"] == id_
    )
    return f"""{heading(2, task.id, escape(task.title))}
<p>{inline(task.about)}</p>
{operations}"""


def _operation(document: Json, method: str, path: str, operation: Json, words: str) -> str:
    id_ = operation["operationId"]
    parameters = [_resolved(document, each) for each in operation.get("parameters", [])]
    parts = [
        "<article>",
        heading(3, id_, escape(words)),
        f'<p class="call"><code><b>{method}</b> {_breakable(path)}</code></p>',
        f'<p class="who">{_who(operation)}</p>',
        html_of(operation["description"]),
    ]
    if parameters:
        parts += [heading(4, f"{id_}-parameters", "Parameters"), parameter_table(parameters)]
    if body := operation.get("requestBody"):
        name = _shape_name(body["content"]["application/json"]["schema"])
        parts.append(heading(4, f"{id_}-body", "Fields of the body"))
        parts.append(field_table(document["components"]["schemas"][name]))
    parts.append(heading(4, f"{id_}-try", "Try it"))
    parts.append(code_block(curl_of(method, path, operation, parameters)))
    parts.append(heading(4, f"{id_}-answers", "Answers"))
    parts.append(f"{_answers(document, operation)}</article>")
    return "\n".join(parts)


def _who(operation: Json) -> str:
    if not operation["security"]:
        return "Anyone may call it."
    ((kind, scopes),) = operation["security"][0].items()
    if kind == "reader":
        return "A <b>reader</b> calls it, with a reader token."
    scope = f"the scope <code>{escape(scopes[0])}</code>" if scopes else "any scope"
    return f"The <b>site</b> calls it, with a site token that has {scope}."


def _answers(document: Json, operation: Json) -> str:
    """A line for each status; a body that several of them have is shown once, below."""
    lines: list[str] = []
    bodies: dict[str, None] = {}
    for status, answer in operation["responses"].items():
        response = _resolved(document, answer)
        contents = response.get("content", {})
        if problem := contents.get("application/problem+json"):
            if status != "default":
                codes = problem["examples"]
                links = ", ".join(f'<a href="#problem-{code}">{code}</a>' for code in codes)
                lines.append(f"<dt>{status}</dt><dd>{links}</dd>")
            continue
        shapes = " ".join(linked(content["schema"]) for content in contents.values())
        lines.append(f"<dt>{status}</dt><dd>{inline(response['description'])} {shapes}</dd>")
        bodies |= dict.fromkeys(_pretty(content["example"]) for content in contents.values())
    return f"<dl>{''.join(lines)}</dl>{''.join(map(_example, bodies))}"


def _example(body: str) -> str:
    return f"<details><summary>An example of the body</summary>{code_block(body)}</details>"


def _shape(name: str, schema: Json) -> str:
    if "enum" in schema:
        fields = f"<p>{', '.join(f'<code>{escape(value)}</code>' for value in schema['enum'])}</p>"
    elif "properties" in schema:
        fields = field_table(schema)
    else:
        fields = f"<p>{linked(schema)}</p>"
    return _entry(f"shape-{name}", name, inline(schema.get("description", "")), fields)


def _problem(code: str, example: Json) -> str:
    """What it means and what to do stand in the open; a document like all others is folded."""
    problem = example["value"]
    told = f"{problem['status']} · {inline(problem['title'])}. {inline(problem['detail'])}"
    return _entry(f"problem-{code}", f"<code>{code}</code>", told, code_block(_pretty(problem)))


def _entry(id_: str, name: str, about: str, folded: str) -> str:
    """The link to it is no part of what opens it: one control inside another confuses readers."""
    return f"""<div class="entry"><details>
<summary><h3 id="{id_}">{name}</h3> <span>{about}</span></summary>
{folded}</details>{permalink(id_, name)}</div>"""


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
