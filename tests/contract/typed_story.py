"""What a site's programmer writes against the generated client; `test_client` types and runs it."""

import sys
from typing import assert_type

from paywall_client import AuthenticatedClient
from paywall_client.api.access import check_access
from paywall_client.api.articles import put_article, read_my_body
from paywall_client.api.credits_ import post_grant
from paywall_client.api.payments import list_my_purchases
from paywall_client.api.subscribers import get_my_overview
from paywall_client.api.tokens import create_reader_token
from paywall_client.api.unlocks import list_my_unlocks, unlock_my_article
from paywall_client.models import (
    ArticleInput,
    ArticleOutput,
    BodyAnswer,
    DecisionAnswer,
    GivenSource,
    GrantAnswer,
    GrantInput,
    InsufficientCreditsProblem,
    InsufficientScopeProblem,
    InvalidFieldsProblem,
    Overview,
    PageOfPurchaseAnswer,
    PageOfUnlockAnswer,
    Policy,
    PriceChangedProblem,
    Problem,
    ProblemType,
    Question,
    ReaderToken,
    Reason,
    ReferenceConflictProblem,
    UnlockInput,
    UnlockOutcome,
)


def sell(site: AuthenticatedClient) -> None:
    """The site puts an article, and gives a reader credits."""
    article = ArticleInput(
        title="ទន្លេសាប", policy=Policy.PREMIUM, unlock_cost=2, body_html="<p>One.</p><p>Two.</p>"
    )
    put = put_article.sync("42", client=site, body=article)
    assert isinstance(put, ArticleOutput)
    assert_type(put.unlock_cost, int)
    promotion = GrantInput(amount=3, source=GivenSource.PROMOTION, reference="new-year")
    granted = post_grant.sync("ann", client=site, body=promotion)
    assert isinstance(granted, GrantAnswer)
    assert granted.remaining == 3
    decision = check_access.sync(client=site, body=Question(article_id="42", reader_id="ann"))
    assert isinstance(decision, DecisionAnswer)
    assert (decision.granted, decision.reason) == (False, Reason.UNLOCK_AVAILABLE)


def unlock(reader: AuthenticatedClient) -> None:
    """The reader unlocks it once, at the price that was shown."""
    refused = unlock_my_article.sync(client=reader, body=UnlockInput(article_id="42", max_cost=1))
    assert isinstance(refused, PriceChangedProblem)
    assert_type(refused.unlock_cost, int)
    assert (refused.unlock_cost, refused.max_cost, refused.status) == (2, 1, 409)
    agreed = UnlockInput(article_id="42", max_cost=refused.unlock_cost)
    first = unlock_my_article.sync_detailed(client=reader, body=agreed, idempotency_key="click-1")
    assert first.status_code == 201
    assert isinstance(first.parsed, UnlockOutcome)
    assert first.parsed.unlocks_left == 1
    body = read_my_body.sync("42", client=reader)
    assert isinstance(body, BodyAnswer)
    assert body.decision.reason is Reason.UNLOCKED
    unlocks = list_my_unlocks.sync(client=reader, limit=10)
    assert isinstance(unlocks, PageOfUnlockAnswer)
    assert [item.article_id for item in unlocks.items] == ["42"]
    overview = get_my_overview.sync(client=reader)
    assert isinstance(overview, Overview)
    assert overview.unlocks_left == 1


def be_refused(site: AuthenticatedClient, reader: AuthenticatedClient) -> None:
    """Every problem with members of its own is a model that has them."""
    dear = ArticleInput(title="Dear", policy=Policy.PREMIUM, unlock_cost=5)
    put_article.sync("43", client=site, body=dear)
    too_few = unlock_my_article.sync(client=reader, body=UnlockInput(article_id="43"))
    assert isinstance(too_few, InsufficientCreditsProblem)
    assert (too_few.unlocks_left, too_few.unlock_cost) == (1, 5)
    other = GrantInput(amount=4, source=GivenSource.PROMOTION, reference="new-year")
    conflict = post_grant.sync("ann", client=site, body=other)
    assert isinstance(conflict, ReferenceConflictProblem)
    assert_type(conflict.fields, list[str])
    assert conflict.fields == ["amount"]
    wrong = check_access.sync(client=site, body=Question(article_id="a/b"))
    assert isinstance(wrong, InvalidFieldsProblem)
    assert [error.field for error in wrong.errors] == ["article_id"]
    unknown = unlock_my_article.sync(client=reader, body=UnlockInput(article_id="nothing"))
    assert isinstance(unknown, Problem)
    assert unknown.type_ is ProblemType.ARTICLE_UNKNOWN


def main(address: str, site_token: str, weak_token: str) -> None:
    site = AuthenticatedClient(address, token=site_token)
    minted = create_reader_token.sync("ann", client=site)
    assert isinstance(minted, ReaderToken)
    reader = AuthenticatedClient(address, token=minted.token)
    sell(site)
    unlock(reader)
    be_refused(site, reader)
    purchases = list_my_purchases.sync(client=reader)
    assert isinstance(purchases, PageOfPurchaseAnswer)
    assert not purchases.items
    weak = AuthenticatedClient(address, token=weak_token)
    lacking = create_reader_token.sync("ann", client=weak)
    assert isinstance(lacking, InsufficientScopeProblem)
    assert lacking.scope == "readers:token"


if __name__ == "__main__":
    main(*sys.argv[1:])
