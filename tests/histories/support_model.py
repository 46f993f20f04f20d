"""The model of the support actions, which changes the objects of tests/histories/model."""

from dataclasses import dataclass, field
from datetime import datetime

from tests.histories.model import Grant, Model, Purchase, Unlock


@dataclass
class SupportDeskModel:
    merged: set[tuple[str, str]] = field(default_factory=set)

    def is_on_record(self, model: Model, reader: str) -> bool:
        return (
            reader in model.prepaid.complimentary
            or self.has_paid(model, reader)
            or any(unlock.reader == reader for unlock in model.unlocks)
        )

    def has_paid(self, model: Model, reader: str) -> bool:
        paid: list[Grant | Purchase] = [*model.grants, *model.purchases]
        return any(thing.reader == reader for thing in paid)

    def give(self, model: Model, reader: str, article: str, source: str, since: datetime) -> str:
        if model.has(reader, article):
            return "same"
        if source == "complimentary" and article not in model.articles:
            return "article_unknown"
        model.unlocks.append(Unlock(reader, article, since, len(model.unlocks)))
        return "new"

    def revoke(self, model: Model, reader: str, article: str, *, return_credits: bool) -> bool:
        for unlock in model.unlocks:
            if unlock.in_force and (unlock.reader, unlock.article) == (reader, article):
                self._end(model, unlock, return_credits=return_credits)
        return self.is_on_record(model, reader)

    def _end(self, model: Model, unlock: Unlock, *, return_credits: bool) -> None:
        unlock.in_force = False
        for grant in model.grants:
            for credit in grant.credits:
                if credit.spent_on is unlock and return_credits:
                    credit.spent_on = None

    def merge(self, model: Model, from_id: str, into_id: str) -> bool:
        """Whether there was anything to merge, now or before."""
        if not self.is_on_record(model, from_id):
            return (from_id, into_id) in self.merged
        for article in {unlock.article for unlock in model.unlocks}:
            pair = [
                unlock
                for unlock in model.unlocks
                if unlock.in_force
                and unlock.article == article
                and unlock.reader in (from_id, into_id)
            ]
            if len(pair) > 1:
                newer = max(pair, key=lambda unlock: (unlock.at, unlock.number))
                self._end(model, newer, return_credits=True)
        self._rename(model, from_id, into_id)
        model.prepaid.merge(from_id, into_id, model.now)
        model.prepaid.play()
        model.views = {
            (kind, into_id if (kind, viewer) == ("reader", from_id) else viewer, month, article)
            for kind, viewer, month, article in model.views
        }
        self.merged.add((from_id, into_id))
        return True

    def erase(self, model: Model, reader: str, tombstone: str) -> bool:
        """Whether anything stays under the tombstone: what was paid or granted."""
        ids = {reader}
        while more := {one for one, into in self.merged if into in ids} - ids:
            ids |= more
        ids = {one for one in ids if one == reader or not self.is_on_record(model, one)}
        self.merged = {pair for pair in self.merged if not ids & set(pair)}
        model.prepaid.complimentary.pop(reader, None)
        model.views = {view for view in model.views if view[1] not in ids}
        is_kept = self.has_paid(model, reader)
        self._rename(model, reader, tombstone)
        model.prepaid.rename(reader, tombstone, model.now)
        return is_kept

    def _rename(self, model: Model, reader: str, name: str) -> None:
        for things in (model.grants, model.unlocks, model.purchases):
            for thing in things:
                if thing.reader == reader:
                    thing.reader = name
