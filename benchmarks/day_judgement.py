"""Holds a played day against what database, ledger and controllers say of it. No clock, no processes."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from benchmarks.day_clients import HandedIn, Purchase
from benchmarks.fault_history import Emitting, History

LEAVES_S = 3.0
"""So long after somebody has left the picture a door may open for them: a vote, a command, and a busy machine."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A line of the journal: a payment."""

    id: UUID
    payer: UUID
    merchant: str
    fen: int


@dataclass(frozen=True, slots=True)
class Walk:
    """Somebody before a camera (monotonic seconds)."""

    gate: str
    since_s: float
    until_s: float
    may_pass: bool


@dataclass(frozen=True, slots=True)
class Money:
    """What is wrong with the payments of a day."""

    lost_fen: int
    """Acknowledged, and not in the journal as it was asked for."""
    unexplained_fen: int
    """In the journal, and never asked for; or moved twice; or missing from a wallet or a shop without a line."""
    asked_twice: int
    """Refused, or not answered to the end: the payer would have to be asked again."""
    faults: Sequence[str]


def judge_payments(
    purchases: Sequence[Purchase],
    recorded: Sequence[Recorded],
    people: Sequence[UUID],
    balances: Mapping[str, int],
    *,
    before: int,
) -> Money:
    """Hold payments against the journal, and the journal against what each payer and each shop has now.

    Args:
        purchases: what the tills asked for.
        recorded: the journal's payments to shops.
        people: ids by number.
        balances: what each payer and each shop has at the end, by id.
        before: what each payer had.
    """
    lines: dict[UUID, list[Recorded]] = defaultdict(list)
    for one in recorded:
        lines[one.id].append(one)
    lost = unexplained = 0
    faults: list[str] = []
    for purchase in purchases:
        asked = Recorded(purchase.id, people[purchase.payer], purchase.merchant, purchase.fen)
        found = lines.pop(purchase.id, [])
        if purchase.acknowledged_s is not None and asked not in found:
            lost += purchase.fen
            faults.append(f"payment {purchase.id} was acknowledged and is not in the journal as it was asked for")
        wrong = [one for one in found if one != asked] + [one for one in found if one == asked][1:]
        unexplained += sum(one.fen for one in wrong)
        faults += [f"payment {one.id} is in the journal twice, or otherwise than it was asked for" for one in wrong]
    for strange in lines.values():
        unexplained += sum(one.fen for one in strange)
        faults.append(f"payment {strange[0].id} is in the journal and was never asked for")
    spent: Counter[UUID] = Counter()
    taken: Counter[str] = Counter()
    for one in recorded:
        spent[one.payer] += one.fen
        taken[one.merchant] += one.fen
    expected = {str(payer): before - fen for payer, fen in spent.items()} | dict(taken)
    for who, has in expected.items():
        if balances[who] != has:
            unexplained += abs(balances[who] - has)
            faults.append(f"{who} has {balances[who]} fen and not {has}")
    asked_twice = [one for one in purchases if one.acknowledged_s is None]
    faults += [f"payment {one.id} was not taken: {one.refused or 'no answer'}" for one in asked_twice]
    return Money(lost, unexplained, len(asked_twice), faults)


def judge_photos(handed_in: Sequence[HandedIn], stored: Mapping[UUID, Sequence[str]]) -> list[str]:
    """Return what is wrong: each newcomer handed in one photo, so there is that one, `stored` by person."""
    found = []
    for one in handed_in:
        theirs = list(stored.get(one.person, ()))
        if one.acknowledged_s is None:
            found.append(f"{one.person} was not told of their photo: {one.refused or 'no answer'}")
        if len(theirs) > 1 or (one.photo is not None and theirs != [one.photo]):
            found.append(f"{one.person} has the photos {theirs} and was told of {one.photo}")
    return found


def judge_faces(histories: Mapping[str, History], walks: Sequence[Walk]) -> list[str]:
    """Return the openings for a face that nobody who may pass had shown, or had shown long before.

    `histories` are those of the gates with a camera, the times of their walks on the same clock.
    """
    found = []
    for gate, history in histories.items():
        here = [walk for walk in walks if walk.gate == gate and walk.may_pass]
        for entry in history:
            if not isinstance(entry, Emitting) or not entry.event.granted or entry.event.method != "face":
                continue
            last = max((walk for walk in here if walk.since_s <= entry.at_s), key=lambda one: one.since_s, default=None)
            if last is None:
                found.append(f"{gate}: an opening for a face before anybody came")
            elif entry.at_s - last.until_s > LEAVES_S:
                found.append(f"{gate}: an opening for a face {entry.at_s - last.until_s:.1f} s after it had left")
    return found


def signed_at_s(command: UUID, offset_s: float) -> float:
    """Return when a command was made, by its id (UUIDv7); `offset_s` is the monotonic clock against the wall's."""
    return (command.int >> 80) / 1000 + offset_s


def commands_of(histories: Mapping[str, History], offset_s: float) -> dict[UUID, float]:
    """Return when each command that was obeyed at these gates was made (monotonic seconds)."""
    return {
        entry.event.command_id: signed_at_s(entry.event.command_id, offset_s)
        for history in histories.values()
        for entry in history
        if isinstance(entry, Emitting) and entry.event.command_id is not None
    }
