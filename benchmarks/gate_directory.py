"""A directory of made-up people and a few real ones, as a gate's replica."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import numpy as np
import numpy.typing as npt

from access.credentials import card_digest
from access.policy import GatePolicy, Rule
from access.replica import Replica
from access.snapshot import (
    Change,
    ChangePage,
    CredentialEntry,
    PersonEntry,
    View,
    add_digest,
    directory_digest,
)
from database import Sealer

GATE = "north"
CREDENTIAL_KEY = bytes(range(32))
_GROUP = "residents"


@dataclass(frozen=True, slots=True)
class People:
    """How many are made up, with the model of their templates; `real` are templates of people who will appear."""

    made_up: int
    model_id: str
    real: tuple[npt.NDArray[np.float32], ...]

    @property
    def dimension(self) -> int:
        """Numbers in a template."""
        return int(self.real[0].shape[0])


def card_of(number: int) -> str:
    """Return the card UID of person `number`."""
    return f"04{number:012X}"


def fill(path: Path, people: People, view: View) -> Replica:
    """Return a replica at `path` that holds `people`; the real ones come first, with ids 1, 2, ….

    A view of cards only is a controller's, and holds no templates.
    """
    replica = Replica(path, Sealer(bytes(32)), gate=GATE, models=(people.model_id,), view=view)
    policy = GatePolicy(gate=GATE, model_id=people.model_id, rules=(Rule(group=_GROUP),))
    generator = np.random.default_rng(2026)
    strangers = generator.standard_normal((people.made_up, people.dimension), dtype=np.float32)
    strangers /= np.linalg.norm(strangers, axis=1, keepdims=True)
    vectors: Sequence[npt.NDArray[np.float32]] = [*people.real, *strangers]
    changes, total = [], 0
    for number, vector in enumerate(vectors, start=1):
        entry = PersonEntry(
            person_id=UUID(int=number),
            groups=(_GROUP,),
            credentials=(CredentialEntry(kind="card", digest=card_digest(CREDENTIAL_KEY, card_of(number))),),
            templates=(vector.astype("<f2").tobytes(),) if view == "full" else (),
        )
        changes.append(Change(revision=number, person_id=entry.person_id, entry=entry))
        total = add_digest(total, entry.digest())
    last = len(changes)
    page = ChangePage(
        policy=policy,
        view=view,
        from_revision=0,
        to_revision=last,
        revoked_from=0,
        revoked_to=last,
        latest_revision=last,
        changes=tuple(changes),
        digest_when_complete=directory_digest(policy, total),
    )
    if not replica.apply(page, datetime.now(UTC)):
        raise AssertionError("the replica does not equal what it was given")
    return replica
