"""What a gate did, in order, as its process told while it lived, and the judgement of it. No clock, no processes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from access.reasons import Reason
from gate_controller.readers.freshness import STALE_S
from messages import MAX_TTL_MS, Event, EventKind

_LATEST_S = MAX_TTL_MS / 1000 + 3.0
"""The oldest an obeyed command may be: its life, the tolerance between clocks, and a moment to act."""
_WAITS_S = STALE_S + 1.0
"""How long after its grant was told the relay may be energised: a slow disk is waited for so long, and a moment."""


@dataclass(frozen=True, slots=True)
class Started:
    """A process of the controller began; its relay has no power."""


@dataclass(frozen=True, slots=True)
class Emitting:
    """An event is about to be put into the outbox."""

    event: Event
    at_s: float
    """Monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The outbox has taken an event: from here on it must not be lost."""

    event_id: UUID


@dataclass(frozen=True, slots=True)
class RelayMoved:
    """The relay was energised or released."""

    energised: bool
    at_s: float | None = None
    """Monotonic seconds."""


Entry = Started | Emitting | Kept | RelayMoved
History = Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the judge knows from elsewhere."""

    may_pass: frozenset[UUID]
    """People whom the directory lets in."""
    lost_card_of: UUID
    """Somebody of them whose card was reported as lost while the gates were at work."""
    commands: Mapping[UUID, float]
    """Commands that were signed by the edge for the boot of that time, by id: when (monotonic seconds)."""
    journal: Counter[UUID]
    decided_twice: int
    """Taps with more than one decision in the journal."""


@dataclass(slots=True)
class Judgement:
    """What is wrong (nothing, it is to be hoped), and how much was seen."""

    violations: list[str] = field(default_factory=list)
    events: int = 0
    openings: int = 0
    refusals: Counter[str] = field(default_factory=Counter)


def judge(histories: Mapping[str, History], facts: Facts) -> Judgement:
    """Hold every gate's history against the facts."""
    judgement = Judgement()
    told: set[UUID] = set()
    for gate, history in histories.items():
        kept = {entry.event_id for entry in history if isinstance(entry, Kept)}
        events = [entry for entry in history if isinstance(entry, Emitting)]
        told |= {entry.event.id for entry in events}
        judgement.events += len(kept)
        judgement.openings += count_openings(history)
        judgement.refusals.update(refusals_in(history))
        lost = len(kept - facts.journal.keys())
        found = [f"{lost} events lost"] if lost else []
        found += [
            *_openings(history),
            *_late(history, facts),
            *_grants(events, facts),
            *_revocation(events, facts),
            *_nonces(events),
        ]
        judgement.violations += [f"{gate}: {each}" for each in found]
    if strange := len(facts.journal.keys() - told):
        judgement.violations.append(f"{strange} events in the journal that no gate has emitted")
    if twice := sum(count - 1 for count in facts.journal.values()) + facts.decided_twice:
        judgement.violations.append(f"{twice} events twice in the journal")
    return judgement


def count_openings(history: History) -> int:
    """Return how often the relay was energised."""
    return sum(isinstance(entry, RelayMoved) and entry.energised for entry in history)


def refusals_in(history: History) -> list[str]:
    """Return the reason of each refusal."""
    return [
        str(entry.event.reason) for entry in history if isinstance(entry, Emitting) and entry.event.granted is False
    ]


def _openings(history: History) -> list[str]:
    """Every opening has its grant on record before it."""
    found, granted = [], False
    grants: set[UUID] = set()
    for entry in history:
        match entry:
            case Started():
                granted = False
            case Emitting(event) if event.kind == EventKind.ACCESS_GRANTED and event.granted:
                grants.add(event.id)
            case Kept(event_id) if event_id in grants:
                granted = True
            case RelayMoved(energised):
                if energised and not granted:
                    found.append("an opening without a grant on record")
                granted = granted and energised
    return found


def _late(history: History, facts: Facts) -> list[str]:
    """No relay is energised long after its grant was told, or by a command that is no longer alive."""
    found = []
    last: Emitting | None = None
    for entry in history:
        match entry:
            case Emitting(event) if event.kind == EventKind.ACCESS_GRANTED and event.granted:
                last = entry
            case RelayMoved(energised=True, at_s=float(at_s)) if last is not None:
                sent_s = None if last.event.command_id is None else facts.commands.get(last.event.command_id)
                if at_s - last.at_s > _WAITS_S:
                    found.append(f"an opening {at_s - last.at_s:.1f} s after its grant")
                elif sent_s is not None and at_s - sent_s > _LATEST_S:
                    found.append(f"an opening by a command {at_s - sent_s:.1f} s old")
    return found


def _grants(events: Sequence[Emitting], facts: Facts) -> list[str]:
    """Every grant is by somebody's card, or by a command that was young and meant."""
    found = []
    for event, at_s in ((entry.event, entry.at_s) for entry in events if entry.event.granted):
        if event.person_id not in facts.may_pass:
            found.append(f"a grant to a person without a right ({event.method})")
        if event.command_id is not None:
            sent_s = facts.commands.get(event.command_id)
            if sent_s is None:
                found.append("a grant by a command that nobody entitled has given")
            elif at_s - sent_s > _LATEST_S:
                found.append(f"a grant by a command {at_s - sent_s:.1f} s old")
        elif event.tap_id is None:
            found.append("a grant without tap or command")
    return found


def _revocation(events: Sequence[Emitting], facts: Facts) -> list[str]:
    """Once a gate has refused the lost card, it never takes it again."""
    known = False
    for event in (entry.event for entry in events):
        if event.person_id == facts.lost_card_of and event.tap_id is not None:
            if event.granted and known:
                return ["a lost card was taken again after it had been refused"]
            known = known or event.reason == Reason.CARD_LOST
    return []


def _nonces(events: Sequence[Emitting]) -> list[str]:
    """No command is obeyed twice. A command has one nonce, and a nonce one command."""
    obeyed = Counter(entry.event.command_id for entry in events if entry.event.granted and entry.event.command_id)
    return [f"a command obeyed {count} times" for count in obeyed.values() if count > 1]
