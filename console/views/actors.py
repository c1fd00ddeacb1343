"""Who did something, as the audit trail names them, in words."""

from collections.abc import Collection
from uuid import UUID

from console.services import Names


def name_actors(names: Names, actors: Collection[str]) -> dict[str, str]:
    """Return the name of each actor that is a person; others are not there."""
    people = {}
    for actor in actors:
        kind, _, given = actor.partition(":")
        if kind == "person":
            try:
                people[actor] = UUID(given)
            except ValueError:
                continue
    known = names(set(people.values()))
    return {actor: known[person_id] for actor, person_id in people.items() if person_id in known}
