"""What of one contract breaks a caller of another.

A caller sends what the old contract let it send, and reads what the old one told. So a request may
only become looser and an answer only stricter: each difference the other way is a break. But for
enumerations: those of answers may grow, and the contract says so.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from paywall.contract.schemas import ecmascript
from paywall.http.fields import ID_PATTERN, LINE_LENGTH_MAX, LINE_PATTERN
from paywall.tokens.scopes import ADMIN

Json = dict[str, Any]
LOWER = ("minimum", "minLength", "minItems")
UPPER = ("maximum", "maxLength", "maxItems")
PROBLEM = "application/problem+json"
# What patterns of earlier releases are now: the same texts, without what RE2 refuses.
RESPELT: Mapping[str, Json] = {
    r"^(?!\.{1,2}$)(?!\s)[^\x00-\x1f\x7f-\x9f/\\]{1,200}(?<!\s)$": {
        "pattern": ecmascript(ID_PATTERN)
    },
    r"^[^\x00-\x1f\x7f-\x9f]{0,2000}$": {
        "pattern": ecmascript(LINE_PATTERN),
        "maxLength": LINE_LENGTH_MAX,
    },
}


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
            if not any(_asks_no_more(required, allowed) for required in after["security"]):
                yield f"{self.where} asks for more than {allowed or 'nothing'}"

    def _parameters(self, before: Json, after: Json) -> Iterator[str]:
        known = {_key(item): item for item in _resolved_all(self.old, before)}
        for item in _resolved_all(self.new, after):
            name = item["name"]
            earlier = known.pop(_key(item), None)
            if item["required"] and not (earlier and earlier["required"]):
                yield f"{self.where}: the parameter {name} is now required"
            if earlier is not None:
                yield from self._schema(earlier["schema"], item["schema"], name, sent=True)
        for item in known.values():
            yield f"{self.where}: the parameter {item['name']} was removed"

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
            elif media_type == PROBLEM:
                yield from self._members(content["schema"], later["schema"], at)
            else:
                yield from self._schema(content["schema"], later["schema"], at, sent=sent)

    def _members(self, before: Json, after: Json, at: str) -> Iterator[str]:
        """Kinds of problems may come and go; what they tell stays declared."""
        promised, declared = _members_of(self.old, before), _members_of(self.new, after)
        for name in sorted(promised["required"] - declared["properties"]):
            yield f"{self.where}: {at}.{name} was removed"

    def _schema(self, before: Json, after: Json, at: str, *, sent: bool) -> Iterator[str]:
        pair = (before.get("$ref", ""), after.get("$ref", ""), sent)
        if all(pair[:2]) and pair in self._compared:
            return
        self._compared.add(pair)
        before, after = _respelt(_resolved(self.old, before)), _resolved(self.new, after)
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
        if removed := set(before.get("enum") or []) - set(
            after.get("enum", before.get("enum")) or []
        ):
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
        needed_before, required = set(before.get("required", [])), set(after.get("required", []))
        changed = required - needed_before if sent else needed_before - required
        for name in sorted(changed & (later.keys() if sent else later.keys() & earlier.keys())):
            yield f"{self.where}: {at}.{name} is {'now' if sent else 'no longer'} required"
        for name in earlier.keys() & later.keys():
            yield from self._schema(earlier[name], later[name], f"{at}.{name}", sent=sent)


def _asks_no_more(required: Mapping[str, list[str]], allowed: Mapping[str, list[str]]) -> bool:
    # A token with `admin` has every scope.
    return all(
        kind in allowed and (ADMIN in allowed[kind] or set(scopes) <= set(allowed[kind]))
        for kind, scopes in required.items()
    )


def _resolved(contract: Json, node: Json) -> Json:
    if "$ref" not in node:
        return node
    _, _, section, name = node["$ref"].split("/")
    found: Json = contract["components"][section][name]
    return found


def _respelt(schema: Json) -> Json:
    now = RESPELT.get(schema.get("pattern", ""), {})
    return {**now, **schema, **({"pattern": now["pattern"]} if now else {})}


def _members_of(contract: Json, schema: Json) -> dict[str, set[str]]:
    """The members of a problem document: those that some kind always has, and all of them."""
    schema = _resolved(contract, schema)
    found = {word: {*schema.get(word, ())} for word in ("required", "properties")}
    for item in [*schema.get("anyOf", []), *schema.get("allOf", [])]:
        for word, names in _members_of(contract, item).items():
            found[word] |= names
    return found


def _resolved_all(contract: Json, operation: Json) -> list[Json]:
    return [_resolved(contract, item) for item in operation.get("parameters", [])]


def _key(parameter: Json) -> tuple[str, str]:
    return parameter["in"], parameter["name"]


def _kinds(contract: Json, schema: Json) -> Iterator[str]:
    """The types that a value can have."""
    for option in schema.get("anyOf", [schema]):
        yield _kind_of(_resolved(contract, option))


def _kind_of(schema: Json) -> str:
    """A time is not any text, but a number is the same in JSON however many bits it is kept in."""
    kind = schema.get("type", "any")
    return str(kind if kind == "integer" else schema.get("format", kind))


def _option(contract: Json, schema: Json, kind: str) -> Json:
    options = [_resolved(contract, option) for option in schema.get("anyOf", [schema])]
    return next(item for item in options if _kind_of(item) == kind)


def _is_narrower(before: float | None, after: float | None, *, lower: bool) -> bool:
    if after is None:
        return False
    return before is None or (after > before if lower else after < before)
