"""The site's own logo and icon, for the masthead of the plain pages."""

from pathlib import Path
from typing import NamedTuple

from paywall.settings import SettingsError

# The first one that is there is used; an SVG is sharp at every size.
LOGOS = ("logo.svg", "logo.png")
ICONS = ("favicon.svg", "favicon.png", "favicon.ico")
IMAGE_BYTES_MAX = 64 * 1024
# Media types, and the bytes that each kind of file has in its beginning.
KINDS = {
    ".svg": ("image/svg+xml", b"<svg"),
    ".png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    ".ico": ("image/x-icon", b"\x00\x00\x01\x00"),
}
# An SVG can have a comment and a document type before its first element.
BEGINNING_BYTES = 1024


class Image(NamedTuple):
    """One file of the theme."""

    name: str
    media_type: str
    content: bytes


def find_image(theme_dir: str, names: tuple[str, ...]) -> Image | None:
    """The first of these files; raises SettingsError if it is too large or of another kind."""
    paths = [Path(theme_dir) / name for name in names] if theme_dir else []
    path = next((path for path in paths if path.exists()), None)
    return _read(path) if path else None


def _read(path: Path) -> Image:
    media_type, mark = KINDS[path.suffix]
    try:
        with path.open("rb") as file:
            content = file.read(IMAGE_BYTES_MAX + 1)
    except OSError as error:
        raise SettingsError(f"theme_dir: {path} cannot be read: {error}.") from error
    if len(content) > IMAGE_BYTES_MAX:
        raise SettingsError(
            f"theme_dir: {path} is larger than {IMAGE_BYTES_MAX} bytes. Make it smaller."
        )
    if mark not in content[:BEGINNING_BYTES]:
        raise SettingsError(f"theme_dir: {path} is not of the type {media_type}. Replace it.")
    return Image(path.name, media_type, content)
