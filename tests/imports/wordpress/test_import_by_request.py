"""Readers of an old plug-in, moved over by requests of the plug-in for WordPress."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import httpx
import pytest
from sqlmodel import select

from paywall.database.engine import Database
from paywall.database.tables import CreditGrant, Subscription, Unlock
from paywall.imports.wordpress.requests import USERS_MAX
from tests.conftest import Bearer
from tests.contract.from_wordpress import meta_rows
from tests.imports.wordpress.generated import Expected, Row, generate
from tests.imports.wordpress.test_many_readers import with_something

Json = dict[str, Any]
CREDITS, POSTS = "wp_pencipw_unlock_remaining", "wp_pencipw_unlocked_post_list"
SITE = {"plugin": "penci"}


class Moving:
    """Sends users and posts as the plug-in does."""

    def __init__(self, service: httpx.AsyncClient, bearer: Bearer) -> None:
        self.service, self.bearer = service, bearer

    async def send(self, **body: object) -> httpx.Response:
        return await self.service.post(
            "/v1/imports/wordpress", json={"settings": SITE, **body}, headers=self.bearer.site()
        )

    async def moved(self, **body: object) -> Json:
        answer = await self.send(**body)
        assert answer.status_code == httpx.codes.OK, answer.text
        return dict(answer.json())


@pytest.fixture
def moving(service: httpx.AsyncClient, bearer: Bearer) -> Moving:
    return Moving(service, bearer)


def user(user_id: int, *rows: tuple[str, str], **more: object) -> Json:
    return {"id": user_id, "rows": meta_rows(list(rows)), **more}


def users_of(rows: Sequence[Row]) -> list[Json]:
    grouped = groupby(rows, key=lambda row: int(str(row[0])))
    return [user(id_, *[(key, value) for _, key, value in found]) for id_, found in grouped]


async def state_of(database: Database) -> dict[str, Expected]:
    found: dict[str, Expected] = {}
    async with database.reading() as session:
        for grant in await session.exec(select(CreditGrant)):
            found.setdefault(grant.reader_id, Expected()).credits += grant.remaining
        for unlock in await session.exec(select(Unlock)):
            found.setdefault(unlock.reader_id, Expected()).posts.add(unlock.article_id)
        for one in await session.exec(select(Subscription)):
            found.setdefault(one.reader_id, Expected()).until = one.paid_through
    return found


@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"], indirect=True)
async def test_readers_moved_by_requests_have_what_an_oracle_expects(
    moving: Moving, database: Database
) -> None:
    rows, expected = generate(4, 250)
    users = users_of(rows)
    parts = [users[start : start + USERS_MAX] for start in range(0, len(users), USERS_MAX)]
    dry = [await moving.moved(users=part, dry_run=True) for part in parts]
    assert await state_of(database) == {}
    first = [await moving.moved(users=part) for part in parts]
    assert await state_of(database) == with_something(expected)
    assert dry == first
    for reader in (one for part in first for one in part["readers"]):
        known = expected[reader["reader_id"]]
        assert (reader["after"]["credits"], reader["after"]["unlocks"]) == (
            known.credits, len(known.posts),
        )  # fmt: skip
    again = [await moving.moved(users=part) for part in parts]
    assert await state_of(database) == with_something(expected)
    for part in again:
        sums = part["sums"]
        assert (sums["new_credits"], sums["new_unlocks"], sums["newly_complimentary"]) == (0, 0, 0)


async def test_a_reader_is_answered_before_and_after_with_oddities(moving: Moving) -> None:
    rows = (
        (CREDITS, "2.5"),
        (POSTS, "a:2:{i:0;i:12;i:1;i:13;}"),
        ("wp_pencipw_subscribe_status", "ACTIVE"),
        ("wp_pencipw_expired_date", "March 3, 2031"),
        ("wp_pencipw_stripe_subs_id", "41"),
    )
    known = [{"id": 12, "post_type": "post"}]
    moved = await moving.moved(users=[user(7, *rows)], known_posts=known)
    (reader,) = moved["readers"]
    assert reader["before"] == {
        "credits": 3, "unlocks": 2,
        "subscriptions": [{"end": "March 3, 2031", "processors": ["stripe"]}],
    }  # fmt: skip
    assert reader["after"] == {"credits": 3, "unlocks": 2, "access_until": "2031-03-03T00:00:00Z"}
    assert reader["new"] == {"credits": 3, "unlocks": 2, "complimentary": True, "stripe_ids": []}
    assert [(one["kind"], one["is_to_do"]) for one in reader["oddities"]] == [
        ("credits_rounded_up", False),
        ("post_unknown", False),
        ("stripe_id_unresolved", True),
    ]
    assert moved["sums"]["to_do"] == 1


async def test_a_user_who_does_not_exist_gets_nothing(moving: Moving, database: Database) -> None:
    moved = await moving.moved(users=[user(7, (CREDITS, "5"), exists=False)])
    assert [one["kind"] for one in moved["readers"][0]["oddities"]] == ["no_user"]
    assert await state_of(database) == {}


async def test_a_getpaid_row_number_is_resolved_as_in_a_folder(moving: Moving) -> None:
    rows = [("wp_pencipw_subscribe_status", "ACTIVE"), ("wp_pencipw_stripe_subs_id", "41")]
    moved = await moving.moved(
        users=[user(7, *rows)], getpaid=[{"id": "41", "profile_id": "sub_41"}]
    )
    (oddity,) = moved["readers"][0]["oddities"]
    # This service does not sell by Stripe.
    assert (oddity["kind"], oddity["detail"][:7]) == ("stripe_not_linked", "sub_41:")


async def test_a_post_is_answered_with_its_policy_and_preview(moving: Moving) -> None:
    premium = meta_rows([
        ("post_type", "post"),
        ("pencipw_enable_premium_post", "enable"),
        ("pencipw_preview_textbox", "<p>Hello</p>"),
    ])  # fmt: skip
    asks_guests = meta_rows([("post_type", "post"), ("category", "4")])
    moved = await moving.moved(
        settings={"plugin": "penci", "theme_mods": 'a:1:{s:13:"pencipw_limit";i:5;}'},
        posts=[
            {"id": 12, "rows": premium},
            {"id": 13, "rows": asks_guests},
            {"id": 14, "rows": meta_rows([("post_type", "page")])},
        ],
        terms=[{"id": 4, "guest_mode": "enable"}],
    )
    plain: Json = {"outcome": None, "oddities": []}
    assert moved["posts"] == [
        {"post_id": 12, "policy": "premium", "preview_paragraphs": 5,
         "preview_html": "<p>Hello</p>", **plain},
        {"post_id": 13, "policy": "registered", "preview_paragraphs": 5, "preview_html": "",
         **plain},
    ]  # fmt: skip


async def test_only_an_admin_token_moves_readers(
    service: httpx.AsyncClient, bearer: Bearer
) -> None:
    answer = await service.post(
        "/v1/imports/wordpress",
        json={"settings": SITE},
        headers=bearer.site("subscribers:write subscribers:read articles:write"),
    )
    assert answer.status_code == httpx.codes.FORBIDDEN


async def test_theme_settings_that_are_broken_are_named(moving: Moving) -> None:
    answer = await moving.send(settings={"plugin": "penci", "theme_mods": "a:1:{"})
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert [one["field"] for one in answer.json()["errors"]] == ["settings.theme_mods"]


async def test_a_request_moves_at_most_100_users(moving: Moving) -> None:
    answer = await moving.send(users=[user(number + 1) for number in range(USERS_MAX + 1)])
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert [one["field"] for one in answer.json()["errors"]] == ["users"]
