"""CSS selectors of the paid part of a page. Search engines understand selectors of classes alone.

https://developers.google.com/search/docs/appearance/structured-data/paywalled-content
"""

import re

# What is not ASCII may stand anywhere in a CSS identifier, without lone surrogates.
LETTER = "a-zA-Z_\u00a1-\ud7ff\ue000-\U0010ffff"
CLASSES = rf"(?:\.-?[{LETTER}][{LETTER}0-9-]*)+"
SELECTOR = re.compile(rf"{CLASSES}(?:(?: | > |, ?){CLASSES})*")


def is_class_selector(text: str) -> bool:
    """Whether it is made of class selectors, such as `.post .entry-content`."""
    return SELECTOR.fullmatch(text) is not None
