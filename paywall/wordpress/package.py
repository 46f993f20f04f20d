"""Builds the zip of the WordPress plug-in, which a site uploads under Plugins → Add New."""

import io
import struct
from importlib.resources import files
from importlib.resources.abc import Traversable
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

# WordPress names the plug-in after its folder and file: paywall/paywall.php.
FOLDER = "paywall"
# The same sources make the same zip.
MODIFIED = (1980, 1, 1, 0, 0, 0)
FILE_MODE = 0o644 << 16
# Fields of a `.mo` file's header, and the size of an entry in each of its two tables.
MO_COUNT_AT, MO_HASH_TABLE_AT, MO_ENTRY_BYTES = 8, 24, 8


def build_zip() -> bytes:
    """The zip, with each translation (`.po`) also in the form that WordPress reads (`.mo`)."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, content in sorted(_contents(files("paywall.wordpress") / "plugin", FOLDER)):
            entry = ZipInfo(name, MODIFIED)
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = FILE_MODE
            archive.writestr(entry, content)
    return buffer.getvalue()


def _contents(folder: Traversable, path: str) -> list[tuple[str, bytes]]:
    contents: list[tuple[str, bytes]] = []
    for item in folder.iterdir():
        name = f"{path}/{item.name}"
        if item.is_dir():
            contents += _contents(item, name)
            continue
        contents.append((name, item.read_bytes()))
        if item.name.endswith(".po"):
            contents.append((f"{name.removesuffix('.po')}.mo", _compile(item.read_bytes())))
    return contents


def _compile(translations: bytes) -> bytes:
    """A `.mo` file; WordPress needs the address of its hash table, which Babel leaves 0.

    Source: https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html
    """
    output = io.BytesIO()
    write_mo(output, read_po(io.BytesIO(translations)))
    compiled = bytearray(output.getvalue())
    count, originals_at = struct.unpack_from("<II", compiled, MO_COUNT_AT)
    struct.pack_into("<I", compiled, MO_HASH_TABLE_AT, originals_at + 2 * MO_ENTRY_BYTES * count)
    return bytes(compiled)
