"""Sends what WordPress' own editors send: the block editor, the classic form, the list of posts."""

import html
import json
import re

from tests.sites.wordpress.site import WordPress

# The classic form, where a test asks for it; which screens it has is a site's choice.
CLASSIC_FORM = """<?php
add_filter( 'use_block_editor_for_post', fn( $use ) => $use && ! isset( $_GET['classic'] ) );
"""
# Starting PHP takes longer than what is asked of it.
NONCES: dict[tuple[str, str, str], str] = {}
TEXTS = """
foreach ( json_decode( $argv[1] ) as $id ) {
    $texts[] = Paywall\\Vault\\whole( get_post( (int) $id ) );
}
echo json_encode( $texts );
"""


class Editor:
    """One user's browser on a WordPress."""

    def __init__(self, wordpress: WordPress, user: str = "edit") -> None:
        self.wordpress = wordpress
        self.user = user

    def nonce(self, action: str) -> str:
        """The nonce that a page of WordPress gives this user's session."""
        key = (self.wordpress.url, self.user, action)
        if key not in NONCES:
            NONCES[key] = self._nonce(action)
        return NONCES[key]

    def _nonce(self, action: str) -> str:
        cookies = json.dumps(self.wordpress.cookies(self.user))
        return self.wordpress.php(
            "$_COOKIE = json_decode( $argv[2], true );"
            "wp_set_current_user( (int) $argv[3] );"
            "echo wp_create_nonce( $argv[1] );",
            action, cookies, str(self.wordpress.user_id(self.user)),
        )  # fmt: skip

    def rest(self, method: str, path: str, **values: object) -> dict[str, object]:
        answer = self.wordpress.request(
            method, f"/wp-json/wp/v2{path}", user=self.user, json=values or None,
            headers={"X-WP-Nonce": self.nonce("wp_rest")},
        )  # fmt: skip
        assert answer.status_code in {200, 201}, answer.text
        answered: dict[str, object] = answer.json()
        return answered

    def raw(self, post_id: int) -> str:
        """The text that the block editor shows."""
        return raw_of(self.rest("GET", f"/posts/{post_id}?context=edit"))

    def new_post(self) -> int:
        """Open the page for a new post; the ID of its auto-draft."""
        page = self.wordpress.get("/wp-admin/post-new.php", user=self.user)
        found = re.search(r"""name=['"]post_ID['"] value=['"](\d+)""", page.text)
        assert found, page.text[:500]
        return int(found[1])

    def form(self, post_id: int) -> str:
        """The text in the classic form."""
        page = self.wordpress.get(
            f"/wp-admin/post.php?post={post_id}&action=edit&classic=1", user=self.user
        )
        found = re.search(
            r'<textarea[^>]* name="content"[^>]*>(.*?)</textarea>', page.text, re.DOTALL
        )
        assert found, page.text[:500]
        return html.unescape(found[1])

    def submit(self, post_id: int, content: str, **fields: str) -> None:
        """Save the classic form."""
        self._post(
            "/wp-admin/post.php", 302, _wpnonce=self.nonce(f"update-post_{post_id}"),
            action="editpost", originalaction="editpost", post_ID=str(post_id), post_type="post",
            content=content, **fields,
        )  # fmt: skip

    def quick_edit(self, post_id: int, **fields: str) -> None:
        self._post(
            "/wp-admin/admin-ajax.php", 200, action="inline-save", post_type="post",
            post_ID=str(post_id), _inline_edit=self.nonce("inlineeditnonce"), post_view="list",
            screen="edit-post", **fields,
        )  # fmt: skip

    def bulk_edit(self, *post_ids: int, **fields: str) -> None:
        chosen = "".join(f"&post[]={post_id}" for post_id in post_ids)
        more = "".join(f"&{name}={value}" for name, value in fields.items())
        answer = self.wordpress.get(
            f"/wp-admin/edit.php?post_type=post&action=edit&bulk_edit=Update&_status=-1{chosen}{more}"
            f"&post_author=-1&comment_status=&ping_status=&sticky=-1&_wpnonce={self.nonce('bulk-posts')}",
            user=self.user,
        )  # fmt: skip
        assert answer.status_code == 302, answer.text[:500]

    def heartbeat(self, post_id: int, content: str, title: str) -> None:
        """Autosave as the classic editor does it."""
        self._post(
            "/wp-admin/admin-ajax.php", 200, action="heartbeat",
            _nonce=self.nonce("heartbeat-nonce"), screen_id="post", has_focus="true",
            **{f"data[wp_autosave][{name}]": value for name, value in {
                "post_id": str(post_id), "post_type": "post", "post_title": title,
                "content": content, "excerpt": "", "_wpnonce": self.nonce(f"update-post_{post_id}"),
            }.items()},
        )  # fmt: skip

    def compare(self, post_id: int, older: int, newer: int) -> str:
        return self._post(
            "/wp-admin/admin-ajax.php", 200, action="get-revision-diffs", post_id=str(post_id),
            **{"compare[0]": f"{older}:{newer}"},
        )  # fmt: skip

    def restore(self, revision_id: int) -> None:
        answer = self.wordpress.get(
            f"/wp-admin/revision.php?revision={revision_id}&action=restore"
            f"&_wpnonce={self.nonce(f'restore-post_{revision_id}')}",
            user=self.user,
        )
        assert answer.status_code == 302, answer.text[:500]

    def _post(self, path: str, status: int, **fields: str) -> str:
        answer = self.wordpress.request("POST", path, user=self.user, data=fields)
        assert answer.status_code == status, answer.text[:500]
        return answer.text


def raw_of(answered: dict[str, object]) -> str:
    """The text in a response of REST."""
    content = answered["content"]
    assert isinstance(content, dict)
    return str(content["raw"])


def all_texts(wordpress: WordPress, *, is_plugged: bool) -> list[list[str]]:
    """Every post and revision, in the order of IDs: type, name, status, title and whole text."""
    rows = wordpress.sql(
        "select ID, post_type, post_name, post_status, post_title, hex(post_content) from wp_posts"
        " where post_type in ('post', 'revision') and post_status <> 'auto-draft' order by ID"
    )
    texts = [bytes.fromhex(row[5]).decode() for row in rows]
    if is_plugged:
        texts = json.loads(wordpress.php(TEXTS, json.dumps([row[0] for row in rows])))
    return [[*row[1:5], text] for row, text in zip(rows, texts, strict=True)]


def revisions(wordpress: WordPress, post_id: int) -> list[int]:
    found = wordpress.sql(
        f"select ID from wp_posts where post_parent = {post_id} and post_type = 'revision'"
        f" and post_name like '%-revision-%' order by ID"
    )
    return [int(row[0]) for row in found]
