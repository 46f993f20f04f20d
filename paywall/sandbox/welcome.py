"""What `make run` prints: the newspaper's address, tokens, and commands to paste."""

from paywall.sandbox.prepare import TOKEN_DAYS, SandboxSummary

STORY_ARTICLE = "rice-bank"


def welcome_text(
    sandbox: SandboxSummary, address: str, paper: str, data_dir: str, stripe_address: str | None
) -> str:
    """The whole text, for a terminal."""
    return f"""\
{_articles_line(sandbox, data_dir)}

    Open {paper} in a browser.

The reader ann has 3 credits, bo has none, and chan has a subscription.

1. Paste these lines into a second terminal. The tokens last {TOKEN_DAYS} days, by the
   clock that the newspaper's footer moves. Each start prints new ones.

API={address}
JSON='Content-Type: application/json'
SITE_TOKEN={sandbox.site_token}
ANN={sandbox.ann}
BO={sandbox.bo}

2. Before the site serves an article to bo, it asks whether bo may read it: no.

curl -sS $API/v1/access/check -H "Authorization: Bearer $SITE_TOKEN" -H "$JSON" \\
  -d '{{"article_id": "{STORY_ARTICLE}", "reader_id": "bo"}}' | python3 -m json.tool

3. Ann unlocks the article with a credit.

curl -sS $API/v1/me/unlocks -H "Authorization: Bearer $ANN" -H "$JSON" \\
  -d '{{"article_id": "{STORY_ARTICLE}", "max_cost": 1}}' | python3 -m json.tool

4. Ann reads the article. The unlock is permanent.

curl -sS $API/v1/me/articles/{STORY_ARTICLE}/body -H "Authorization: Bearer $ANN" \\
  | python3 -m json.tool

{_stripe_lines(stripe_address)}The README and docs/ continue from here. The service is at {address}.
Ctrl-C stops everything. The data stays in {data_dir}/ until you delete it.
"""


def _articles_line(sandbox: SandboxSummary, data_dir: str) -> str:
    if sandbox.is_new:
        return f"A small newspaper with {sandbox.articles} articles is ready in {data_dir}/."
    return f"The newspaper in {data_dir}/ is as you left it, with {sandbox.articles} articles."


def _stripe_lines(stripe_address: str | None) -> str:
    if stripe_address is None:
        return ""
    return (
        f"A stand-in for Stripe takes the payments, so no money moves: {stripe_address}\n\n"
        f"STAND_IN={stripe_address}\n\n"
    )
