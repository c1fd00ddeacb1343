"""Which pages a person may open, and which one is theirs."""

from collections.abc import Collection
from dataclasses import dataclass

from accounts.vocabulary import Role
from console.dependencies import REVIEWERS, STAFF


@dataclass(frozen=True, slots=True)
class Destination:
    """A page in the navigation: the key of its words, and its route."""

    words: str
    route: str


_PHOTO = Destination("nav.photo", "photo_page")
_USAGE = Destination("nav.usage", "usage_page")
_REVIEWS = Destination("nav.reviews", "reviews_page")
_BOARD = Destination("nav.board", "gate_board")
_METERING = Destination("nav.metering", "metering_page")


def destinations(roles: Collection[Role]) -> list[Destination]:
    """Return the pages that people with these roles may open, their own page first."""
    found = []
    if STAFF & set(roles):
        found += [_BOARD, _METERING]
    if REVIEWERS & set(roles):
        found.append(_REVIEWS)
    return [*found, _PHOTO, _USAGE]
