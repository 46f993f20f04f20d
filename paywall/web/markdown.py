"""The little of Markdown that our texts use, as HTML: headings, lists, code, strong, emphasis."""

import re
from html import escape


def html_of(text: str) -> str:
    """Paragraphs, `##` headings, `-` lists and fenced code."""
    return "\n".join(_block(block) for block in re.split(r"\n{2,}", text.strip()))


def inline(text: str) -> str:
    """Code, strong and emphasis within a line."""
    parts = text.split("`")
    return "".join(
        f"<code>{escape(part)}</code>" if number % 2 else _stressed(escape(part))
        for number, part in enumerate(parts)
    )


def heading(level: int, id_: str, content: str) -> str:
    """A heading with a link to itself; `content` is HTML."""
    return f'<h{level} id="{id_}">{content} {permalink(id_, content)}</h{level}>'


def permalink(id_: str, content: str) -> str:
    """A link to the heading with this id and this content."""
    name = re.sub(r"<[^>]*>", "", content)
    return f'<a class="permalink" href="#{id_}" aria-label="Link to {name}">#</a>'


def code_block(text: str) -> str:
    """Wide lines scroll, by the keyboard too."""
    return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'


def _block(block: str) -> str:
    if block.startswith("```"):
        return code_block(block.strip("`").strip())
    if block.startswith("## "):
        title = block.removeprefix("## ")
        return heading(2, anchor(title), inline(title))
    if block.startswith("- "):
        items = block.removeprefix("- ").split("\n- ")
        return f"<ul>{''.join(f'<li>{inline(item)}</li>' for item in items)}</ul>"
    return f"<p>{inline(block)}</p>"


def anchor(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower()).strip("-")


def _stressed(text: str) -> str:
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", text)
