"""Findings of the diagnosis of an installation."""

from typing import NamedTuple


class Diagnosis(NamedTuple):
    """Something wrong, in a sentence, and what to do about it, in another."""

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"
