"""The paid part of a post is in the vault, and comes back for whoever may have it."""

from collections.abc import Iterator

import pytest

from tests.sites.wordpress.canary import CANARY, rows_with_canary
from tests.sites.wordpress.site import WordPress

HEAD = "<!-- wp:paragraph -->\n<p>Rice is grown in water.</p>\n<!-- /wp:paragraph -->\n\n"
MORE = "<!-- wp:more -->\n<!--more-->\n<!-- /wp:more -->\n\n"
REST = (
    f'<!-- wp:paragraph -->\n<p>The {CANARY} price \\ fell to $1 "a kilo" in Takéo.</p>\n'
    f"<!-- /wp:paragraph -->\n\n<!-- wp:paragraph -->\n<p>តម្លៃអង្ករ {CANARY} ធ្លាក់ចុះ។</p>\n"
    "<!-- /wp:paragraph -->"
)  # fmt: skip
TEXT = HEAD + MORE + REST


@pytest.fixture(autouse=True)
def no_canary(wordpress: WordPress) -> Iterator[None]:
    yield
    assert rows_with_canary(wordpress) == []


def gate(wordpress: WordPress, text: str = TEXT, **fields: object) -> int:
    """A premium post with this text."""
    return wordpress.insert_post(
        **{"post_title": "Rice", "post_content": text, "meta_input": {"_paywall_policy": "premium"},
           **fields}
    )  # fmt: skip


def page(wordpress: WordPress, post_id: int, user: str | None = None, end: str = "") -> str:
    """The page of a post, at its own address: a redirect would drop the cookies."""
    address = wordpress.php("echo get_permalink( (int) $argv[1] );", str(post_id))
    answer = wordpress.get(address.removeprefix(wordpress.url) + end, user=user)
    assert answer.status_code == 200, answer.headers
    return answer.text


def whole(wordpress: WordPress, post_id: int) -> str:
    return wordpress.php("echo Paywall\\Vault\\whole( get_post( $argv[1] ) );", str(post_id))


def stored(wordpress: WordPress, post_id: int) -> str:
    # As JSON, because a text has lines.
    return wordpress.php("echo Paywall\\Vault\\stored_content( (int) $argv[1] );", str(post_id))


def test_a_new_gated_post_is_a_stub_with_its_rest_in_the_vault(wordpress: WordPress) -> None:
    post_id = gate(wordpress)
    assert stored(wordpress, post_id).startswith(HEAD + MORE[:-2] + "<!--paywall:rest ")
    assert whole(wordpress, post_id) == TEXT


def test_nobody_reads_the_rest_and_an_editor_does(wordpress: WordPress) -> None:
    post_id = gate(wordpress)
    denied = page(wordpress, post_id)
    assert CANARY not in denied
    assert "Rice is grown" in denied
    assert "<paywall-gate" in denied
    granted = page(wordpress, post_id, "edit")
    assert granted.count(CANARY) == 2
    assert "<paywall-gate" not in granted
