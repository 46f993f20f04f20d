"""Read a WordPress export (WXR: RSS 2.0 with WordPress' own elements), one item at a time.

A file of any size takes the memory of one item. No entity is expanded and nothing is fetched. A
mistake in the XML costs the items that it stands in, not the file; a character that XML forbids is
dropped, and costs nothing else.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, TypeAlias

from lxml import etree

from paywall.imports.wxr_item import Item, Term, WxrError
from paywall.imports.xml_text import UNDECODABLE, SoundXml, taken_out, unmarked

CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
WITH_ELEMENTS = frozenset({"wp:comment"})
AGAIN = "Export it again, under Tools, Export in WordPress."
WORDPRESS = re.compile(r"\{https?://wordpress\.org/export/1\.\d+/\}")


Export: TypeAlias = "etree.iterparse[tuple[str, etree._Element]]"  # noqa: SLF001 (lxml has no other name for it)


def read_items(file: BinaryIO) -> Iterator[Item]:
    """Every item in the order of the file; raises WxrError where it is no WordPress export."""
    try:
        sound = SoundXml(file)
    except LookupError as error:
        raise WxrError(f"The file's encoding is unknown: {error}. {AGAIN}") from error
    export = etree.iterparse(
        sound,
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
        yield from _items(export, sound)
    except etree.XMLSyntaxError as error:
        raise WxrError(f"The file is not XML: {error}. {AGAIN}") from error


def _items(export: Export, sound: SoundXml) -> Iterator[Item]:
    """An item waits for the next to start: only then is it known which mistakes stand in it."""
    language: str | None = None
    waiting: list[Item] = []
    line = begun = 0
    for event, element in export:
        if event == "start":
            _refuse_other_files(element)
            if element.tag == "item":
                line, begun = _line(element), begun + 1
                yield from _judged(waiting, export, until=line)
                waiting = []
            continue
        if element.tag == "item":
            waiting.append(_item(element, language))
        elif element.tag == "language" and _is_of_channel(element):
            language = _text(element)
        if element.tag == "item" or _is_of_channel(element):
            _forget(element)
    yield from _judged(waiting, export, until=None)
    if waiting:
        yield from _cut_off(export, sound.items - begun)
    else:
        yield from _lost(export, since=line)


def _judged(waiting: list[Item], export: Export, *, until: int | None) -> Iterator[Item]:
    """A line that two items share is blamed on both: rather none than half of one."""
    mistakes = [(error.line, error.message.strip()) for error in export.error_log]
    for item in waiting:
        own = [
            f"line {line}: {text}"
            for line, text in mistakes
            if item.line <= line and (until is None or line <= until)
        ]
        yield item._replace(error=next(iter(own), item.error))


def _lost(export: Export, *, since: int) -> Iterator[Item]:
    """Where the parser gave up within an item, nothing of that item and what follows was read."""
    for error in export.error_log:
        if export.root is None:
            raise WxrError(f"The file is not XML: {error.message.strip()}. {AGAIN}")
        if error.line >= since:
            message = f"{error.message.strip()}; nothing from here on could be read"
            yield Item(error.line, None, {}, (), (), message)
            return


def _cut_off(export: Export, items: int) -> Iterator[Item]:
    """Where stray end tags closed the root element, the parser read none of what follows."""
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
    dropped = taken_out("".join(map(str, element.itertext())))
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
    """Free what was read: the element, and what stood before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and (before := element.getprevious()) is not None:
        parent.remove(before)
