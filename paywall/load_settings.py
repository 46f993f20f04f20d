"""Reads the settings once, at start: the environment over the file, each checked."""

import errno
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from paywall.bakong_settings import bakong_faults
from paywall.rules.selectors import is_class_selector
from paywall.rules.urls import is_web_url
from paywall.setting_checks import (
    article_path_fault,
    cookie_name_fault,
    database_fault,
    origin_fault,
    proxy_fault,
)
from paywall.settings import LIVE_KEYS, Settings, SettingsError

PREFIX = "PAYWALL_"
FILE_NAME = "paywall.toml"
STRIPE_KEYS = (*LIVE_KEYS, "sk_test_", "rk_test_")
FILE_BYTES_MAX = 1024 * 1024


def load_settings(
    environment: Mapping[str, str] = os.environ, folder: Path | None = None
) -> Settings:
    """Read the settings; raises SettingsError with the name and the remedy."""
    values = _from_file((folder or Path()) / FILE_NAME)
    values.update(_from_environment(environment))
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"Settings: {error}. {_remedy(str(error))}") from error
    _check(settings)
    return settings


def _from_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        return tomllib.loads(read_small_file(path).decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}. Correct the file.") from error


def read_small_file(path: Path) -> bytes:
    """The content of a file; raises OSError if it is larger than FILE_BYTES_MAX."""
    with path.open("rb") as file:
        content = file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise OSError(errno.EFBIG, f"larger than {FILE_BYTES_MAX} bytes")
    return content


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    fields = {field.name: field for field in msgspec.structs.fields(Settings)}
    values: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in fields or name == "issuers":
            known = ", ".join(f"{PREFIX}{known.upper()}" for known in fields if known != "issuers")
            raise SettingsError(f"{variable} is not a setting. Remove it, or use one of: {known}.")
        values[name] = _parse(fields[name].default, text)
    return values


def _parse(default: object, text: str) -> object:
    """Split lists at commas; an empty text unsets a setting that can be unset."""
    if isinstance(default, list) or default is msgspec.NODEFAULT:
        return [part.strip() for part in text.split(",") if part.strip()]
    return None if text == "" and default is None else text


def _remedy(message: str) -> str:
    name = message.rpartition("$.")[2].rstrip("`") if "$." in message else ""
    if not name:
        return f"Remove it from {FILE_NAME}, or see docs/settings.md."
    setting = name.partition("[")[0]
    if setting == "issuers":
        return f"Correct `{name}` in {FILE_NAME}."
    return f"Correct `{name}` in {FILE_NAME} or {PREFIX}{setting.upper()}."


def _check(settings: Settings) -> None:
    _check_stripe(settings)
    try:
        ZoneInfo(settings.meter_timezone)
    except (KeyError, ValueError, OSError) as error:
        raise SettingsError(
            f"meter_timezone {settings.meter_timezone!r} is not an IANA time zone."
            " Write one such as Asia/Phnom_Penh."
        ) from error
    if not is_class_selector(settings.css_selector):
        raise SettingsError(
            f"css_selector: {settings.css_selector!r} is not made of class selectors, and search"
            " engines understand no others. Write one such as .entry-content or .post .body."
        )
    for name in ("stripe_api_base", "bakong_api_base", "sandbox_clock_url"):
        address = getattr(settings, name)
        if address and not is_web_url(address):
            raise SettingsError(
                f"{name}: {address!r} is not an http(s) URL. Write one such as"
                f" http://127.0.0.1:12111, or leave {name} out."
            )
    for fault in _faults(settings):
        if fault is not None:
            raise SettingsError(fault)


def _faults(settings: Settings) -> Iterator[str | None]:
    if fault := database_fault(settings.database):
        yield f"{fault} Correct it in {FILE_NAME} or {PREFIX}DATABASE_URL."
    yield from map(origin_fault, settings.allowed_origins)
    yield from map(article_path_fault, settings.forward_auth_paths)
    for name in ("forward_auth_cookie", "forward_auth_visitor_cookie"):
        yield cookie_name_fault(name, getattr(settings, name))
    yield from map(proxy_fault, settings.trusted_proxies)
    yield from bakong_faults(settings)


def _check_stripe(settings: Settings) -> None:
    """The messages never contain a secret."""
    if not settings.sells_by_stripe:
        return
    if not settings.stripe_secret_key.startswith(STRIPE_KEYS):
        raise SettingsError(
            "stripe_secret_key is not a secret key of Stripe. Write one that starts with"
            f" {', '.join(STRIPE_KEYS)}, or leave it out."
        )
    secrets = settings.stripe_webhook_secrets
    if not secrets or not all(secret.startswith("whsec_") for secret in secrets):
        raise SettingsError(
            "stripe_webhook_secrets must contain the signing secret of the webhook endpoint"
            " (whsec_…): without it, anybody could send forged payment events."
        )
    if settings.is_live and (settings.stripe_api_base or settings.sandbox_clock_url):
        raise SettingsError(
            "stripe_secret_key is a live key: remove stripe_api_base and sandbox_clock_url, which"
            " are for the stand-in, or use a test key with them."
        )
