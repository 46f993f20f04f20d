"""CSS selectors that search engines understand: classes, alone or in each other."""

import pytest

from paywall.rules.selectors import is_class_selector

CLASSES = [
    ".paywall-content",
    ".a.b",
    ".post .entry-content",
    ".post > .entry-content",
    ".article-body, .comments",
    "._x-1",
    ".អត្ថបទ",
]
OTHERS = [
    "",
    " ",
    "paywall-content",
    "#content",
    "article",
    ".1st",
    ".-1",
    ".\ud800",
    ".",
    ".a,",
    ". a",
    ".a >",
    ".a:hover",
    ".a[href]",
    ".a</script>",
    ".a\n.b",
    " .a",
    ".a .",
]


@pytest.mark.parametrize("text", CLASSES)
def test_a_selector_of_classes_is_accepted(text: str) -> None:
    assert is_class_selector(text)


@pytest.mark.parametrize("text", OTHERS)
def test_a_selector_of_anything_else_is_refused(text: str) -> None:
    assert not is_class_selector(text)
