"""The word that only paid text of the tests has: outside the vault it is a leak."""

from tests.sites.wordpress.site import WordPress

CANARY = "paidcanary"


def rows_with_canary(wordpress: WordPress) -> list[list[str]]:
    """What `wp_posts` holds of paid text, whatever its type and status."""
    return wordpress.sql(
        "select ID, post_type, post_status, post_title from wp_posts"
        f" where concat(post_content, post_content_filtered, post_excerpt) like '%{CANARY}%'"
    )
