"""What a gate remembers of who passed, here and at the other gates of its zone; it survives a restart.

The edge and the controller of a gate each keep one. What the gate saw itself and what the server told are kept apart
and joined when somebody asks: the later one counts, and of the server's word only as long as it is fresh.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self
from uuid import UUID

from access.passages.model import (
    REMEMBERED,
    TRUSTED_FOR,
    PresencePage,
    ZonePass,
    counts,
    is_inside,
    last_pass,
    newer,
    number_inside,
)
from access.passages.store import PassStore, Source
from access.policy import Direction, GatePolicy
from access.rules import PassState
from access.snapshot import PersonEntry
from database.sealing import Sealer

_MOST = 100_000
_LONGEST_WAIT = timedelta(seconds=60)
"""A grant of which nothing was heard for so long waits for no passage any more, whatever became of it."""
REPEAT = timedelta(seconds=2)
"""So soon after somebody opened the door, what they show still belongs to that passage."""

Find = Callable[[UUID], PersonEntry | None]


@dataclass(slots=True)
class _Zone:
    """What is known of the zone beside single passages. `subject`: the zone and the group that comes first."""

    subject: str = ""
    revision: int = 0
    inside: int = 0
    first_at: datetime | None = None
    forgiven_before: datetime | None = None

    def to_rows(self) -> dict[str, str]:
        return {
            "subject": self.subject,
            "revision": str(self.revision),
            "inside": str(self.inside),
            "first_at": _text(self.first_at),
            "forgiven_before": _text(self.forgiven_before),
        }

    @classmethod
    def from_rows(cls, rows: Mapping[str, str]) -> Self:
        if not rows:
            return cls()
        times = _time(rows["first_at"]), _time(rows["forgiven_before"])
        return cls(rows["subject"], int(rows["revision"]), int(rows["inside"]), *times)


@dataclass(slots=True)
class _Waiting:
    """A grant that waits for its passage until `until`, and what was known before it."""

    granted: ZonePass
    own: ZonePass | None
    known: ZonePass | None
    partner: UUID | None
    until: datetime

    @property
    def before(self) -> ZonePass | None:
        return newer(self.own, self.known)


class PassageLog:
    """The passages that the rules look back on. Safe for threads."""

    def __init__(self, path: Path | None, sealer: Sealer | None, *, gate: str) -> None:
        """Open the book of `gate` at `path`, sealed, or begin a new one where there is none or it cannot be read."""
        self._lock = threading.Lock()
        self._store = PassStore(path, sealer, gate=gate)
        self._zone = _Zone.from_rows(self._store.meta)
        self._own, self._known = self._store.passes["own"], self._store.passes["known"]
        self._granted: dict[UUID, _Waiting] = {}
        self._waiting: tuple[UUID, datetime] | None = None
        self._heard_at: datetime | None = None

    @classmethod
    def in_memory(cls) -> Self:
        """Return a book that is forgotten with the process."""
        return cls(None, None, gate="-")

    @property
    def revision(self) -> int:
        """The zone's revision up to which everything is known (0: nothing)."""
        return self._zone.revision

    @property
    def heard_at(self) -> datetime | None:
        """When the server last told all it knows; None since the start."""
        return self._heard_at

    def passed(self, person: PersonEntry, policy: GatePolicy, direction: Direction, at: datetime) -> None:
        """Note that somebody was let through here."""
        one = ZonePass(person_id=person.person_id, gate=policy.gate, direction=direction, at=at)
        with self._lock:
            own, known = self._own.get(person.person_id), self._known.get(person.person_id)
            partner = self._waiting[0] if self._waiting is not None else None
            self._granted[person.person_id] = _Waiting(one, own, known, partner, at)
            self._own[person.person_id] = one
            self._waiting = None
            self._note_first(person, policy, at)
            self._store.keep("own", [one], self._zone.to_rows())
            if len(self._own) > _MOST:
                self._drop("own", [min(self._own.values(), key=lambda each: each.at).person_id])

    def granted(self, person: PersonEntry, policy: GatePolicy, direction: Direction, at: datetime) -> None:
        """Note that somebody may pass here: for others it counts at once, for them when it was `settled`."""
        self.passed(person, policy, direction, at)
        with self._lock:
            self._granted[person.person_id].until = at + _LONGEST_WAIT

    def not_taken(self, person_id: UUID) -> None:
        """Take the last passage of somebody here back: the door was opened for them, and they did not go."""
        with self._lock:
            granted = self._granted.pop(person_id, None)
            if granted is None or granted.own is None:
                self._drop("own", [person_id])
            else:
                self._own[person_id] = granted.own
                self._store.keep("own", [granted.own], self._zone.to_rows())

    def began(self, person_id: UUID, at: datetime) -> None:
        """Note that somebody opened the door on their grant: for a moment yet their card may lie on the reader."""
        self._settle([person_id], at + REPEAT)

    def settled(self, person_id: UUID | None, at: datetime) -> None:
        """Note that the grant of somebody (None: of everybody) was taken, or that nobody will ever know."""
        self._settle([person_id] if person_id is not None else list(self._granted), at)

    def waits(self, person_id: UUID, at: datetime) -> None:
        """Note that somebody showed themselves and waits for a second person."""
        with self._lock:
            self._waiting = (person_id, at)

    def redate(self, now: datetime) -> None:
        """Bring what was noted while the clock was ahead down to `now`, or it would count until that time comes."""
        with self._lock:
            ahead = [one.model_copy(update={"at": now}) for one in self._own.values() if one.at > now]
            self._own.update({one.person_id: one for one in ahead})
            self._granted = {person: one for person, one in self._granted.items() if one.granted.at <= now}
            if self._zone.first_at is not None and self._zone.first_at > now:
                self._zone.first_at = None
            if self._heard_at is not None and self._heard_at > now:
                self._heard_at = None
            if ahead:
                self._store.keep("own", ahead, self._zone.to_rows())

    def expects(self, policy: GatePolicy) -> int:
        """Return the revision to ask from: 0 after the zone or the group that comes first was changed."""
        groups = policy.first_person.groups if policy.first_person is not None else ()
        subject = f"{policy.inner_zone}|{','.join(groups)}"
        with self._lock:
            if subject != self._zone.subject:
                self._zone = _Zone(subject)
            return self._zone.revision

    def take(self, page: PresencePage, policy: GatePolicy, find: Find, at: datetime) -> None:
        """Take over what the server says; `find` tells the groups of a person, for the one who must come first."""
        with self._lock:
            if page.whole:
                self._known.clear()
                self._zone.first_at = None
            self._known.update({one.person_id: one for one in page.passes})
            self._zone.inside, self._zone.forgiven_before = page.inside, page.forgiven_before
            self._zone.revision = page.to_revision
            for one in page.passes if policy.first_person is not None else ():
                if one.gate is not None and (person := find(one.person_id)) is not None:
                    self._note_first(person, policy, one.at)
            if page.is_complete:
                self._heard_at = at
            if page.passes or page.whole:
                self._store.keep("known", page.passes, self._zone.to_rows(), anew=page.whole)
            for source, passes in (("own", self._own), ("known", self._known)):
                old = [person for person, one in passes.items() if at - one.at > REMEMBERED]
                self._drop("own" if source == "own" else "known", old)
            self._granted = {
                person: one for person, one in self._granted.items() if at - one.granted.at < _LONGEST_WAIT
            }

    def holds(self, person_id: UUID, now: datetime) -> bool:
        """Tell whether somebody has a grant here that waits for its passage, or passed on it just now."""
        with self._lock:
            return self._grant_of(person_id, now) is not None

    def state_for(
        self,
        person_id: UUID,
        policy: GatePolicy,
        now: datetime,
        synced_at: datetime | None,
        *,
        renews: bool = False,
    ) -> PassState:
        """Return what is known when `person_id` asks at `now`.

        With `renews`, whoever has a grant that waits for its passage is asked about as before it: they have not passed.
        """
        with self._lock:
            zone = self._zone
            granted = self._grant_of(person_id, now) if renews else None
            heard = self._heard_at is not None and abs(now - self._heard_at) <= TRUSTED_FOR
            last = newer(self._own.get(person_id), self._known.get(person_id))
            waiting, since = self._waiting or (None, None)
            if granted is not None:
                last = last if last is not None and last.at > granted.granted.at else granted.before
                waiting, since = (granted.partner, now) if granted.partner is not None else (waiting, since)
            inside = None
            if heard and policy.occupancy is not None:
                inside = number_inside(
                    zone.inside, self._own, self._known, now=now, forgiven_before=zone.forgiven_before
                )
                if granted is not None:
                    was, will = (is_inside(one, now, zone.forgiven_before) for one in (granted.before, granted.granted))
                    inside -= int(will) - int(was)
            return PassState(
                synced_at=synced_at,
                # Where no zone lies behind the gate, no other gate leads there.
                passages_known=heard or policy.inner_zone is None,
                last_pass=last_pass(last, policy) if last and counts(last, now, zone.forgiven_before) else None,
                inside=inside,
                first_passed_at=zone.first_at,
                waiting=waiting,
                waiting_since=since,
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._store.close()

    def _settle(self, people: list[UUID], until: datetime) -> None:
        with self._lock:
            for person in people:
                if (granted := self._granted.get(person)) is not None:
                    granted.until = min(granted.until, until)

    def _grant_of(self, person_id: UUID, now: datetime) -> _Waiting | None:
        granted = self._granted.get(person_id)
        return granted if granted is not None and granted.granted.at - REPEAT <= now < granted.until else None

    def _note_first(self, person: PersonEntry, policy: GatePolicy, at: datetime) -> None:
        rule = policy.first_person
        if rule is not None and set(rule.groups) & set(person.groups):
            self._zone.first_at = max(at, self._zone.first_at or at)

    def _drop(self, source: Source, people: list[UUID]) -> None:
        passes = self._own if source == "own" else self._known
        for person in people:
            passes.pop(person, None)
        self._store.drop(source, people)


def _text(at: datetime | None) -> str:
    return at.isoformat() if at is not None else ""


def _time(text: str) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
