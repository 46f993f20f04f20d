"""The part of Markdown that our texts use: headings, lists, code, strong, emphasis."""

import re

from markupsafe import Markup

EMPHASIS = re.compile(r"\*\*(.+?)\*\*|\*(.+?)\*")


def blocks_of(text: str) -> list[str]:
    """Paragraphs, `##` headings, `-` lists and fenced code."""
    return re.split(r"\n{2,}", text.strip())


def inline(text: str) -> Markup:
    """Code, strong and emphasis within a line, as HTML."""
    return Markup().join(
        Markup("<code>{}</code>").format(part) if number % 2 else _emphasized(part)
        for number, part in enumerate(text.split("`"))
    )


def anchor(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower()).strip("-")


def _emphasized(text: str) -> Markup:
    html, end = Markup(), 0
    for match in EMPHASIS.finditer(text):
        strong, emphasis = match.groups()
        tag = Markup("<strong>{}</strong>") if strong else Markup("<em>{}</em>")
        html += text[end : match.start()]
        html += tag.format(strong or emphasis)
        end = match.end()
    return html + text[end:]
