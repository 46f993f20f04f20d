"""What of one contract breaks a caller of another.

A caller sends what the old contract let it send, and reads what the old one told. So a request may
only become looser and an answer only stricter: each difference the other way is a break.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]
LOWER = ("minimum", "minLength", "minItems")
UPPER = ("maximum", "maxLength", "maxItems")


def breaks(old: Json, new: Json) -> Iterator[str]:
    """A sentence for each break."""
    for path, methods in old["paths"].items():
        for method, before in methods.items():
            where = f"{method.upper()} {path}"
            after = new["paths"].get(path, {}).get(method)
            if after is None:
                yield f"{where} was removed"
            else:
                yield from _Comparison(old, new, where).operation(before, after)


class _Comparison:
    """One operation of the old contract against the same of the new one."""

    def __init__(self, old: Json, new: Json, where: str) -> None:
        self.old, self.new, self.where = old, new, where
        self._compared: set[tuple[str, str, bool]] = set()

    def operation(self, before: Json, after: Json) -> Iterator[str]:
        yield from self._security(before, after)
        yield from self._parameters(before, after)
        yield from self._body(before, after)
        yield from self._responses(before, after)

    def _security(self, before: Json, after: Json) -> Iterator[str]:
        if not after["security"]:
            return
        for allowed in before["security"] or [{}]:
            if not any(_asks_no_more(needed, allowed) for needed in after["security"]):
                yield f"{self.where} asks for more than {allowed or 'nothing'}"

    def _parameters(self, before: Json, after: Json) -> Iterator[str]:
        known = {_key(each): each for each in _resolved_all(self.old, before)}
        for each in _resolved_all(self.new, after):
            name = each["name"]
            earlier = known.pop(_key(each), None)
            if each["required"] and not (earlier and earlier["required"]):
                yield f"{self.where}: the parameter {name} is now required"
            if earlier is not None:
                yield from self._schema(earlier["schema"], each["schema"], name, sent=True)
        for each in known.values():
            yield f"{self.where}: the parameter {each['name']} was removed"

    def _body(self, before: Json, after: Json) -> Iterator[str]:
        earlier, later = before.get("requestBody"), after.get("requestBody")
        if later is None:
            return
        if earlier is None:
            yield f"{self.where} now needs a body"
            return
        yield from self._contents(earlier, later, "body", sent=True)

    def _responses(self, before: Json, after: Json) -> Iterator[str]:
        for status, response in before["responses"].items():
            later = after["responses"].get(status)
            if later is None:
                yield f"{self.where}: the status {status} was removed"
                continue
            earlier, later = _resolved(self.old, response), _resolved(self.new, later)
            yield from self._contents(earlier, later, status, sent=False)

    def _contents(self, before: Json, after: Json, at: str, *, sent: bool) -> Iterator[str]:
        for media_type, content in before.get("content", {}).items():
            later = after.get("content", {}).get(media_type)
            if later is None:
                yield f"{self.where}: {at} is no longer {media_type}"
            elif media_type != "application/problem+json":
                yield from self._schema(content["schema"], later["schema"], at, sent=sent)

    def _schema(self, before: Json, after: Json, at: str, *, sent: bool) -> Iterator[str]:
        pair = (before.get("$ref", ""), after.get("$ref", ""), sent)
        if all(pair[:2]) and pair in self._compared:
            return
        self._compared.add(pair)
        before, after = _resolved(self.old, before), _resolved(self.new, after)
        yield from self._kind(before, after, at, sent=sent)
        yield from self._limits(before, after, at, sent=sent)
        yield from self._fields(before, after, at, sent=sent)
        if "items" in before and "items" in after:
            yield from self._schema(before["items"], after["items"], f"{at}[]", sent=sent)

    def _kind(self, before: Json, after: Json, at: str, *, sent: bool) -> Iterator[str]:
        earlier, later = set(_kinds(self.old, before)), set(_kinds(self.new, after))
        missing = earlier - later if sent else later - earlier
        if missing:
            verb = "no longer takes" if sent else "can now be"
            yield f"{self.where}: {at} {verb} {', '.join(sorted(missing))}"
        for kind in earlier & later:
            inner = [_option(self.old, before, kind), _option(self.new, after, kind)]
            if "anyOf" in before or "anyOf" in after:
                yield from self._schema(inner[0], inner[1], at, sent=sent)

    def _limits(self, before: Json, after: Json, at: str, *, sent: bool) -> Iterator[str]:
        if not sent:
            return
        if removed := set(before.get("enum", [])) - set(after.get("enum", before.get("enum", []))):
            yield f"{self.where}: {at} no longer takes {', '.join(sorted(removed))}"
        if "enum" in after and "enum" not in before:
            yield f"{self.where}: {at} now takes some values alone"
        for name in (*LOWER, *UPPER):
            if _is_narrower(before.get(name), after.get(name), lower=name in LOWER):
                yield f"{self.where}: the {name} of {at} is now {after[name]}"
        if after.get("pattern") not in (None, before.get("pattern")):
            yield f"{self.where}: the pattern of {at} is another"

    def _fields(self, before: Json, after: Json, at: str, *, sent: bool) -> Iterator[str]:
        earlier, later = before.get("properties", {}), after.get("properties", {})
        for name in earlier.keys() - later.keys():
            yield f"{self.where}: {at}.{name} was removed"
        needed_before, needed = set(before.get("required", [])), set(after.get("required", []))
        changed = needed - needed_before if sent else needed_before - needed
        for name in sorted(changed & (later.keys() if sent else later.keys() & earlier.keys())):
            yield f"{self.where}: {at}.{name} is {'now' if sent else 'no longer'} required"
        for name in earlier.keys() & later.keys():
            yield from self._schema(earlier[name], later[name], f"{at}.{name}", sent=sent)


def _asks_no_more(needed: Mapping[str, list[str]], allowed: Mapping[str, list[str]]) -> bool:
    return all(
        kind in allowed and set(scopes) <= set(allowed[kind]) for kind, scopes in needed.items()
    )


def _resolved(contract: Json, node: Json) -> Json:
    if "$ref" not in node:
        return node
    _, _, section, name = node["$ref"].split("/")
    found: Json = contract["components"][section][name]
    return found


def _resolved_all(contract: Json, operation: Json) -> list[Json]:
    return [_resolved(contract, each) for each in operation.get("parameters", [])]


def _key(parameter: Json) -> tuple[str, str]:
    return parameter["in"], parameter["name"]


def _kinds(contract: Json, schema: Json) -> Iterator[str]:
    """The types that a value can have; a time is not any text."""
    for option in schema.get("anyOf", [schema]):
        resolved = _resolved(contract, option)
        yield resolved.get("format", resolved.get("type", "any"))


def _option(contract: Json, schema: Json, kind: str) -> Json:
    options = [_resolved(contract, option) for option in schema.get("anyOf", [schema])]
    return next(each for each in options if each.get("format", each.get("type", "any")) == kind)


def _is_narrower(before: float | None, after: float | None, *, lower: bool) -> bool:
    if after is None:
        return False
    return before is None or (after > before if lower else after < before)
