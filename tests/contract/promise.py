"""Holds every answer that a test sees against the contract."""

import re
from http import HTTPStatus
from typing import Any

import httpx
import jsonschema_rs

from paywall import problems
from paywall.contract.problem_schemas import schema_name, type_of
from tests.contract.file import todays
from tests.contract.strict import component

Json = dict[str, Any]


class Promise:
    """The contract, and a validator for each answer that it documents, made at first use."""

    def __init__(self, contract: Json) -> None:
        self.contract = contract
        self.operations = [
            (re.compile(re.sub(r"\\{.*?\\}", "[^/]+", re.escape(path))), method, operation)
            for path, methods in contract["paths"].items()
            for method, operation in methods.items()
        ]
        self._validators: dict[int, jsonschema_rs.Draft202012Validator] = {}

    async def see(self, response: httpx.Response) -> None:
        """An httpx hook; raises AssertionError where the answer is not as it is documented."""
        await response.aread()
        self.check(response)

    def check(self, response: httpx.Response) -> None:
        received = f"{response.request.method} {response.request.url.path}: {response.status_code}"
        operation = self.operation_of(response)
        if operation is None or response.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
            self._check_without_operation(response, received)
            return
        documented = operation["responses"].get(str(response.status_code))
        assert documented, f"{received} is not documented: {response.text}"
        documented = self._resolved(documented)
        media_type = response.headers.get("content-type", "").partition(";")[0]
        contents = documented.get("content", {})
        assert media_type in contents or not (contents or response.content), received
        assert not response.content or response.request.method != "HEAD", received
        if contents and response.request.method != "HEAD":
            self._validate(contents[media_type]["schema"], response, received)
            self._check_kind(contents[media_type], response, received)
        for name in documented["headers"]:
            if name != "Idempotent-Replay":
                assert name in response.headers, f"{received} lacks {name}"

    def _check_kind(self, content: Json, response: httpx.Response, received: str) -> None:
        """A problem is of a documented kind, and its members are those that its kind declares."""
        if response.is_success:
            return
        code = response.json()["type"].removeprefix("/problems/")
        assert code in content["examples"], f"{received}: {code} is not documented"
        self._check_members(response, received)

    def _check_members(self, response: httpx.Response, received: str) -> None:
        kind = next(kind for kind in problems.ALL if type_of(kind) == response.json()["type"])
        schema = self.contract["components"]["schemas"][schema_name(kind)]
        undeclared = response.json().keys() - schema["properties"].keys()
        assert not undeclared, f"{received}: {kind.code} has undeclared members: {undeclared}"

    def operation_of(self, response: httpx.Response) -> Json | None:
        path, asked = response.request.url.path, response.request.method.lower()
        for pattern, method, operation in self.operations:
            if method == ("get" if asked == "head" else asked) and pattern.fullmatch(path):
                found: Json = operation
                return found
        return None

    def _check_without_operation(self, response: httpx.Response, received: str) -> None:
        """What is no operation is answered by a page, by CORS, or by a problem.

        A page says in words why there is nothing, an outage included; a failure is never a page.
        """
        if response.request.method == "HEAD":
            assert not response.is_server_error, received
            return
        is_page = response.headers.get("content-type", "").startswith("text/html")
        if response.headers.get("content-type") == "application/problem+json":
            schema = self.contract["components"]["schemas"]["Problem"]
            self._validate(schema, response, received)
            self._check_members(response, received)
        elif is_page:
            is_outage = response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
            assert is_outage or not response.is_server_error, f"{received}: {response.text}"
        elif response.request.method != "OPTIONS":
            assert response.is_success or response.is_redirect, f"{received}: {response.text}"

    def _validate(self, schema: Json, response: httpx.Response, received: str) -> None:
        if id(schema) not in self._validators:
            whole = {**schema, "components": self.contract["components"]}
            self._validators[id(schema)] = jsonschema_rs.Draft202012Validator(
                whole, validate_formats=True
            )
        errors = [
            f"{'.'.join(map(str, error.instance_path))}: {error.message}"
            for error in self._validators[id(schema)].iter_errors(response.json())
        ]
        assert not errors, f"{received} breaks the contract: {errors}: {response.text}"

    def _resolved(self, node: Json) -> Json:
        if "$ref" in node:
            return component(self.contract, node["$ref"])
        return node


PROMISE = Promise(todays())
