"""Whom a policy reaches: how many people its groups hold, and who gains or loses a gate by a change."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.policy import GatePolicy
from accounts.tables import Person, PersonGroup
from accounts.vocabulary import PersonState


@dataclass(frozen=True, slots=True)
class Reach:
    """Numbers of people who are not closed; those with a visitor pass alone are not among them."""

    before: int
    after: int
    gained: int
    lost: int


def count_members(session: Session) -> dict[str, int]:
    """Return how many people are in each group, by name; groups of nobody are not there."""
    rows = session.execute(
        select(PersonGroup.name, func.count())
        .join(Person, Person.id == PersonGroup.person_id)
        .where(Person.state != PersonState.CLOSED)
        .group_by(PersonGroup.name)
        .order_by(PersonGroup.name)
    )
    return dict(rows.all())


def compare_reach(session: Session, before: GatePolicy, after: GatePolicy) -> Reach:
    """Return how many people may pass at some time by either policy, and how many by one of them alone."""
    old, new = before.entitled_groups, after.entitled_groups
    return Reach(
        _count(session, old, ()), _count(session, new, ()), _count(session, new, old), _count(session, old, new)
    )


def _count(session: Session, groups: Collection[str], but_not: Collection[str]) -> int:
    members = select(PersonGroup.person_id)
    query = (
        select(func.count())
        .select_from(Person)
        .where(Person.state != PersonState.CLOSED, Person.id.in_(members.where(PersonGroup.name.in_(groups))))
    )
    if but_not:
        query = query.where(Person.id.not_in(members.where(PersonGroup.name.in_(but_not))))
    return session.scalar(query) or 0
