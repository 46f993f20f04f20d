"""The reader's parts of a page: a script, a style sheet and words, at an address of their version.

A version never changes, so browsers may keep it for a year. A page that names the hash of what it
loads (https://www.w3.org/TR/SRI/) is safe from whoever gets hold of the way in between.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any, NamedTuple

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from paywall.http.bodies import ResponseModel
from paywall.http.static_files import Asset, asset, respond
from paywall.problems import NOT_FOUND, Problem
from paywall.rules.money import UNUSUAL_DECIMALS
from paywall.settings import Settings
from paywall.tokens.guard import anyone
from paywall.web.language import Language, Languages, load_languages
from paywall.web.theme import Word, load_theme

# The files of the script, in the order in which they make one module.
SCRIPTS = "service words part gate counts shop subscription payments elements".split()
# They are for who reads the source: a seventh of what readers would load.
COMMENT_LINES = re.compile(rb"^ *(//.*|/\*.*\*/)\n", re.MULTILINE)
FOREVER = "public, max-age=31536000, immutable"
LANGUAGES_MAX = 400
Tags = Annotated[str, QueryParameter(max_length=LANGUAGES_MAX)]


class Assets(NamedTuple):
    """What this deployment serves; `version` changes with every byte of it.

    `page_style` is for the plain pages alone, over `style`; `words` are by language.
    """

    version: str
    script: Asset
    style: Asset
    page_style: Asset
    words: Mapping[str, Asset]
    languages: Languages


@lru_cache(maxsize=8)
def load_assets(theme_dir: str, zone: str) -> Assets:
    """The parts with the site's own words and colours; raises SettingsError where those are bad."""
    folder = files("paywall.web")
    theme = load_theme(theme_dir)
    sources = [folder.joinpath("script", f"{name}.js").read_bytes() for name in SCRIPTS]
    script = COMMENT_LINES.sub(b"", b"\n".join(sources))
    style = folder.joinpath("paywall.css").read_bytes() + theme.colours
    page_style = folder.joinpath("pages.css").read_bytes()
    languages = load_languages(theme, zone)
    words = {code: _to_response(language) for code, language in languages.by_code.items()}
    everything = script + style + page_style + msgspec.json.encode(words, order="sorted")
    return Assets(
        version=hashlib.sha256(everything).hexdigest()[:16],
        script=asset(script, "text/javascript"),
        style=asset(style, "text/css"),
        page_style=asset(page_style, "text/css"),
        words={
            code: asset(msgspec.json.encode(texts), "application/json")
            for code, texts in words.items()
        },
        languages=languages,
    )


def assets_of(settings: Settings) -> Assets:
    return load_assets(settings.theme_dir, settings.meter_timezone)


class Part(ResponseModel):
    """One file for a page, with the hash that the page should name."""

    path: Annotated[str, Meta(description="Where it is, from the root of this service.")]
    integrity: Annotated[
        str, Meta(description="For the attribute `integrity` of the page's `script` or `link`.")
    ]


class PartsAnswer(ResponseModel):
    """What a page loads so that readers can unlock, buy and cancel on it."""

    script: Annotated[Part, Meta(description="A module: `<script type=module src=…>`.")]
    style: Annotated[Part, Meta(description="A style sheet: `<link rel=stylesheet href=…>`.")]


class WordsAnswer(ResponseModel):
    """The words of one language, and how times are written in it.

    `titles` are those of what is for sale, by kind and id, where the site has some of its own;
    `months` are for browsers that have no names for them; `zone` is the site's, of IANA; `gmt`
    stands before its offset; with `sign_last` a currency's sign stands after the amount.
    `decimals` are those of the currencies that do not have two.
    """

    language: str
    words: dict[str, Word]
    titles: dict[str, dict[str, str]]
    months: list[str]
    zone: str
    gmt: str
    sign_last: bool
    decimals: dict[str, int]


@get("/v1/parts", guards=[anyone], sync_to_thread=False)
def get_parts(settings: NamedDependency[Settings]) -> PartsAnswer:
    """Where the script and the style sheet for readers are, in today's version.

    The address changes with each release and with `theme_dir`, so ask when the site starts, and
    again every few minutes.
    """
    assets = assets_of(settings)
    return PartsAnswer(
        script=_part(assets, "paywall.js", assets.script),
        style=_part(assets, "paywall.css", assets.style),
    )


def _part(assets: Assets, name: str, part: Asset) -> Part:
    digest = base64.b64encode(hashlib.sha384(part.plain.content).digest()).decode()
    return Part(path=f"/web/{assets.version}/{name}", integrity=f"sha384-{digest}")


@get(
    "/web/{version:str}/{name:str}", guards=[anyone], include_in_schema=False, sync_to_thread=False
)
def serve_asset(
    version: FromPath[str],
    name: FromPath[str],
    request: Request[Any, Any, Any],
    settings: NamedDependency[Settings],
    languages: Tags = "",
) -> Response[bytes]:
    """A part; under another version today's, which is then not kept."""
    assets = assets_of(settings)
    headers = {
        "Cache-Control": FOREVER if version == assets.version else "no-cache",
        # A browser that kept it from one of our own pages uses it for the site's as well.
        "Access-Control-Allow-Origin": "*",
    }
    match name:
        case "paywall.js":
            part = assets.script
        case "paywall.css":
            part = assets.style
        case "pages.css":
            part = assets.page_style
        case "words.json":
            part = assets.words[assets.languages.choose(languages.split(",")).code]
        case _:
            raise Problem(NOT_FOUND)
    return respond(request, part, headers)


def _to_response(language: Language) -> WordsAnswer:
    return WordsAnswer(
        language=language.code,
        words=dict(language.words),
        titles={kind: dict(titles) for kind, titles in language.titles.items()},
        months=language.months,
        zone=language.zone,
        gmt=language.gmt,
        sign_last=language.is_sign_last,
        decimals=UNUSUAL_DECIMALS,
    )


ROUTES: list[ControllerRouterHandler] = [get_parts, serve_asset]
