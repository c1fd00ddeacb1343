"""What a gate remembers of who passed, here and at the other gates of its zone; it survives a restart.

The edge and the controller of a gate each keep one. What the gate saw itself and what the server said are kept apart
and joined when a decision asks: the later one counts, and what the server said only as long as it is fresh.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self
from uuid import UUID

from access.passages.meta import ZoneMeta, subject_of
from access.passages.model import (
    REMEMBERED,
    TRUSTED_FOR,
    PresencePage,
    ZonePass,
    count_inside,
    counts,
    is_inside,
    last_passage_of,
    later_of,
)
from access.passages.standing import Verdict, ZoneStanding, judge
from access.passages.store import PassageStore, Source
from access.policy import Direction, GatePolicy
from access.rules import AccessContext
from access.snapshot import PersonEntry
from database.sealing import Sealer

_MOST = 100_000
_LONGEST_WAIT = timedelta(seconds=60)
"""A grant of which nothing was heard for so long waits for no passage any more, whatever became of it."""
REPEAT = timedelta(seconds=2)
"""So soon after somebody opened the door, what they show still belongs to that passage."""

FindPerson = Callable[[UUID], PersonEntry | None]


@dataclass(slots=True)
class _PendingGrant:
    """A grant that waits for its passage, and what was known before it."""

    passage: ZonePass
    own: ZonePass | None
    known: ZonePass | None
    partner: UUID | None
    """Who had shown themselves before, where two persons are asked for."""
    until: datetime

    @property
    def before(self) -> ZonePass | None:
        return later_of(self.own, self.known)


class PassageLog:
    """The passages that the rules look back on. Safe for threads."""

    def __init__(self, path: Path | None, sealer: Sealer | None, *, gate: str) -> None:
        """Open the log of `gate` at `path`, sealed, or begin a new one where there is none or it cannot be read."""
        self._lock = threading.Lock()
        self._store = PassageStore(path, sealer, gate=gate)
        self._zone = ZoneMeta.from_rows(self._store.meta)
        self._own, self._known = self._store.passages["own"], self._store.passages["known"]
        self._grants: dict[UUID, _PendingGrant] = {}
        self._first_of_two: tuple[UUID, datetime] | None = None
        """Who showed themselves and waits for a second person, and since when."""
        self._heard_at: datetime | None = None
        self._told_at: datetime | None = None
        self._server_at: datetime | None = None
        """By the server's clock: when it last answered or was believed unasked. No word from before counts again."""

    @classmethod
    def in_memory(cls) -> Self:
        """Return a log that is forgotten with the process."""
        return cls(None, None, gate="-")

    @property
    def revision(self) -> int:
        """The zone's revision up to which everything is known (0: nothing)."""
        return self._zone.revision

    @property
    def heard_at(self) -> datetime | None:
        """When the server last said all it knows; None since the start."""
        return self._heard_at

    @property
    def told_at(self) -> datetime | None:
        """When the server last said unasked that all is known here; None since the start, or since anything changed."""
        return self._told_at

    def record_passage(self, person: PersonEntry, policy: GatePolicy, direction: Direction, at: datetime) -> None:
        """Record that somebody was let through here."""
        with self._lock:
            self._record_grant(person, policy, direction, at, until=at)

    def record_grant(self, person: PersonEntry, policy: GatePolicy, direction: Direction, at: datetime) -> None:
        """Record that somebody may pass here: for others it counts at once, for them once it is settled."""
        with self._lock:
            self._record_grant(person, policy, direction, at, until=at + _LONGEST_WAIT)

    def record_not_taken(self, person_id: UUID) -> None:
        """Take the last passage of somebody here back: the door was opened for them, and they did not go."""
        with self._lock:
            grant = self._grants.pop(person_id, None)
            if grant is None or grant.own is None:
                self._drop("own", [person_id])
            else:
                self._own[person_id] = grant.own
                self._store.keep("own", [grant.own], self._zone.to_rows())

    def record_opening(self, person_id: UUID, at: datetime) -> None:
        """Record that somebody opened the door on their grant: for a moment yet their card may lie on the reader."""
        self._settle([person_id], at + REPEAT)

    def settle(self, person_id: UUID | None, at: datetime) -> None:
        """Record that the grant of somebody (None: of everybody) was taken, or that nobody will ever know."""
        self._settle([person_id] if person_id is not None else list(self._grants), at)

    def record_first_of_two(self, person_id: UUID, at: datetime) -> None:
        """Record that somebody showed themselves and waits for a second person."""
        with self._lock:
            self._first_of_two = (person_id, at)

    def redate(self, now: datetime) -> None:
        """Bring what was recorded while the clock was ahead down to `now`, or it would count until that time comes."""
        with self._lock:
            ahead = [one.model_copy(update={"at": now}) for one in self._own.values() if one.at > now]
            self._own.update({one.person_id: one for one in ahead})
            self._grants = {person: grant for person, grant in self._grants.items() if grant.passage.at <= now}
            if self._zone.first_at is not None and self._zone.first_at > now:
                self._zone.first_at = None
            if self._heard_at is not None and self._heard_at > now:
                self._heard_at = None
            if self._told_at is not None and self._told_at > now:
                self._told_at = None
            if ahead:
                self._store.keep("own", ahead, self._zone.to_rows())

    def begin_fetch(self, policy: GatePolicy) -> int:
        """Return the revision to ask the server from: 0 after the zone or the group that comes first was changed."""
        subject = subject_of(policy)
        with self._lock:
            if subject != self._zone.subject:
                self._zone = ZoneMeta(subject)
                self._heard_at = self._told_at = self._server_at = None
            return self._zone.revision

    def apply(
        self,
        page: PresencePage,
        policy: GatePolicy,
        find_person: FindPerson,
        at: datetime,
        *,
        server_at: datetime | None = None,
    ) -> None:
        """Apply what the server answered to a question asked at `at`, at `server_at` by its own clock (None: unsaid).

        `find_person` gives the groups of the one who must come first.
        """
        with self._lock:
            if page.whole:
                self._known.clear()
                self._zone.first_at = None
            self._known.update({one.person_id: one for one in page.passes})
            self._zone.inside, self._zone.forgiven_before = page.inside, page.forgiven_before
            self._zone.revision = page.to_revision
            if policy.first_person is not None:
                self._record_first_persons(page, policy, find_person)
            # A word believed while the answer was on its way is later than it.
            self._server_at = max(server_at, self._server_at or server_at) if server_at is not None else None
            if page.is_complete:
                self._heard_at = at
            if page.passes or page.whole:
                self._store.keep("known", page.passes, self._zone.to_rows(), anew=page.whole)
            self._drop_old(at)

    def confirm(self, standing: ZoneStanding, policy: GatePolicy, now: datetime) -> Verdict:
        """Take what the server said unasked: where all of it is known here, it counts as an answer of its time."""
        with self._lock:
            if standing.zone != policy.inner_zone:
                return Verdict.ANOTHER_ZONE
            if subject_of(policy) != self._zone.subject:
                return Verdict.CHANGED
            verdict = judge(standing, held=self._zone.revision, server_at=self._server_at, now=now)
            if verdict is Verdict.CONFIRMS:
                self._server_at = standing.at
                self._zone.inside, self._zone.forgiven_before = standing.inside, standing.forgiven_before
                self._told_at = min(standing.at, now)
                if self._heard_at is None or not self._told_at < self._heard_at <= now:
                    self._heard_at = self._told_at
            return verdict

    def has_grant(self, person_id: UUID, now: datetime) -> bool:
        """Return whether somebody has a grant here that waits for its passage, or passed on it just now."""
        with self._lock:
            return self._grant_of(person_id, now) is not None

    def context_for(
        self,
        person_id: UUID,
        policy: GatePolicy,
        now: datetime,
        synced_at: datetime | None,
        *,
        renews: bool = False,
    ) -> AccessContext:
        """Return what is known when `person_id` asks at `now`.

        With `renews`, whoever has a grant that waits for its passage is asked about as before it: they have not passed.
        """
        with self._lock:
            zone = self._zone
            grant = self._grant_of(person_id, now) if renews else None
            heard = self._heard_at is not None and abs(now - self._heard_at) <= TRUSTED_FOR
            last = later_of(self._own.get(person_id), self._known.get(person_id))
            waiting, since = self._first_of_two or (None, None)
            if grant is not None:
                last = last if last is not None and last.at > grant.passage.at else grant.before
                waiting, since = (grant.partner, now) if grant.partner is not None else (waiting, since)
            last_counts = counts(last, now, zone.forgiven_before)
            return AccessContext(
                synced_at=synced_at,
                # Where no zone lies behind the gate, no other gate leads there.
                passages_known=heard or policy.inner_zone is None,
                last_passage=last_passage_of(last, policy) if last is not None and last_counts else None,
                inside=self._count_inside(now, grant) if heard and policy.occupancy is not None else None,
                first_passed_at=zone.first_at,
                waiting=waiting,
                waiting_since=since,
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._store.close()

    def _record_grant(
        self, person: PersonEntry, policy: GatePolicy, direction: Direction, at: datetime, *, until: datetime
    ) -> None:
        passage = ZonePass(person_id=person.person_id, gate=policy.gate, direction=direction, at=at)
        own, known = self._own.get(person.person_id), self._known.get(person.person_id)
        partner = self._first_of_two[0] if self._first_of_two is not None else None
        self._grants[person.person_id] = _PendingGrant(passage, own, known, partner, until)
        self._own[person.person_id] = passage
        self._first_of_two = None
        self._record_first_person(person, policy, at)
        self._store.keep("own", [passage], self._zone.to_rows())
        if len(self._own) > _MOST:
            self._drop("own", [min(self._own.values(), key=lambda one: one.at).person_id])

    def _settle(self, people: list[UUID], until: datetime) -> None:
        with self._lock:
            for person in people:
                if (grant := self._grants.get(person)) is not None:
                    grant.until = min(grant.until, until)

    def _grant_of(self, person_id: UUID, now: datetime) -> _PendingGrant | None:
        grant = self._grants.get(person_id)
        return grant if grant is not None and grant.passage.at - REPEAT <= now < grant.until else None

    def _count_inside(self, now: datetime, renewed: _PendingGrant | None) -> int:
        """Return how many are in the zone, as before the grant that is `renewed`."""
        forgiven_before = self._zone.forgiven_before
        inside = count_inside(self._zone.inside, self._own, self._known, now=now, forgiven_before=forgiven_before)
        if renewed is not None:
            before = is_inside(renewed.before, now, forgiven_before)
            inside -= int(is_inside(renewed.passage, now, forgiven_before)) - int(before)
        return inside

    def _record_first_persons(self, page: PresencePage, policy: GatePolicy, find_person: FindPerson) -> None:
        for one in page.passes:
            if one.gate is not None and (person := find_person(one.person_id)) is not None:
                self._record_first_person(person, policy, one.at)

    def _record_first_person(self, person: PersonEntry, policy: GatePolicy, at: datetime) -> None:
        rule = policy.first_person
        if rule is not None and set(rule.groups) & set(person.groups):
            self._zone.first_at = max(at, self._zone.first_at or at)

    def _drop_old(self, now: datetime) -> None:
        for source, passages in self._store.passages.items():
            self._drop(source, [person for person, one in passages.items() if now - one.at > REMEMBERED])
        pending = self._grants.items()
        self._grants = {person: grant for person, grant in pending if now - grant.passage.at < _LONGEST_WAIT}

    def _drop(self, source: Source, people: list[UUID]) -> None:
        for person in people:
            self._store.passages[source].pop(person, None)
        self._store.drop(source, people)
