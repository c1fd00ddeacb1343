"""Lines of a wallet as their holder reads them: what, where, when, how much, and what they undo."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.ledger.posting import entry_of
from accounts.ledger.sql import LINE_COLUMNS
from accounts.ledger.statement import StatementLine
from accounts.ledger.tables import Corrected, JournalTransfer, LedgerAccount
from accounts.ledger.transfer import AccountKind, Entry
from accounts.payments.wallet import METERED
from accounts.tables import Device
from accounts.topup.cash import KIOSK
from accounts.vocabulary import DeviceRole
from console.texts import TEXTS, Translate
from metering.rooms import registry
from metering.sessions.tables import WaterPlace, WaterSession

_BOOKED_LATER = timedelta(minutes=1)
"""A line is booked a moment after it happened; from here on its reader is told both times."""


@dataclass(frozen=True, slots=True)
class UndoneLine:
    """The line that another one takes back, whole or in part."""

    id: UUID
    words: str
    at: datetime
    amount: int


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line in words. Fen; `given_back` is what later lines took back of it; `booked_at` only where it came late."""

    id: UUID
    at: datetime
    booked_at: datetime | None
    purpose: str
    words: str
    place: str
    amount: int
    balance: int
    undoes: UndoneLine | None
    given_back: int
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """What and where, in one line."""
        return f"{self.words} · {self.place}" if self.place else self.words


@dataclass(frozen=True, slots=True)
class _Names:
    """What the other sides of a person's lines are called, in the reader's language."""

    person_id: UUID
    t: Translate
    accounts: dict[UUID, LedgerAccount] = field(default_factory=dict)
    rooms: dict[UUID, tuple[str, str]] = field(default_factory=dict)
    showers: dict[UUID, str] = field(default_factory=dict)
    """The places of showers, by session and by hold."""
    radius: frozenset[UUID] = frozenset()
    """The RADIUS servers among the devices that took money."""
    undone: dict[UUID, Entry] = field(default_factory=dict)
    given_back: dict[UUID, int] = field(default_factory=dict)

    def describe(self, line: StatementLine) -> ShownLine:
        """Return a line in words."""
        entry = line.entry
        is_late = entry.recorded_at - entry.occurred_at > _BOOKED_LATER
        return ShownLine(
            id=entry.id,
            at=entry.occurred_at,
            booked_at=entry.recorded_at if is_late else None,
            purpose=entry.purpose,
            words=self._name_purpose(entry),
            place=self._name_place(entry),
            amount=line.amount,
            balance=line.balance,
            undoes=self._describe_undone(entry),
            given_back=self.given_back.get(entry.id, 0),
            notes=_notes(entry),
        )

    def _describe_undone(self, entry: Entry) -> UndoneLine | None:
        earlier = self.undone.get(entry.corrects) if entry.corrects else None
        if earlier is None:
            return None
        return UndoneLine(earlier.id, self._name_purpose(earlier), earlier.occurred_at, earlier.amount)

    def _name_purpose(self, entry: Entry) -> str:
        is_network = entry.purpose == METERED and _device_of(entry) in self.radius
        return self.t("own_money.purpose_network" if is_network else f"own_money.purpose_{entry.purpose}")

    def _name_place(self, entry: Entry) -> str:
        other = entry.debit if entry.credit == self.person_id else entry.credit
        if other in self.rooms:
            return " ".join(self.rooms[other])
        shower = next((self.showers[key] for key in _shower_keys(entry) if key in self.showers), None)
        return shower or self._name_account(self.accounts.get(other))

    def _name_account(self, account: LedgerAccount | None) -> str:
        if account is None or account.kind in (AccountKind.SUSPENSE, AccountKind.FEE):
            return ""
        if account.kind == AccountKind.CHANNEL:
            return name_channel(account.name, self.t)
        if account.kind == AccountKind.CASH:
            return self.t("own_money.at_kiosk" if account.name.startswith(KIOSK) else "own_money.at_counter")
        return account.name


