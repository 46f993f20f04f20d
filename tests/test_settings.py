"""A wrong setting stops the start, with its name and the mend, and without the secret itself."""

import json
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from msgspec import Meta

from paywall.load_settings import FILE_BYTES_MAX, load_settings
from paywall.setting_types import Issuer, IssuerKey
from paywall.settings import Settings, SettingsError
from tests.rules.test_origin import CANONICAL, NONE, WRITTEN_OTHERWISE

KEY, SECRET = "sk_test_0123456789", "whsec_0123456789"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE2MjUxMTE1NDh9.0123456789"
BAKONG = {
    "bakong_account": "river_post@bank",
    "bakong_merchant_name": "The River Post",
    "bakong_token": TOKEN,
}
LIVE = "rk_live_0123456789"


def loaded(tmp_path: Path, **given: str) -> Settings:
    return load_settings(
        {f"PAYWALL_{name.upper()}": value for name, value in given.items()}, tmp_path
    )


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"stripe_secret_key": KEY}, "stripe_webhook_secrets"),
        ({"stripe_secret_key": "pk_test_1", "stripe_webhook_secrets": SECRET}, "stripe_secret_key"),
        ({"stripe_secret_key": KEY, "stripe_webhook_secrets": "secret"}, "stripe_webhook_secrets"),
        (
            {"stripe_secret_key": KEY, "stripe_webhook_secrets": f"{SECRET},{SECRET},{SECRET}"},
            "stripe_webhook_secrets",
        ),
        (
            {
                "stripe_secret_key": LIVE,
                "stripe_webhook_secrets": SECRET,
                "stripe_api_base": "http://localhost:8001",
            },
            "stripe_api_base",
        ),
        (
            {
                "stripe_secret_key": LIVE,
                "stripe_webhook_secrets": SECRET,
                "sandbox_clock_url": "http://localhost:8001/clock",
            },
            "sandbox_clock_url",
        ),
        ({"stripe_api_base": "javascript:1"}, "stripe_api_base"),
        ({"database_url": "mysql://u:0123456789@h/d"}, "database_url.*postgresql://USER"),
        ({"database_url": "postgresql://u:0123456789@h:port/d"}, "database_url.*its port"),
        ({"sandbox_clock_url": "localhost:8001/clock"}, "sandbox_clock_url"),
        ({"css_selector": "#content"}, "css_selector.*entry-content"),
        ({"css_selector": ""}, "css_selector"),
        ({"bakong_token": TOKEN}, "without bakong_account"),
        (BAKONG | {"bakong_token": ""}, "without bakong_token"),
        (BAKONG | {"bakong_token": "rbk0123456789"}, "bakong_token is not a token"),
        (BAKONG | {"bakong_merchant_city": ""}, "without bakong_merchant_city"),
        (BAKONG | {"bakong_account": "river_post"}, "bakong_account: .*is not a Bakong account"),
        (BAKONG | {"bakong_merchant_name": "ទន្លេ"}, "bakong_merchant_name: .*Latin letters"),
        (BAKONG | {"bakong_merchant_id": "1"}, "bakong_acquiring_bank: set both"),
        (
            {
                **BAKONG,
                "bakong_account": "a" * 27 + "@bank",
                "bakong_merchant_id": "1" * 32,
                "bakong_acquiring_bank": "B" * 32,
            },
            "bakong_acquiring_bank have together 96",
        ),
        (BAKONG | {"bakong_api_base": "http://127.0.0.1:8003"}, "bakong_token is real, and http"),
        (BAKONG | {"sandbox_clock_url": "http://127.0.0.1:8003/clock"}, "sandbox_clock_url"),
        (BAKONG | {"bakong_token": "standin-0123456789"}, "bakong_api_base to the stand-in"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(
    tmp_path: Path, given: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingsError, match=named) as refused:
        loaded(tmp_path, **given)
    assert "0123456789" not in str(refused.value)


def test_two_webhook_secrets_are_accepted(tmp_path: Path) -> None:
    settings = loaded(tmp_path, stripe_secret_key=LIVE, stripe_webhook_secrets=f"{SECRET},whsec_2")
    assert settings.stripe_webhook_secrets == [SECRET, "whsec_2"]


@pytest.mark.parametrize("origin", CANONICAL)
def test_an_origin_as_browsers_send_it_is_accepted(tmp_path: Path, origin: str) -> None:
    assert loaded(tmp_path, allowed_origins=origin).allowed_origins == [origin]


@pytest.mark.parametrize("origin", [text for text in NONE if text and "," not in text])
def test_an_invalid_origin_is_refused_by_name(tmp_path: Path, origin: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, allowed_origins=origin)
    assert str(refused.value).startswith(f"allowed_origins: {origin!r} is not an origin")


@pytest.mark.parametrize(("written", "origin"), WRITTEN_OTHERWISE.items())
def test_an_origin_that_never_matches_is_refused_with_a_remedy(
    tmp_path: Path, written: str, origin: str
) -> None:
    with pytest.raises(SettingsError, match="allowed_origins") as refused:
        loaded(tmp_path, allowed_origins=written)
    assert repr(written) in str(refused.value)
    assert repr(origin) in str(refused.value)


@pytest.mark.parametrize("template", ["articles/{id}", "/articles/{slug}/", "/{id}-*", "/%61/{id}"])
def test_a_path_rule_that_is_not_clear_is_refused(tmp_path: Path, template: str) -> None:
    with pytest.raises(SettingsError, match=r"Write one such as /articles/\{id\}/") as refused:
        loaded(tmp_path, forward_auth_paths=f"/articles/{{id}}/,{template}")
    assert str(refused.value).startswith(f"forward_auth_paths: {template!r} is not")


@pytest.mark.parametrize("name", ["forward_auth_cookie", "forward_auth_visitor_cookie"])
def test_a_name_that_no_cookie_can_have_is_refused(tmp_path: Path, name: str) -> None:
    assert getattr(loaded(tmp_path, **{name: "__Host-reader"}), name) == "__Host-reader"
    for wrong in ("a b", "a=b", "a;b", "ខ"):
        with pytest.raises(SettingsError, match=f"^{name}: .* cannot be the name of a cookie"):
            loaded(tmp_path, **{name: wrong})


class Bound(typing.NamedTuple):
    """The type of one setting, without None, and its limits."""

    kind: Any
    limits: list[Meta]

    @property
    def least_past(self) -> object:
        """The least value that is past the upper limit."""
        most = [meta.max_length for meta in self.limits if meta.max_length is not None]
        if self.kind is str:
            return "x" * (min(most) + 1)
        if typing.get_origin(self.kind) is list:
            return [_example(typing.get_args(self.kind)[0])] * (min(most) + 1)
        return self.kind(min(meta.le for meta in self.limits if meta.le is not None)) + 1


def _example(kind: Any) -> object:
    if kind is Issuer:
        return {"name": "a", "kinds": ["site"]}
    if kind is IssuerKey:
        return {"algorithm": "HS256", "secret": "s"}
    return "site" if typing.get_origin(kind) is Literal else "x"


def bounds_of(shape: type[msgspec.Struct]) -> Iterator[tuple[str, Bound]]:
    """Every setting of a shape that has to have a limit; one of some values alone has them."""
    for field in msgspec.structs.fields(shape):
        kind, limits = field.type, []
        while typing.get_origin(kind) in (typing.Annotated, types.UnionType, typing.Union):
            if typing.get_origin(kind) is typing.Annotated:
                limits += [meta for meta in kind.__metadata__ if isinstance(meta, Meta)]
                kind = kind.__origin__
            else:
                kind = next(part for part in typing.get_args(kind) if part is not type(None))
        if kind in (str, int, float) or typing.get_origin(kind) is list:
            yield field.name, Bound(kind, limits)


def with_setting(name: str, value: object) -> dict[str, Any]:
    """All settings of a file, of which this one is of this value; `.` names one of an issuer."""
    shape, _, field = name.rpartition(".")
    if not shape:
        return {name: value}
    key = {"algorithm": "HS256", "secret": "s", **({field: value} if shape == "key" else {})}
    issuer = {"name": "a", "kinds": ["site"], "keys": [key]}
    return {"issuers": [issuer | ({field: value} if shape == "issuer" else {})]}


BOUNDS = {
    **dict(bounds_of(Settings)),
    **{f"issuer.{name}": bound for name, bound in bounds_of(Issuer)},
    **{f"key.{name}": bound for name, bound in bounds_of(IssuerKey)},
}


@pytest.mark.parametrize("name", BOUNDS)
def test_every_setting_is_limited_and_refused_by_name(tmp_path: Path, name: str) -> None:
    values = with_setting(name, BOUNDS[name].least_past)
    (tmp_path / "paywall.toml").write_text(as_toml(values), encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load_settings({}, tmp_path)
    assert name.rpartition(".")[2] in str(refused.value)
    assert "paywall.toml" in str(refused.value)
    assert len(str(refused.value)) < 500


def as_toml(values: dict[str, Any]) -> str:
    """Tables inline; a string of JSON is one of TOML too."""
    return "".join(f"{name} = {_inline(value)}\n" for name, value in values.items())


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name} = {_inline(inner)}' for name, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    return json.dumps(value)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("name", ["preview_share", "request_timeout_seconds"])
def test_not_a_number_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        loaded(tmp_path, **{name: value})


def test_the_size_of_the_settings_file_is_limited(tmp_path: Path) -> None:
    path = tmp_path / "paywall.toml"
    path.write_bytes(b"#" * FILE_BYTES_MAX)
    load_settings({}, tmp_path)
    path.write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    with pytest.raises(SettingsError, match="larger than 1048576 bytes"):
        load_settings({}, tmp_path)
