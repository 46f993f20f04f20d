"""A signed token is taken only within its time, with every claim as it has to be."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paywall.problems import Problem
from paywall.tokens.caller import TokenKind
from paywall.tokens.verify import Verifier
from tests.conftest import SetClock
from tests.tokens.conftest import refused
from tests.tokens.forging import (
    NAME,
    START,
    forge,
    header,
    issuer,
    payload,
    trusting,
)

SITE, READER = TokenKind.SITE, TokenKind.READER
NOW = int(START.timestamp())
NO_TIMES: list[object] = [None, True, str(NOW + 100), "", [NOW], {}, -1.5]
TIMES: dict[str, dict[str, object]] = {
    "ended": {"iat": NOW - 600, "exp": NOW - 30},
    "from the future": {"iat": NOW + 31, "exp": NOW + 600},
    "not yet": {"nbf": NOW + 31},
    "ends as it begins": {"exp": NOW, "iat": NOW},
    "ends before it begins": {"exp": NOW + 5, "iat": NOW + 10},
    "lives a second too long": {"exp": NOW + 86_401},
    "lives for ever": {"exp": 2**33 - 1},
    "exp past any calendar": {"exp": 10**30},
    "exp past any float": {"exp": 10**400},
    "iat before 1970": {"iat": -1},
    "iat 0": {"iat": 0},
    "nbf past any calendar": {"nbf": 10**30},
    **{
        f"{name} {json.dumps(value)}": {name: value}
        for name in ("exp", "iat", "nbf")
        for value in NO_TIMES
    },
}


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "value", [NOW * 1000, 2**33, 10**30], ids=["milliseconds", "2242", "never"]
)
async def test_a_time_that_is_not_in_seconds_is_named(
    verifier: Verifier, name: str, value: int
) -> None:
    detail = await refused(verifier, forge(body=payload(**{name: value})))
    assert detail == f"The claim {name} is not a time in seconds since 1970."
    almost = await refused(verifier, forge(body=payload(exp=2**33 - 1)))
    assert "lives longer" in almost


@pytest.mark.parametrize("changes", TIMES.values(), ids=TIMES)
async def test_a_token_out_of_its_time_is_refused(
    verifier: Verifier, changes: dict[str, object]
) -> None:
    await refused(verifier, forge(body=payload(**changes)))


IN_TIME: dict[str, dict[str, object]] = {
    "ended 29 seconds ago": {"iat": NOW - 600, "exp": NOW - 29},
    "issued 30 seconds ahead": {"iat": NOW + 30},
    "from in 30 seconds": {"nbf": NOW + 30},
    "fractions of seconds": {"iat": NOW - 0.25, "nbf": NOW - 0.5, "exp": NOW + 60.75},
    "the longest lifetime": {"exp": NOW + 86_400},
}


@pytest.mark.parametrize("changes", IN_TIME.values(), ids=IN_TIME)
async def test_a_token_within_its_time_and_the_leeway_is_taken(
    verifier: Verifier, changes: dict[str, object]
) -> None:
    await verifier.verify(forge(body=payload(**changes)), SITE)


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "iat", "sub", "jti"])
async def test_a_token_without_a_required_claim_is_refused(verifier: Verifier, name: str) -> None:
    detail = await refused(verifier, forge(body=payload(**{name: ...})))
    assert name in detail or name == "iss"


@pytest.mark.parametrize("name", ["sub", "jti"])
@pytest.mark.parametrize(
    "value",
    [None, 1, True, [], ["a"], {}, "", " a", "a ", "a\n", "a/b", "a\\b", ".", "..", "\0", "\ud800",
     "x" * 201],
    ids=repr,
)  # fmt: skip
async def test_a_claim_that_is_no_id_is_refused(
    verifier: Verifier, name: str, value: object
) -> None:
    assert f"claim {name}" in await refused(verifier, forge(body=payload(**{name: value})))


@pytest.mark.parametrize("scope", [None, 1, ["admin"], {"admin": True}, True])
async def test_a_scope_that_is_not_a_string_is_refused(verifier: Verifier, scope: object) -> None:
    assert "scope" in await refused(verifier, forge(body=payload(scope=scope)))


@pytest.mark.parametrize(
    ("scope", "taken"),
    [
        (..., set()),
        ("", set()),
        ("openid profile articles:read", {"articles:read"}),
        ("Admin", set()),
        ("administrator", set()),
        ("admin,articles:read", set()),
    ],
)
async def test_only_scopes_of_this_service_count(
    verifier: Verifier, scope: object, taken: set[str]
) -> None:
    caller = await verifier.verify(forge(body=payload(scope=scope)), SITE)
    assert caller.scopes == taken


async def test_admin_implies_every_scope_for_a_site_and_nothing_for_a_reader(
    verifier: Verifier,
) -> None:
    site = await verifier.verify(forge(body=payload(scope="admin")), SITE)
    assert site.has("subscribers:write")
    body = payload("reader", scope="admin")
    reader = await verifier.verify(forge(header("EdDSA", "reader"), body), READER)
    assert reader.scopes == frozenset()


@pytest.mark.parametrize("typ", ["site+jwt", "SITE+JWT", "application/site+jwt"])
async def test_a_type_is_a_media_type_in_any_case(verifier: Verifier, typ: str) -> None:
    await verifier.verify(forge(header(typ=typ)), SITE)


@pytest.mark.parametrize("typ", ["JWT", "jwt"])
async def test_a_plain_type_is_told_apart_by_its_audience(
    tmp_path: Path, clock: SetClock, typ: str
) -> None:
    verifier = Verifier(trusting(tmp_path, issuer(accept_plain_typ=True)), clock)
    token = forge(header(typ=typ), payload("reader"))
    await verifier.verify(token, READER)
    await refused(verifier, token, SITE)
    await refused(verifier, forge(header(typ=...), payload("reader")), READER)


async def test_another_issuers_act_is_not_believed(verifier: Verifier) -> None:
    act = {"iss": NAME, "sub": "x", "jti": "x", "iat": NOW}
    caller = await verifier.verify(forge(body=payload(act=act)), SITE)
    assert caller.asked_by is None


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(token=st.one_of(st.text(), st.from_regex(r"[\w-]{1,80}\.[\w-]{1,80}\.[\w-]{1,80}")))
async def test_no_text_is_ever_a_failure_of_the_service(verifier: Verifier, token: str) -> None:
    await refused_any(verifier, token)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(["iss", "aud", "exp", "iat", "nbf", "sub", "jti", "scope", "act"]),
    value=json_values,
    of_header=st.sampled_from(["alg", "kid", "typ", "crit", "b64", "x"]),
    head=json_values,
)
async def test_no_signed_value_is_ever_a_failure_of_the_service(
    verifier: Verifier, name: str, value: object, of_header: str, head: object
) -> None:
    await refused_any(verifier, forge(header(), payload(**{name: value})))
    await refused_any(verifier, forge(header(**{of_header: head})))


async def refused_any(verifier: Verifier, token: str) -> None:
    """Taken or refused, but never another exception."""
    with suppress(Problem):
        await verifier.verify(token, SITE)
