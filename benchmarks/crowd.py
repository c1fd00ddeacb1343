"""Thousands of made-up people with accounts and cards, written as rows: the ways that accounts offer take minutes."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session


def insert_people(
    session: Session,
    ids: Sequence[UUID],
    now: datetime,
    *,
    number_of: Callable[[int], str],
    uid_of: Callable[[int], str],
    groups_of: Callable[[int], Sequence[str]],
    first: int = 0,
) -> None:
    """Add people under `ids`, each with an empty wallet, a card and groups; the functions are asked from `first` on."""
    from sqlalchemy import insert

    from accounts import cards
    from accounts.ledger.tables import LedgerAccount
    from accounts.people import changes
    from accounts.tables import Card, Person, PersonGroup
    from accounts.vocabulary import CardKind, CardState, PersonKind, PersonState
    from database import new_id

    who = {"name": "made up", "kind": PersonKind.STUDENT, "state": PersonState.ACTIVE}
    times = {"created_at": now, "updated_at": now, "valid_from": now - timedelta(days=1)}
    numbered = list(enumerate(ids, start=first))
    session.execute(
        insert(Person), [{"id": person, "number": number_of(number), **who, **times} for number, person in numbered]
    )
    wallet = {"kind": "wallet", "name": "", "state": "active", "balance": 0, "held": 0, "opened_at": now}
    session.execute(insert(LedgerAccount), [{"id": person, **wallet} for person in ids])
    groups = [{"person_id": person, "name": name} for number, person in numbered for name in groups_of(number)]
    if groups:
        session.execute(insert(PersonGroup), groups)
    card = {"kind": CardKind.PHYSICAL, "state": CardState.ACTIVE, "issued_at": now}
    session.execute(
        insert(Card),
        [
            {"id": new_id(), "person_id": person, "uid_digest": cards.uid_digest(session, uid_of(number)), **card}
            for number, person in numbered
        ],
    )
    changes.record(session, *ids)
