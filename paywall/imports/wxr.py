"""Reads a WordPress export (WXR: RSS 2.0 with WordPress's own elements), one item at a time.

A file of any size needs the memory of one item. Entities are not expanded and nothing is fetched.
An XML error rejects only the items that contain it; a character that XML forbids is dropped
without rejecting its item.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, TypeAlias

from lxml import etree

from paywall.imports.wxr_item import Item, Term, WxrError
from paywall.imports.xml_text import UNDECODABLE, CleanXml, removed_characters, unmarked

CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
WITH_ELEMENTS = frozenset({"wp:comment"})
AGAIN = "Export it again, under Tools, Export in WordPress."
WORDPRESS = re.compile(r"\{https?://wordpress\.org/export/1\.\d+/\}")


Export: TypeAlias = "etree.iterparse[tuple[str, etree._Element]]"  # noqa: SLF001 (lxml has no other name for it)


def read_items(file: BinaryIO) -> Iterator[Item]:
    """Every item in the order of the file; raises WxrError if it is not a WordPress export."""
    try:
        clean = CleanXml(file)
    except LookupError as error:
        raise WxrError(f"The file's encoding is unknown: {error}. {AGAIN}") from error
    export = etree.iterparse(
        clean,
        encoding="utf-8",
        events=("start", "end"),
        recover=True,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        yield from _items(export, clean)
    except etree.XMLSyntaxError as error:
        raise WxrError(f"The file is not XML: {error}. {AGAIN}") from error


def _items(export: Export, clean: CleanXml) -> Iterator[Item]:
    """An item is held back until the next one starts, because only then are its errors known."""
    language: str | None = None
    held_back: list[Item] = []
    line = begun = 0
    for event, element in export:
        if event == "start":
            _refuse_other_files(element)
            if element.tag == "item":
                line, begun = _line(element), begun + 1
                yield from _with_errors(held_back, export, until=line)
                held_back = []
            continue
        if element.tag == "item":
            held_back.append(_item(element, language))
        elif element.tag == "language" and _is_of_channel(element):
            language = _text(element)
        if element.tag == "item" or _is_of_channel(element):
            _forget(element)
    yield from _with_errors(held_back, export, until=None)
    if held_back:
        yield from _unread_after_root(export, clean.items - begun)
    else:
        yield from _unread_after_error(export, since=line)


def _with_errors(held_back: list[Item], export: Export, *, until: int | None) -> Iterator[Item]:
    """Attach XML errors to items by line; an error on a shared line rejects both items."""
    mistakes = [(error.line, error.message.strip()) for error in export.error_log]
    for item in held_back:
        own = [
            f"line {line}: {text}"
            for line, text in mistakes
            if item.line <= line and (until is None or line <= until)
        ]
        yield item._replace(error=next(iter(own), item.error))


def _unread_after_error(export: Export, *, since: int) -> Iterator[Item]:
    """Report where the parser gave up inside an item: nothing from there on was read."""
    for error in export.error_log:
        if export.root is None:
            raise WxrError(f"The file is not XML: {error.message.strip()}. {AGAIN}")
        if error.line >= since:
            message = f"{error.message.strip()}; nothing from here on could be read"
            yield Item(error.line, None, {}, (), (), message)
            return


def _unread_after_root(export: Export, items: int) -> Iterator[Item]:
    """Report items that were not read because stray end tags closed the root element."""
    if items > 0 and export.error_log:
        last = max(export.error_log, key=lambda error: error.line)
        message = f"{last.message.strip()}; {items} items after this could not be read"
        yield Item(last.line, None, {}, (), (), message)


def _refuse_other_files(element: etree._Element) -> None:
    if element.getparent() is not None:
        return
    if element.getroottree().docinfo.internalDTD is not None:
        raise WxrError(f"The file has a DOCTYPE, and a WordPress export has none. {AGAIN}")
    if element.tag != "rss":
        raise WxrError(f"The file starts with <{element.tag}>, not with <rss>. {AGAIN}")


def _is_of_channel(element: etree._Element) -> bool:
    parent = element.getparent()
    return parent is not None and parent.tag == "channel"


def _item(element: etree._Element, language: str | None) -> Item:
    fields: dict[str, str] = {}
    terms: list[Term] = []
    meta: list[tuple[str, str]] = []
    nested: list[str] = []
    for child in element:
        name = _name(child)
        if name == "category":
            terms.append(Term(child.get("domain", ""), child.get("nicename", ""), _text(child)))
        elif name == "wp:postmeta":
            pair = {_name(part): _text(part) for part in child}
            meta.append((pair.get("wp:meta_key", ""), pair.get("wp:meta_value", "")))
        elif name not in WITH_ELEMENTS:
            fields.setdefault(name, _text(child))
            nested += [name] if len(child) else []
    error = f"{nested[0]} holds elements where it has to hold text" if nested else None
    dropped = removed_characters("".join(map(str, element.itertext())))
    if UNDECODABLE in dropped:
        error = f"{dropped[UNDECODABLE]} times, bytes that are no text in the file's encoding"
    return Item(_line(element), language, fields, tuple(terms), tuple(meta), error, dropped)


def _text(element: etree._Element) -> str:
    return unmarked(element.text or "")


def _line(element: etree._Element) -> int:
    line: int = element.sourceline  # type: ignore[assignment]  # lxml-stubs left its type open
    return line


def _name(element: etree._Element) -> str:
    return WORDPRESS.sub("wp:", str(element.tag).replace(CONTENT, "content:"), count=1)


def _forget(element: etree._Element) -> None:
    """Free the memory of the element and its earlier siblings."""
    element.clear()
    parent = element.getparent()
    while parent is not None and (before := element.getprevious()) is not None:
        parent.remove(before)
