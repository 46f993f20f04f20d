"""What the import decided about posts, as fields of the plug-in for WordPress.

The plug-in decides by its own fields and not by the policies on record here, so it needs them too.
"""

from collections.abc import Iterator

from paywall.imports.wordpress.post_plan import PostPlan
from paywall.rules.decision import Policy

HEADER = ("post_id", "meta_key", "meta_value")


def plugin_fields(plan: PostPlan, article_prefix: str) -> Iterator[tuple[str, str, str]]:
    """The fields of a gated post. A free post has none, so that its categories can decide."""
    if plan.policy is Policy.FREE:
        return
    post_id = plan.article_id.removeprefix(article_prefix)
    yield post_id, "_paywall_policy", plan.policy
    yield post_id, "_paywall_preview_paragraphs", str(plan.paragraphs)
    if plan.preview_html:
        yield post_id, "_paywall_preview_html", plan.preview_html
