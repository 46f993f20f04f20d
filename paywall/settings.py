"""Every setting, with its unit and its default; read once, at start."""

import errno
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from paywall.rules.decision import Policy
from paywall.rules.selectors import is_class_selector
from paywall.rules.urls import is_web_url
from paywall.setting_checks import (
    article_path_fault,
    cookie_name_fault,
    database_fault,
    origin_fault,
    proxy_fault,
)
from paywall.setting_types import Issuer, Location, LogLevel, Name, Secret

PREFIX = "PAYWALL_"
FILE_NAME = "paywall.toml"
LIVE_KEYS = ("sk_live_", "rk_live_")
STRIPE_KEYS = (*LIVE_KEYS, "sk_test_", "rk_test_")


RATE_MAX = 1_000_000
FILE_BYTES_MAX = 1024 * 1024
ISSUERS_MAX, ORIGINS_MAX, PATHS_MAX, PROXIES_MAX = 50, 100, 20, 100


class SettingsError(Exception):
    """A setting is wrong or unknown; the text names it and how to correct it."""


def _setting(description: str, **limits: Any) -> Meta:
    return Meta(description=description, **limits)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All settings: environment variables `PAYWALL_<NAME>` override `paywall.toml`."""

    database_url: Annotated[
        Location,
        _setting("`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST,HOST/DATABASE`."),
    ] = ""
    data_dir: Annotated[
        Location,
        _setting(
            "Folder for the signing key and, without a database_url, for SQLite. Put no other"
            " files there. At startup the service removes other users' permissions (mode 0700)."
        ),
    ] = "var"
    issuers: Annotated[
        list[Issuer],
        _setting(
            "Issuers whose tokens are trusted in addition to the service's own. Can be set only in"
            " the file.",
            max_length=ISSUERS_MAX,
        ),
    ] = []
    allowed_origins: Annotated[
        list[Location],
        _setting(
            "Origins of the site's pages (`https://news.example`), as browsers send them, without"
            " wildcards. Pages of other origins cannot call the service.",
            max_length=ORIGINS_MAX,
        ),
    ] = []
    default_policy: Annotated[
        Policy | None,
        _setting("Policy for unknown articles. Unset: access is denied."),
    ] = None
    theme_dir: Annotated[
        Location,
        _setting(
            "Folder with the site's own wording and colours for readers: `km.toml`, `colours.css`."
        ),
    ] = ""
    css_selector: Annotated[
        Name,
        _setting(
            "Class selector of the element with the body, for the structured data of articles, such"
            " as `.entry-content`."
        ),
    ] = ".paywall-content"
    meter_limit: Annotated[
        int,
        _setting("Metered articles that each reader or visitor can read a month.", ge=0, le=1000),
    ] = 5
    meter_timezone: Annotated[
        Name, _setting("IANA time zone of the meter's months and of the times that readers see.")
    ] = "UTC"
    preview_share: Annotated[
        float,
        _setting("Maximum share of the text in a preview by paragraphs.", ge=0, le=1),
    ] = 0.4
    grant_credits_max: Annotated[
        int,
        _setting(
            "Maximum number of credits in a grant by a token without the scope `admin`.",
            ge=1,
            le=1_000_000,
        ),
    ] = 1000
    request_timeout_seconds: Annotated[
        float, _setting("Time limit for one request; after it the response is 503.", ge=0.1, le=60)
    ] = 2.0
    database_pool_size: Annotated[
        int,
        _setting(
            "Maximum number of PostgreSQL connections of a worker, without the two for checks.",
            ge=1,
            le=200,
        ),
    ] = 10
    database_pooler: Annotated[
        bool,
        _setting("Whether database_url leads to PgBouncer, which refuses startup parameters."),
    ] = False
    connections_max: Annotated[
        Annotated[int, Meta(ge=16, le=1_000_000)] | None,
        _setting(
            "Maximum number of client connections of a worker. If there are more, the one that was"
            " idle for longest is closed. Unset: 10,000, or fewer if the limit of open files"
            " (`ulimit -n`) requires it."
        ),
    ] = None
    grace_days: Annotated[
        int,
        _setting(
            "Number of days that a subscription still gives access after a payment failed, if an"
            " earlier payment for it was above zero.",
            ge=0,
            le=60,
        ),
    ] = 3
    renewal_leeway_seconds: Annotated[
        int,
        _setting(
            "Number of seconds that a renewing subscription gives access after the end of the paid"
            " period, because Stripe charges for a renewal about an hour after that.",
            ge=0,
            le=604_800,
        ),
    ] = 21_600
    seller_name: Annotated[
        Annotated[str, Meta(max_length=200)],
        _setting("Name of the seller, as receipts state it."),
    ] = ""
    seller_address: Annotated[
        Annotated[str, Meta(max_length=1000)],
        _setting("Address of the seller on receipts; in the file it can have several lines."),
    ] = ""
    seller_tax_number: Annotated[
        Annotated[str, Meta(max_length=100)],
        _setting("Number of the seller for sales tax or VAT, as receipts state it."),
    ] = ""
    withdrawal_days: Annotated[
        int,
        _setting(
            "Number of days in which readers can withdraw from a purchase: 14 in the European"
            " Union. 0: no such button.",
            ge=0,
            le=60,
        ),
    ] = 0
    stripe_secret_key: Annotated[
        Secret,
        _setting(
            "Secret key (`sk_…` or `rk_…`) of the Stripe account. Unset: no sales through Stripe."
        ),
    ] = ""
    stripe_webhook_secrets: Annotated[
        list[Secret],
        _setting(
            "Secret (`whsec_…`) of the webhook endpoint; during a rotation, the old and the new.",
            max_length=2,
        ),
    ] = []
    stripe_api_base: Annotated[
        Location,
        _setting(
            "Address of a stand-in for Stripe, as in the sandbox. Not allowed with a live key."
        ),
    ] = ""
    sandbox_clock_url: Annotated[
        Location,
        _setting(
            "Address of the stand-in's clock, which the service then follows. Not allowed with a"
            " live key."
        ),
    ] = ""
    forward_auth_paths: Annotated[
        list[Annotated[str, Meta(max_length=200)]],
        _setting(
            "Paths of articles on a site behind forward-auth, such as `/articles/{id}/`. `*` stands"
            " for any text between two slashes, and `/**` at the end for everything below. All"
            " other paths are denied. Unset: the proxy names the article in `X-Paywall-Article`.",
            max_length=PATHS_MAX,
        ),
    ] = []
    forward_auth_cookie: Annotated[
        Name, _setting("Cookie with a reader's token, which only forward-auth reads.")
    ] = "paywall_token"
    forward_auth_visitor_cookie: Annotated[
        Name, _setting("Cookie with the site's pseudonym for a visitor, for forward-auth.")
    ] = "paywall_visitor"
    trusted_proxies: Annotated[
        list[Name],
        _setting(
            "Addresses or networks (`10.0.0.0/8`) of your reverse proxies. Only from them"
            " `X-Forwarded-For` is believed. Unset: from nobody.",
            max_length=PROXIES_MAX,
        ),
    ] = []
    site_writes_per_minute_max: Annotated[
        int,
        _setting(
            "Writing requests a minute of each site token, in each worker.", ge=1, le=RATE_MAX
        ),
    ] = 60_000
    reader_writes_per_minute_max: Annotated[
        int,
        _setting("Writing requests a minute of each reader, in each worker.", ge=1, le=RATE_MAX),
    ] = 600
    sign_ins_per_minute_max: Annotated[
        int,
        _setting(
            "Entries to the plain pages a minute from each address, in each worker.",
            ge=1,
            le=RATE_MAX,
        ),
    ] = 600
    log_level: Annotated[
        LogLevel,
        _setting(
            "Minimum level of the log's lines: `debug`, `info`, `warning` or `error`. Requests are"
            " logged at `info`."
        ),
    ] = "info"
    metrics_host: Annotated[Name, _setting("Address for Prometheus metrics.")] = "127.0.0.1"
    metrics_port: Annotated[
        Annotated[int, Meta(ge=1, le=65535)] | None,
        _setting("Port for Prometheus metrics. Unset: not served."),
    ] = None

    @property
    def data_path(self) -> Path:
        return Path(self.data_dir)

    @property
    def database(self) -> str:
        """The database URL, by default the embedded SQLite file."""
        return self.database_url or f"sqlite:///{self.data_path / 'paywall.sqlite3'}"

    @property
    def sells_by_stripe(self) -> bool:
        return self.stripe_secret_key != ""

    @property
    def is_live(self) -> bool:
        """Whether the key belongs to Stripe's live mode, so that real money moves."""
        return self.stripe_secret_key.startswith(LIVE_KEYS)

    @property
    def is_sqlite(self) -> bool:
        return self.database.startswith("sqlite:")


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
    for name in ("stripe_api_base", "sandbox_clock_url"):
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
