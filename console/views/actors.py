"""Who did something, as the audit trail names them, in words."""

from collections.abc import Collection
from uuid import UUID

from console.services import Names


def name_actors(names: Names, actors: Collection[str]) -> dict[str, str]:
    """Return the name of each actor that is a person; others are not there."""
    people = {actor: person_id for actor in actors if (person_id := person_of(actor)) is not None}
    known = names(set(people.values()))
    return {actor: known[person_id] for actor, person_id in people.items() if person_id in known}


def person_of(actor: str) -> UUID | None:
    """Return which person an actor or a subject of the trail is; None for any other."""
    kind, _, given = actor.partition(":")
    if kind != "person":
        return None
    try:
        return UUID(given)
    except ValueError:
        return None
