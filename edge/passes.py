"""What this gate remembers of who passed: what the rules that look back need. Pure."""

from collections import OrderedDict
from datetime import datetime, timedelta
from uuid import UUID

from access.policy import Direction, GatePolicy
from access.rules import LastPass, PassState
from access.snapshot import PersonEntry

_REMEMBERED = timedelta(days=1)
_MOST = 100_000


class PassMemory:
    """The last pass of each person here, whoever let them in; forgotten after a day and by a restart.

    Passages at other gates are not known here, and the decision is told so.
    """

    def __init__(self) -> None:
        self._last: OrderedDict[UUID, LastPass] = OrderedDict()
        self._first_passed_at: datetime | None = None
        self._waiting: tuple[UUID, datetime] | None = None

    def passed(self, person: PersonEntry | UUID, gate: GatePolicy, direction: Direction, at: datetime) -> None:
        """Note a pass."""
        person_id = person if isinstance(person, UUID) else person.person_id
        zone = gate.outer_zone if direction is Direction.EXIT else gate.inner_zone
        self._last[person_id] = LastPass(gate.gate, direction, at, zone)
        self._last.move_to_end(person_id)
        while len(self._last) > _MOST or at - next(iter(self._last.values())).at > _REMEMBERED:
            self._last.popitem(last=False)
        rule = gate.first_person
        if rule is not None and not isinstance(person, UUID) and set(rule.groups) & set(person.groups):
            self._first_passed_at = at
        self._waiting = None

    def waits(self, person_id: UUID, at: datetime) -> None:
        """Note that somebody showed themselves and waits for a second person."""
        self._waiting = (person_id, at)

    def state_for(self, person_id: UUID, synced_at: datetime | None) -> PassState:
        """Return what is known when `person_id` asks."""
        waiting, since = self._waiting or (None, None)
        return PassState(
            synced_at=synced_at,
            passages_known=False,
            last_pass=self._last.get(person_id),
            first_passed_at=self._first_passed_at,
            waiting=waiting,
            waiting_since=since,
        )