def describe_lines(session: Session, person_id: UUID, lines: Sequence[StatementLine], t: Translate) -> list[ShownLine]:
    """Return lines of a person's own wallet in words, in their order."""
    names = _find_names(session, person_id, [line.entry for line in lines], t)
    return [names.describe(line) for line in lines]


def name_channel(channel: str, t: Translate) -> str:
    """Return what a payment channel is called; one without words of its own by its name."""
    key = f"own_money.channel_{channel}"
    return t(key) if key in TEXTS else channel


def _notes(entry: Entry) -> tuple[str, ...]:
    details = _details(entry)
    found = []
    if details.get("offline"):
        found.append("own_money.note_offline")
    if details.get("by_rule"):
        found.append("own_money.note_automatic")
    return tuple(found)


def _find_names(session: Session, person_id: UUID, entries: Sequence[Entry], t: Translate) -> _Names:
    undone = _find_entries(session, {entry.corrects for entry in entries if entry.corrects})
    others = {one for entry in entries for one in (entry.debit, entry.credit)} - {person_id}
    found = {one.id: one for one in session.scalars(select(LedgerAccount).where(LedgerAccount.id.in_(others)))}
    rooms = {one.id for one in found.values() if one.kind == AccountKind.ROOM}
    return _Names(
        person_id,
        t,
        accounts=found,
        rooms=registry.find_names(session, rooms),
        showers=_find_showers(session, person_id, [*entries, *undone.values()]),
        radius=_find_radius(session, [*entries, *undone.values()]),
        undone=undone,
        given_back=_find_given_back(session, [entry.id for entry in entries]),
    )


def _find_showers(session: Session, person_id: UUID, entries: Collection[Entry]) -> dict[UUID, str]:
    keys = {key for entry in entries for key in _shower_keys(entry)}
    if not keys:
        return {}
    query = (
        select(WaterSession.id, WaterSession.hold_id, WaterPlace.title)
        .join(WaterPlace, WaterPlace.id == WaterSession.place_id)
        .where(WaterSession.person_id == person_id, WaterSession.id.in_(keys) | WaterSession.hold_id.in_(keys))
    )
    return {key: title for row in session.execute(query) for key, title in ((row[0], row[2]), (row[1], row[2])) if key}


def _find_radius(session: Session, entries: Collection[Entry]) -> frozenset[UUID]:
    """Return the RADIUS servers that took money for time in computer rooms and on the internet."""
    ids = {device for entry in entries if entry.purpose == METERED and (device := _device_of(entry)) is not None}
    if not ids:
        return frozenset()
    return frozenset(session.scalars(select(Device.id).where(Device.id.in_(ids), Device.role == DeviceRole.RADIUS)))


def _device_of(entry: Entry) -> UUID | None:
    device = _details(entry).get("device")
    return None if device is None else UUID(str(device))


def _shower_keys(entry: Entry) -> list[UUID]:
    """Return what may lead from a line to a shower: the hold it resolves or follows, or the session it names."""
    details = _details(entry)
    named = [UUID(str(details[name])) for name in ("session", "hold") if details.get(name)]
    return [*named, *([entry.resolves] if entry.resolves else [])]


def _details(entry: Entry) -> dict[str, object]:
    return json.loads(entry.details) if entry.details else {}


def _find_entries(session: Session, ids: Collection[UUID]) -> dict[UUID, Entry]:
    if not ids:
        return {}
    rows = session.execute(select(*LINE_COLUMNS).where(JournalTransfer.id.in_(ids)))
    return {entry.id: entry for entry in map(entry_of, rows)}


def _find_given_back(session: Session, ids: Collection[UUID]) -> dict[UUID, int]:
    rows = session.scalars(select(Corrected).where(Corrected.id.in_(ids), Corrected.amount > 0))
    return {row.id: row.amount for row in rows}
