"""What `make run` prints: the newspaper's address, tokens, and commands to paste."""

from typing import NamedTuple

from paywall.sandbox.prepare import TOKEN_DAYS, SandboxSummary

STORY_ARTICLE = "rice-bank"


class StandInAddresses(NamedTuple):
    """Where the stand-ins are; None for a processor that is used itself."""

    stripe: str | None
    bakong: str | None


def welcome_text(
    sandbox: SandboxSummary, address: str, paper: str, data_dir: str, stand_ins: StandInAddresses
) -> str:
    """The whole text, for a terminal."""
    return f"""\
{_articles_line(sandbox, data_dir)}

    Open {paper} in a browser.

To unlock an article as ann, who has 3 credits, choose Ann here, then Unlock:
    {paper}/sign-in?back=/{STORY_ARTICLE}
{_subscriber_lines(paper, stand_ins.stripe)}bo has nothing yet, and dara reads in Khmer.

1. Paste these lines into a second terminal. The tokens last {TOKEN_DAYS} days, by the
   clock that the newspaper's footer moves. Each start prints new ones.

API={address}
JSON='Content-Type: application/json'
SITE_TOKEN={sandbox.site_token}
ANN={sandbox.ann}
BO={sandbox.bo}
{_stand_in_assignments(stand_ins.stripe)}
2. Before the site serves an article to bo, it asks whether bo may read it: no.

curl -sS $API/v1/access/check -H "Authorization: Bearer $SITE_TOKEN" -H "$JSON" \\
  -d '{{"article_id": "{STORY_ARTICLE}", "reader_id": "bo"}}' | python3 -m json.tool

3. Ann unlocks the article with a credit.

curl -sS $API/v1/me/unlocks -H "Authorization: Bearer $ANN" -H "$JSON" \\
  -d '{{"article_id": "{STORY_ARTICLE}", "max_cost": 1}}' | python3 -m json.tool

4. Ann reads the article. The unlock is permanent.

curl -sS $API/v1/me/articles/{STORY_ARTICLE}/body -H "Authorization: Bearer $ANN" \\
  | python3 -m json.tool

{_stand_in_lines(stand_ins)}The README and docs/ continue from here. The service is at {address}.
It logs warnings and errors here. Ctrl-C stops everything. The data stays in {data_dir}/
until you delete it.
"""


def _articles_line(sandbox: SandboxSummary, data_dir: str) -> str:
    if sandbox.is_new:
        return f"A small newspaper with {sandbox.articles} articles is ready in {data_dir}/."
    return f"The newspaper in {data_dir}/ is as you left it, with {sandbox.articles} articles."


def _subscriber_lines(paper: str, stripe_address: str | None) -> str:
    """Only a subscription through Stripe can be cancelled by its reader."""
    if stripe_address is None:
        return "chan has a subscription until 2036, from the publisher.\n"
    return (
        "To cancel a subscription as chan, choose Chan here, then Cancel the subscription:\n"
        f"    {paper}/sign-in?back=/account\n"
    )


def _stand_in_assignments(stripe_address: str | None) -> str:
    """The second lets `paywall token` mint by the clock that the newspaper's footer moves."""
    if stripe_address is None:
        return ""
    return f"STAND_IN={stripe_address}\nexport PAYWALL_SANDBOX_CLOCK_URL=$STAND_IN/clock\n"


def _stand_in_lines(stand_ins: StandInAddresses) -> str:
    lines = ""
    if stand_ins.stripe is not None:
        lines += (
            f"A stand-in for Stripe takes the payments, so no money moves: {stand_ins.stripe}\n"
        )
    if stand_ins.bakong is not None:
        lines += f"A telephone pays KHQR codes at a stand-in for Bakong: {stand_ins.bakong}\n"
    return lines
