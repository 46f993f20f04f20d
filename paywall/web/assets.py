"""The reader's parts of a page: a script, a style sheet and words, at an address of their version.

A version never changes, so browsers may keep it for a year. A page that names the hash of what it
loads (https://www.w3.org/TR/SRI/) is safe from whoever gets hold of the way in between. Pages that
are cached for longer than a release lasts load today's parts from addresses that stay.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Any, NamedTuple

import msgspec
from babel.numbers import get_decimal_symbol, get_group_symbol
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from litestar.types import ControllerRouterHandler
from msgspec import Meta
from rcssmin import cssmin
from rjsmin import jsmin

from paywall.http.bodies import ResponseModel
from paywall.http.static_files import Asset, asset, respond
from paywall.problems import NOT_FOUND, Problem
from paywall.rules.money import (
    UNUSUAL_DECIMALS,
    currency_signs,
    group_size_of,
    money_pattern,
)
from paywall.settings import Settings
from paywall.tokens.guard import anyone
from paywall.web.language import Language, Languages, load_languages
from paywall.web.theme import Word, load_theme
from paywall.web.theme_images import ICONS, LOGOS, find_image

# The files of the script, in the order in which they make one module: where several orders work,
# the one that compresses best.
SCRIPTS = (
    "service decisions words part gate choice account counts afterwards shop subscription"
    " payments elements"
).split()
# The files of the style sheet: what comes later overrides.
STYLES = "colours shared counts gate shop account dialog khmer print".split()
# Constants of the module, which are in capitals, and its functions.
MODULE_NAME = re.compile(
    r"^(?:const ([A-Z][A-Z_]+) =|const (\w+) = (?:async )?\(|(?:async )?function (\w+))",
    re.MULTILINE,
)
# A name that is a word of a string, a method or a property as well.
USED_OTHERWISE = r"((?<!\.\.)\.|[\"'`-]){0}\b|\b{0}[\"'`:-]"
# What a script does without: `const`, commas and semicolons before what closes, and brackets around
# a single parameter.
SHORTER = (
    (re.compile(r"\bconst\b"), "let"),
    (re.compile(r",\s*(?=[\]})])|;\s*(?=})"), ""),
    (re.compile(r"(?<!\w)\((\w+)\)=>"), r"\1=>"),
)
FOREVER = "public, max-age=31536000, immutable"
# The service answers every older script, so a browser may run one while it fetches the next.
FOR_MINUTES = "public, max-age=300, stale-while-revalidate=3600"
# A browser that kept a part from one of our own pages uses it for the site's as well.
ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
# An SVG that is opened by itself runs nothing and loads nothing.
IMAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"
}
SCRIPT_NAME, STYLE_NAME = "paywall.js", "paywall.css"
LANGUAGES_MAX = 400
Tags = Annotated[str, QueryParameter(max_length=LANGUAGES_MAX)]


class Assets(NamedTuple):
    """What this deployment serves; `version` changes with every byte of it.

    `current_script` is `script` for the address that stays, and finds its version from there.
    `page_style` is for the plain pages alone, over `style`; `words` are by language. `logo` and
    `icon` are names of `images`, where the site has them.
    """

    version: str
    script: Asset
    current_script: Asset
    style: Asset
    page_style: Asset
    images: Mapping[str, Asset]
    logo: str | None
    icon: str | None
    words: Mapping[str, Asset]
    languages: Languages


@lru_cache(maxsize=8)
def load_assets(theme_dir: str, zone: str, *, renews: bool = True) -> Assets:
    """The parts with the site's own words and colours; raises SettingsError where those are bad.

    Without `renews` the script says of plans that they are paid once.
    """
    folder = files("paywall.web")
    theme = load_theme(theme_dir)
    script = _minify(_join(folder.joinpath("script"), SCRIPTS, "js")).encode()
    style = cssmin(_join(folder.joinpath("style"), STYLES, "css")).encode() + theme.colours
    page_style = folder.joinpath("pages.css").read_bytes()
    languages = load_languages(theme, zone)
    words = {one.code: _to_response(one, renews=renews) for one in languages.by_code.values()}
    logo, icon = find_image(theme_dir, LOGOS), find_image(theme_dir, ICONS)
    images = [image for image in (logo, icon) if image]
    everything = b"".join(
        [
            script,
            style,
            page_style,
            msgspec.json.encode(words, order="sorted"),
            *(image.content for image in images),
        ]
    )
    version = hashlib.sha256(everything).hexdigest()[:16]
    base = f'new URL("../../../web/{version}/", import.meta.url)'
    current_script = script.replace(b"import.meta.url", base.encode())
    return Assets(
        version=version,
        script=asset(script, "text/javascript"),
        current_script=asset(current_script, "text/javascript"),
        style=asset(style, "text/css"),
        page_style=asset(page_style, "text/css"),
        images={image.name: asset(image.content, image.media_type) for image in images},
        logo=logo.name if logo else None,
        icon=icon.name if icon else None,
        words={
            code: asset(msgspec.json.encode(texts), "application/json")
            for code, texts in words.items()
        },
        languages=languages,
    )


def _minify(source: str) -> str:
    """Without what is for who reads the source, such as comments and the names of functions."""
    script: str = jsmin(source)
    for place, names in enumerate(MODULE_NAME.findall(source)):
        name = "".join(names)
        if not re.search(USED_OTHERWISE.format(name), script):
            script = re.sub(rf"\b{name}\b", f"C{place}", script)
    for pattern, shorter in SHORTER:
        script = pattern.sub(shorter, script)
    return script


def _join(folder: Traversable, names: Iterable[str], extension: str) -> str:
    return "\n".join(folder.joinpath(f"{name}.{extension}").read_text("utf-8") for name in names)


def assets_of(settings: Settings) -> Assets:
    renews = not settings.sells_prepaid_only
    return load_assets(settings.theme_dir, settings.meter_timezone, renews=renews)


class Part(ResponseModel):
    """One file for a page, with the hash that the page should name."""

    path: Annotated[str, Meta(description="Where it is, from the root of this service.")]
    integrity: Annotated[
        str, Meta(description="For the attribute `integrity` of the page's `script` or `link`.")
    ]
    stable_path: Annotated[
        str,
        Meta(
            description="An address that every version has, for pages that are cached for long."
            " Load it without `integrity`."
        ),
    ]


class PartsAnswer(ResponseModel):
    """What a page loads so that readers can unlock, buy and cancel on it."""

    script: Annotated[Part, Meta(description="A module: `<script type=module src=…>`.")]
    style: Annotated[Part, Meta(description="A style sheet: `<link rel=stylesheet href=…>`.")]


class WordsAnswer(ResponseModel):
    """The words of one language, and how dates and money are written in it.

    `titles` are those of what is for sale, by kind and id, where the site has some of its own.
    `date` and `price` are patterns such as `{day} {month} {year}` and `{sign}{amount}`. `zone` is
    the site's, of IANA; `gmt` stands before its offset. `signs` are those of the currencies that
    are not written with their code, and `decimals` those of the currencies that do not have two.
    Digits are grouped by three and then by `group_size`.
    """

    language: str
    words: dict[str, Word]
    titles: dict[str, dict[str, str]]
    date: str
    months: list[str]
    zone: str
    gmt: str
    price: str
    signs: dict[str, str]
    group: str
    group_size: int
    point: str
    decimals: dict[str, int]


@get("/v1/parts", guards=[anyone], sync_to_thread=False)
def get_parts(settings: NamedDependency[Settings]) -> PartsAnswer:
    """Where the script and the style sheet for readers are, in today's version.

    The address changes with each release and with `theme_dir`, so ask when the site starts, and
    again every few minutes.
    """
    assets = assets_of(settings)
    return PartsAnswer(
        script=_part(assets, SCRIPT_NAME, assets.script),
        style=_part(assets, STYLE_NAME, assets.style),
    )


def _part(assets: Assets, name: str, part: Asset) -> Part:
    digest = base64.b64encode(hashlib.sha384(part.plain.content).digest()).decode()
    return Part(
        path=f"/web/{assets.version}/{name}",
        integrity=f"sha384-{digest}",
        stable_path=f"/v1/parts/current/{name}",
    )


@get("/v1/parts/current/{name:str}", guards=[anyone], include_in_schema=False, sync_to_thread=False)
def serve_current_part(
    name: FromPath[str], request: Request[Any, Any, Any], settings: NamedDependency[Settings]
) -> Response[bytes]:
    """Today's script or style sheet."""
    assets = assets_of(settings)
    part = {SCRIPT_NAME: assets.current_script, STYLE_NAME: assets.style}.get(name)
    if part is None:
        raise Problem(NOT_FOUND)
    return respond(request, part, {"Cache-Control": FOR_MINUTES, **ANY_ORIGIN})


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
        **ANY_ORIGIN,
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
        case _ if name in assets.images:
            part = assets.images[name]
            headers |= IMAGE_HEADERS
        case _:
            raise Problem(NOT_FOUND)
    return respond(request, part, headers)


def _to_response(language: Language, *, renews: bool) -> WordsAnswer:
    words = dict(language.words)
    if not renews:
        words |= dict.fromkeys(("plan_renews", "plans_renew"), words["plan_prepaid"])
    return WordsAnswer(
        language=language.code,
        words=words,
        titles={kind: dict(titles) for kind, titles in language.titles.items()},
        date=language.date_pattern,
        months=language.months,
        zone=language.zone,
        gmt=language.gmt,
        price=money_pattern(language.locale),
        signs=currency_signs(language.locale),
        group=get_group_symbol(language.locale),
        group_size=group_size_of(language.locale),
        point=get_decimal_symbol(language.locale),
        decimals=UNUSUAL_DECIMALS,
    )


ROUTES: list[ControllerRouterHandler] = [get_parts, serve_current_part, serve_asset]
