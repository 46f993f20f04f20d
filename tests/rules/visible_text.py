"""The visible text of HTML, as the preview sees it."""

from paywall.rules.html import visible_pieces


def visible_text(html: str) -> str:
    """The visible characters of a body or of a preview."""
    return "".join(piece.text for piece in visible_pieces(html)).strip()
