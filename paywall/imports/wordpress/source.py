"""Where the old plug-in's data comes from: a folder, or a request."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from paywall.imports.wordpress.folder import FolderMeta, FolderSettings, theme_mods_of
from paywall.imports.wordpress.php_values import PhpValue
from paywall.imports.wordpress.user_options import USER_EXISTS, MetaRow


class Source(Protocol):
    """The rows of the old plug-in, and what else decides about them."""

    settings: FolderSettings

    def users(self) -> Iterator[FolderMeta]: ...

    def posts(self) -> Iterator[FolderMeta]: ...

    def lists_users(self) -> bool:
        """Whether the source says which users exist."""

    def lists_posts(self) -> bool:
        """Whether the source says which posts exist, and their types."""

    def post_types(self, post_ids: Collection[int]) -> Mapping[int, str]:
        """The types of those of these posts that exist."""

    def guest_modes(self) -> Mapping[int, str]:
        """The guest mode of each term that has one."""

    def profile_ids(self, ids: Collection[str]) -> Mapping[str, str]:
        """The processors' ids of these subscriptions of GetPaid."""

    def theme_mods(self) -> Mapping[str, PhpValue]: ...

    @property
    def exported_at(self) -> datetime | None: ...


class SentUser(NamedTuple):
    """A user's rows as (key, value), in the order of `umeta_id`."""

    id: int
    exists: bool
    rows: Sequence[tuple[str, str]]


class SentPost(NamedTuple):
    """A post's rows as (key, value), in the order of `meta_id`."""

    id: int
    rows: Sequence[tuple[str, str]]


class SentData:
    """A part of the data, as a request brings it."""

    def __init__(
        self,
        settings: FolderSettings,
        users: Sequence[SentUser],
        posts: Sequence[SentPost],
        post_types: Mapping[int, str] | None,
        guest_modes: Mapping[int, str],
        profiles: Mapping[str, str],
    ) -> None:
        self.settings = settings
        self._users, self._posts = users, posts
        self._post_types, self._guest_modes, self._profiles = post_types, guest_modes, profiles

    def users(self) -> Iterator[FolderMeta]:
        for user in self._users:
            exists = [MetaRow(0, USER_EXISTS, str(user.id))] if user.exists else []
            yield FolderMeta(user.id, [*exists, *_numbered(user.rows)])

    def posts(self) -> Iterator[FolderMeta]:
        for post in self._posts:
            yield FolderMeta(post.id, _numbered(post.rows))

    def lists_users(self) -> bool:
        return True

    def lists_posts(self) -> bool:
        return self._post_types is not None

    def post_types(self, post_ids: Collection[int]) -> Mapping[int, str]:
        known = self._post_types or {}
        return {post_id: known[post_id] for post_id in post_ids if post_id in known}

    def guest_modes(self) -> Mapping[int, str]:
        return self._guest_modes

    def profile_ids(self, ids: Collection[str]) -> Mapping[str, str]:
        return {id_: self._profiles[id_] for id_ in ids if id_ in self._profiles}

    def theme_mods(self) -> Mapping[str, PhpValue]:
        return theme_mods_of(self.settings)

    @property
    def exported_at(self) -> datetime | None:
        return self.settings.exported_at


def _numbered(rows: Sequence[tuple[str, str]]) -> list[MetaRow]:
    return [MetaRow(number, *row) for number, row in enumerate(rows, start=1)]
