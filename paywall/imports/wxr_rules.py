"""Chooses the policy of an imported post: the first matching rule decides."""

from collections.abc import Iterable
from typing import Literal, NamedTuple
from urllib.parse import unquote

from paywall.imports.wxr_item import Item
from paywall.rules.decision import Policy

DOMAINS = {"category": "category", "tag": "post_tag"}


class PolicyRule(NamedTuple):
    """Gives a policy to posts in a category, with a tag, or with a post-meta field."""

    kind: Literal["category", "tag", "meta"]
    # The slug or the display name of a category or tag, or the key of a field.
    name: str
    # The required value of the field; None accepts any value.
    value: str | None
    policy: Policy


def policy_of(item: Item, rules: Iterable[PolicyRule], default: Policy) -> Policy:
    """The policy of the first rule, in the order given, that the post matches."""
    return next((rule.policy for rule in rules if _matches(rule, item)), default)


def _matches(rule: PolicyRule, item: Item) -> bool:
    if rule.kind == "meta":
        return any(key == rule.name and rule.value in (None, value) for key, value in item.meta)
    return any(
        # WordPress writes the slug of a Khmer name percent-encoded.
        rule.name in (term.slug, unquote(term.slug), term.name)
        for term in item.terms
        if term.domain == DOMAINS[rule.kind]
    )
