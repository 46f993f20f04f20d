"""The plug-in speaks English and Khmer."""

import json
from pathlib import Path

import pytest

from tests.sites.wordpress.site import WordPress
from tests.sites.wordpress.translations import (
    TEMPLATE,
    extract,
    messages,
    placeholders,
    texts,
    translations,
)

STRINGS_MIN = 50


def test_the_template_has_every_string() -> None:
    assert TEMPLATE.read_text(encoding="utf-8") == extract(), (
        "Run: python -m tests.sites.wordpress.translations"
    )
    assert len(messages(TEMPLATE)) >= STRINGS_MIN


@pytest.mark.parametrize("path", translations(), ids=lambda path: path.stem)
def test_a_translation_has_every_string_with_its_placeholders(path: Path) -> None:
    translated = messages(path)
    assert translated.keys() == messages(TEMPLATE).keys()
    for text, message in translated.items():
        assert not message.fuzzy, text
        for translation in texts(message):
            assert translation, f"not translated: {text}"
            assert placeholders(translation) == placeholders(text)


def test_khmer_is_among_the_translations() -> None:
    assert [path.name for path in translations()] == ["paywall-km.po"]


def test_a_khmer_site_has_khmer_screens(wordpress: WordPress) -> None:
    translated = messages(translations()[0])
    text = texts(translated["Who may read"])[0]
    block = "Each reader sees their own credits, subscription and payments here."
    wordpress.php("update_user_meta( 1, 'locale', 'km' );")
    page = wordpress.get("/wp-admin/options-general.php?page=paywall", user="admin").text
    editor = wordpress.get("/wp-admin/post-new.php", user="admin").text
    wordpress.php("delete_user_meta( 1, 'locale' );")
    assert text in page
    words = json.dumps({"placeholder": texts(translated[block])[0]}, separators=(",", ":"))
    assert f"window.paywallAccount = {words};" in editor
    assert wordpress.complaints() == []
