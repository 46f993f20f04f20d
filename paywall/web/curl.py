"""The command that tries an operation: for bash and zsh, on Linux and macOS."""

import json
from typing import Any
from urllib.parse import quote

from paywall.tokens.guard import PROXY_HEADER

Json = dict[str, Any]
TOKENS = {
    "site": "Authorization: Bearer $SITE_TOKEN",
    "reader": "Authorization: Bearer $READER_TOKEN",
    "proxy": f"{PROXY_HEADER}: $SITE_TOKEN",
}
# A key that is new each time, by what POSIX and both shells have; `uuidgen` may be missing.
NEW_KEY = "$(date +%s)-$RANDOM"


def curl_of(method: str, path: str, operation: Json, parameters: list[Json]) -> str:
    """A word a line, so that it is read and changed easily."""
    for parameter in parameters:
        if parameter["in"] == "path":
            example = quote(str(parameter["example"]), safe="")
            path = path.replace(f"{{{parameter['name']}}}", example)
    words = ["curl" if method == "GET" else f"curl -X {method}", f'"$PAYWALL{path}"']
    if operation["security"]:
        words.append(f'-H "{TOKENS[next(iter(operation["security"][0]))]}"')
    for parameter in parameters:
        if parameter["name"] == "Idempotency-Key":
            words.append(f'-H "Idempotency-Key: {NEW_KEY}"')
        elif parameter["in"] == "header" and "example" in parameter:
            words.append(f"-H {_quoted(parameter['name'] + ': ' + parameter['example'])}")
    if body := operation.get("requestBody"):
        example = body["content"]["application/json"]["example"]
        text = json.dumps(example, ensure_ascii=False, indent=2)
        words += ["-H 'Content-Type: application/json'", f"-d {_quoted(text)}"]
    return " \\\n  ".join(words)


def _quoted(text: str) -> str:
    """In single quotes neither shell reads anything, `!` included."""
    return "'" + text.replace("'", "'\\''") + "'"
