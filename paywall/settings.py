"""Every setting, with its unit and its default; `load_settings` reads them."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from paywall.rules.decision import Policy
from paywall.setting_types import Issuer, Location, LogLevel, Name, Secret

LIVE_KEYS = ("sk_live_", "rk_live_")
RATE_MAX = 1_000_000
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
    bakong_account: Annotated[
        Annotated[str, Meta(max_length=32)],
        _setting(
            "Bakong account that is paid (`name@bank`), as the app of the bank shows it. Unset: no"
            " sales through Bakong."
        ),
    ] = ""
    bakong_merchant_name: Annotated[
        Annotated[str, Meta(max_length=25)],
        _setting("Name that readers see in their bank's app, in Latin letters."),
    ] = ""
    bakong_merchant_city: Annotated[
        Annotated[str, Meta(max_length=15)],
        _setting("City of the seller in KHQR codes, in Latin letters."),
    ] = "Phnom Penh"
    bakong_merchant_id: Annotated[
        Annotated[str, Meta(max_length=32)],
        _setting(
            "Number of a company at its acquiring bank, for codes of KHQR's tag 30. Unset: codes of"
            " tag 29, for a person or a sole merchant."
        ),
    ] = ""
    bakong_acquiring_bank: Annotated[
        Annotated[str, Meta(max_length=32)],
        _setting("Name of the acquiring bank, together with bakong_merchant_id."),
    ] = ""
    bakong_token: Annotated[
        Secret,
        _setting(
            "Token for the bank's API, from its registration. It ends after about 90 days: `paywall"
            " bakong renew-token` gets the next one, and `paywall doctor` warns before."
        ),
    ] = ""
    bakong_api_base: Annotated[
        Location,
        _setting(
            "Address of the bank's API, or of a stand-in, as in the sandbox. With a token of the"
            " bank's only https is allowed."
        ),
    ] = "https://api-bakong.nbc.gov.kh"
    bakong_code_minutes: Annotated[
        int,
        _setting("Number of minutes that a code can be scanned; the bank allows 10.", ge=1, le=10),
    ] = 10
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
    def sells_by_bakong(self) -> bool:
        return self.bakong_account != ""

    @property
    def has_checkout(self) -> bool:
        """Whether readers can buy: a processor is set up."""
        return self.sells_by_stripe or self.sells_by_bakong

    @property
    def sells_prepaid_only(self) -> bool:
        """Whether no processor renews: a plan is then one period, without a trial."""
        return self.sells_by_bakong and not self.sells_by_stripe

    @property
    def is_live(self) -> bool:
        """Whether the key belongs to Stripe's live mode, so that real money moves."""
        return self.stripe_secret_key.startswith(LIVE_KEYS)

    @property
    def is_sqlite(self) -> bool:
        return self.database.startswith("sqlite:")
