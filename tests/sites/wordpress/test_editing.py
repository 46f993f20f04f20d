"""Editors' ways to a post: each ends with the bytes that a WordPress without the plug-in has."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from tests.sites.wordpress.canary import CANARY, rows_with_canary
from tests.sites.wordpress.editor import CLASSIC_FORM, Editor, all_texts, raw_of, revisions
from tests.sites.wordpress.site import WordPress

BLOCKS = (
    "<!-- wp:paragraph -->\n<p>Rice grows in the water.</p>\n<!-- /wp:paragraph -->\n\n"
    "<!-- wp:more -->\n<!--more-->\n<!-- /wp:more -->\n\n"
    "<!-- wp:paragraph -->\n<p>{word} \\ costs $1 and \\0 “more” &amp; 'less'.</p>\n"
    "<!-- /wp:paragraph -->\n\n<!-- wp:nextpage -->\n<!--nextpage-->\n<!-- /wp:nextpage -->\n\n"
    '<!-- wp:html -->\n<script>if (a<b) "\\n";</script>\n<!-- /wp:html -->\n\n'
    "<!-- wp:paragraph -->\n<p>តម្លៃអង្ករ {word} ធ្លាក់ចុះ។</p>\n<!-- /wp:paragraph -->"
)
CLASSIC = (
    "Rice grows in water, every year.\r\n\r\n<!--more-->\r\n\r\nThe {word} price \\ fell.\r\n\r\n"
    "[caption]{word}[/caption]\r\n\r\nអង្ករ {word} ។ \U0001f33e"
)  # fmt: skip


Result = TypeVar("Result")


class Twins:
    """The same WordPress twice, with and without the plug-in, and the same steps on both."""

    def __init__(self, plugged: WordPress, plain: WordPress) -> None:
        self.plugged = plugged
        self.plain = plain
        self.is_on = True

    def both(self, step: Callable[[WordPress], Result]) -> Result:
        done, expected = step(self.plugged), step(self.plain)
        assert done == expected
        assert all_texts(self.plugged, is_plugged=self.is_on) == all_texts(
            self.plain, is_plugged=False
        )
        return done


@pytest.fixture(scope="module")
def twins(new_wordpress: Callable[[], WordPress]) -> Twins:
    plugged, plain = new_wordpress(), new_wordpress()
    plugged.activate()
    for wordpress in (plugged, plain):
        (wordpress.folder / "wp-content" / "mu-plugins" / "form.php").write_text(CLASSIC_FORM)
        assert paid_category(wordpress) == PAID
    return Twins(plugged, plain)


PAID = 2
# Nobody may not write scripts, so WordPress would remove them.
AS_ADMIN = "wp_set_current_user( 1 );"


def paid_category(wordpress: WordPress) -> int:
    """A category whose posts are premium; without the plug-in that means nothing."""
    return int(
        wordpress.php(
            "$term = wp_insert_term( 'Paid', 'category' );"
            "update_term_meta( $term['term_id'], 'paywall_policy', 'premium' );"
            "echo $term['term_id'];"
        )
    )


@pytest.fixture(autouse=True)
def no_canary(twins: Twins) -> Iterator[None]:
    yield
    assert rows_with_canary(twins.plugged) == []
    assert len(rows_with_canary(twins.plain)) > 0
    assert "wp-content/plugins/paywall" not in twins.plugged.log.read_text()


def create(wordpress: WordPress, text: str, user: str = "edit") -> int:
    """A published post, as the block editor writes it: a draft first."""
    editor = Editor(wordpress, user)
    post_id = editor.new_post()
    editor.rest("POST", f"/posts/{post_id}", status="draft", title="Rice", content=text[:-40])
    editor.rest("POST", f"/posts/{post_id}", content=text, categories=[PAID])
    editor.rest("POST", f"/posts/{post_id}", status="publish", slug=f"rice-{post_id}")
    return post_id


def test_the_block_editor_writes_edits_and_autosaves(twins: Twins) -> None:
    text = BLOCKS.format(word=CANARY)
    post_id = twins.both(lambda site: create(site, text))
    assert twins.both(lambda site: Editor(site).raw(post_id)) == text
    longer = f"{text}\n\n<!-- wp:paragraph -->\n<p>{CANARY} again</p>\n<!-- /wp:paragraph -->"

    def autosave(site: WordPress) -> object:
        path = f"/posts/{post_id}/autosaves"
        saved = Editor(site, "admin").rest("POST", path, content=longer, title="R", excerpt="")
        return raw_of(saved)

    assert twins.both(autosave) == longer
    twins.both(lambda site: Editor(site).rest("POST", f"/posts/{post_id}", content=longer)["id"])
    twins.both(lambda site: Editor(site).rest("POST", f"/posts/{post_id}", title="Title")["id"])
    assert twins.both(lambda site: Editor(site).raw(post_id)) == longer


def test_the_classic_form_quick_edit_and_bulk_edit_keep_every_byte(twins: Twins) -> None:
    text = CLASSIC.format(word=CANARY)
    post_id = twins.both(lambda site: create(site, text))
    shown = twins.both(lambda site: Editor(site).form(post_id))
    assert CANARY in shown
    fields = {"post_title": "Rice", "post_category[]": str(PAID), "comment_status": "open"}
    twins.both(lambda site: Editor(site).submit(post_id, shown, **fields))
    twins.both(lambda site: Editor(site).submit(post_id, text + CANARY, **fields))
    twins.both(
        lambda site: Editor(site).quick_edit(
            post_id, post_title="Quick", _status="publish", post_name="quick",
            **{"post_category[]": str(PAID)}, mm="01", jj="02", aa="2026", hh="03", mn="04",
        )
    )  # fmt: skip
    twins.both(lambda site: Editor(site).bulk_edit(post_id, comment_status="closed"))
    twins.both(lambda site: Editor(site).heartbeat(post_id, text + "<b>unsaved</b>", "Heart"))


def test_revisions_are_compared_and_restored(twins: Twins) -> None:
    one, two = (BLOCKS.format(word=f"{CANARY}{number}") for number in ("one", "two"))
    post_id = twins.both(lambda site: create(site, one))
    twins.both(lambda site: Editor(site).rest("POST", f"/posts/{post_id}", content=two)["id"])
    made = twins.both(lambda site: revisions(site, post_id))
    compared = twins.both(lambda site: Editor(site).compare(post_id, made[-2], made[-1]))
    assert f"{CANARY}one" in compared
    assert f"{CANARY}two" in compared
    twins.both(lambda site: Editor(site).restore(made[-2]))
    assert twins.both(lambda site: Editor(site).raw(post_id)) == one


def test_a_policy_goes_there_and_back(twins: Twins) -> None:
    text = BLOCKS.format(word=CANARY)
    post_id = twins.both(lambda site: create(site, text))
    for policy in ("free", "premium", "registered", "free", "subscribers"):
        twins.both(
            lambda site, policy=policy: site.php(  # type: ignore[misc]  # mypy does not infer lambdas with defaults
                "update_post_meta( $argv[1], '_paywall_policy', $argv[2] );", str(post_id), policy
            )
        )
        rows = twins.plugged.sql(f"select ID from wp_posts where post_content like '%{CANARY}%'")
        assert (len(rows) > 0) == (policy == "free")
        # The post and its revisions.
        assert len(rows) in {0, 3}
    twins.both(lambda site: Editor(site).rest("POST", f"/posts/{post_id}", categories=[1])["id"])


def test_an_author_may_write_no_script_with_or_without_the_plug_in(twins: Twins) -> None:
    post_id = twins.both(lambda site: create(site, BLOCKS.format(word=CANARY), "author"))
    raw = twins.both(lambda site: Editor(site, "author").raw(post_id))
    assert "<script>" not in raw
    twins.both(
        lambda site: Editor(site, "author").rest("POST", f"/posts/{post_id}", content=raw)["id"]
    )


def test_a_deleted_rest_is_deleted_for_who_saw_it(twins: Twins) -> None:
    text = BLOCKS.format(word=CANARY)
    post_id = twins.both(lambda site: create(site, text))
    assert twins.both(lambda site: Editor(site).raw(post_id)) == text
    head = text[: text.index("<!-- wp:paragraph -->", 10)]
    twins.both(lambda site: Editor(site).rest("POST", f"/posts/{post_id}", content=head)["id"])


def test_trash_and_deletion_take_the_rows_along(twins: Twins) -> None:
    post_id = twins.both(lambda site: create(site, BLOCKS.format(word=CANARY)))
    count = f"select count(*) from wp_paywall_bodies where post_id = {post_id}"
    twins.both(lambda site: site.php(AS_ADMIN + "wp_trash_post( (int) $argv[1] );", str(post_id)))
    twins.both(lambda site: site.php(AS_ADMIN + "wp_untrash_post( (int) $argv[1] );", str(post_id)))
    assert twins.plugged.sql(count) != [["0"]]
    twins.both(
        lambda site: site.php(AS_ADMIN + "wp_delete_post( (int) $argv[1], true );", str(post_id))
    )
    assert twins.plugged.sql(count) == [["0"]]


def test_deactivated_and_activated_again_every_byte_is_there(twins: Twins) -> None:
    post_id = twins.both(lambda site: create(site, CLASSIC.format(word=CANARY)))
    twins.plugged.deactivate()
    twins.is_on = False
    everything = "select ID, md5(post_content) from wp_posts order by ID"
    assert twins.plugged.sql(everything) == twins.plain.sql(everything)
    twins.both(lambda site: Editor(site).rest("POST", f"/posts/{post_id}", title="Off")["id"])
    twins.plugged.activate()
    twins.is_on = True
    twins.both(lambda site: Editor(site).rest("POST", f"/posts/{post_id}", title="On")["id"])


def test_an_export_is_whole_and_an_import_is_gated(twins: Twins) -> None:
    text = CLASSIC.format(word=CANARY)
    post_id = twins.both(lambda site: create(site, text))
    address = "/wp-admin/export.php?download=true&content=posts"
    exported = twins.plugged.get(address, user="admin")
    assert exported.text.count(CANARY) == twins.plain.get(address, user="admin").text.count(CANARY)
    assert "paywall:rest" not in exported.text
    # As the importer does: the post with a suggested ID, then its terms, then its meta.
    twins.both(
        lambda site: site.php(
            AS_ADMIN + "wp_suspend_cache_invalidation( true );"
            "$id = wp_insert_post( wp_slash( array( 'import_id' => 5000, 'post_title' => 'In',"
            "  'post_status' => 'publish', 'post_content' => $argv[1] ) ) );"
            "wp_set_post_terms( $id, array( (int) $argv[2] ), 'category' );"
            "add_post_meta( $id, '_paywall_policy', 'subscribers' );"
            "wp_suspend_cache_invalidation( false ); echo $id;",
            text, str(PAID),
        )
    )  # fmt: skip
    assert post_id > 0
