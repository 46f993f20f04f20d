"""The contract as one HTML page, made from its OpenAPI document.

It is read without a script: what repeats is folded, and every heading has a link to itself.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from paywall.web.curl import curl_of
from paywall.web.docs_tasks import TASKS, Task
from paywall.web.markdown import anchor, blocks_of, inline
from paywall.web.templating import environment_of

Json = dict[str, Any]
OTHER = "More"


class AnswerRow(NamedTuple):
    """A status of an operation: the problems with it, or what its body is."""

    status: str
    codes: list[str]
    description: str = ""
    schemas: tuple[Json, ...] = ()


class OperationEntry(NamedTuple):
    """An operation as the page shows it; `caller` is the kind of token, none for anyone."""

    id: str
    title: str
    method: str
    path: str
    caller: str | None
    scope: str | None
    description: str
    parameters: list[Json]
    body: Json | None
    curl: str
    answers: list[AnswerRow]
    examples: list[str]


def page_of(document: Json) -> str:
    """The whole page."""
    info, components, tasks = document["info"], document["components"], tasks_of(document)
    headings = re.findall(r"^## (.+)$", info["description"], re.MULTILINE)
    return (
        environment_of("paywall.web")
        .get_template("docs.html")
        .render(
            anchor=anchor,
            basics={anchor(heading): heading for heading in headings},
            blocks_of=blocks_of,
            info=info,
            inline=inline,
            json_of=_json_of,
            name_of=_name_of,
            operations={task.id: list(_operations(document, task)) for task in tasks},
            problems=components["examples"],
            schemas=components["schemas"],
            tasks=tasks,
        )
    )


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


def _operations(document: Json, task: Task) -> Iterator[OperationEntry]:
    for id_, title in task.operations.items():
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if operation["operationId"] == id_:
                    yield _entry(document, title, method.upper(), path, operation)


def _entry(document: Json, title: str, method: str, path: str, operation: Json) -> OperationEntry:
    parameters = [_resolved(document, parameter) for parameter in operation.get("parameters", [])]
    security = operation["security"]
    caller, scopes = next(iter(security[0].items())) if security else (None, [])
    body = operation.get("requestBody")
    name = _name_of(body["content"]["application/json"]["schema"]) if body else None
    responses = {
        status: _resolved(document, answer) for status, answer in operation["responses"].items()
    }
    return OperationEntry(
        id=operation["operationId"],
        title=title,
        method=method,
        path=path,
        caller=caller,
        scope=scopes[0] if scopes else None,
        description=operation["description"],
        parameters=parameters,
        body=document["components"]["schemas"][name] if name else None,
        curl=curl_of(method, path, operation, parameters),
        answers=list(_answers(responses)),
        examples=_examples(responses),
    )


def _answers(responses: Json) -> Iterator[AnswerRow]:
    for status, response in responses.items():
        contents = response.get("content", {})
        problem = contents.get("application/problem+json")
        if problem is None:
            schemas = tuple(content["schema"] for content in contents.values())
            yield AnswerRow(status, [], response["description"], schemas)
        elif status != "default":
            yield AnswerRow(status, list(problem["examples"]))


def _examples(responses: Json) -> list[str]:
    """Bodies of success, each once though several statuses may have it."""
    bodies = {
        _json_of(content["example"]): None
        for response in responses.values()
        for media_type, content in response.get("content", {}).items()
        if media_type != "application/problem+json"
    }
    return list(bodies)


def _resolved(document: Json, node: Json) -> Json:
    while "$ref" in node:
        found: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def _name_of(schema: Json) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _json_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
