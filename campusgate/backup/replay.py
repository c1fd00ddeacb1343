"""What had been withdrawn, revoked and erased after a backup was made, done again in the database restored from it.

The copy of the audit trail says what it was. Only what takes something away is done again: whatever was given since
(a card, a role, consent) must be given anew, by somebody who checks. Money is not touched.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from accounts import audit, cards, devices, people
from accounts.audit.trail_copy import CopiedLine, TrailCopy
from accounts.cards import card_states
from accounts.tables import AuditEntry, Card, Device, Password, Person, SignIn
from accounts.vocabulary import CardState, PasswordPurpose, PersonState
from database import Database
from directory import visitor_passes
from directory.people import withdraw_pin
from directory.tables import GatePerson, VisitorPass
from enrollment import consent, gate_photos, photos, references
from enrollment.references import ReferenceSource
from enrollment.tables import PhotoRecord, PhotoState

ACTOR = "restore"
RESTORED = "restore"
"""The trail's word for a restore."""
_STATES = ("person.suspend", "person.release", "person.close")
_TOGETHER = 200
"""Lines done again in one transaction."""

_Redo = Callable[[Session, CopiedLine, datetime], bool]
"""Does again what a line says; False where there is nothing to do."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was done again, by the trail's word for it, and how many lines of the copy the restored database lacks."""

    lines: int
    done: dict[str, int]
    head_found: bool
    """Whether the copy holds the restored trail's head; without it the copy may be another campus's."""


def replay(database: Database, copy: TrailCopy, now: datetime) -> Replayed:
    """Do again what the copied trail has beyond the database's own, and end every sign-in.

    Raises:
        TrailCopyError: the copy cannot be read; nothing was done.
    """
    with database.snapshot() as session:
        serial, head = audit.head(session)
        known = {digest.hex() for digest in session.scalars(select(AuditEntry.digest))}
        restored_at = session.scalar(select(func.max(AuditEntry.at)).where(AuditEntry.action == RESTORED))
    copied = [*copy.set_aside_lines(), *copy.lines()]
    # What an earlier restore has done again already stands in the database, or was changed since for a reason.
    missing = {}
    for line in copied:
        if line.digest not in known and (restored_at is None or line.at > restored_at):
            missing[line.digest] = line
    lines = _last_states(sorted(missing.values(), key=lambda line: (line.at, line.serial)))
    done: Counter[str] = Counter()
    for start in range(0, len(lines), _TOGETHER):
        with database.begin() as session:
            done.update(_redo(session, lines[start : start + _TOGETHER], now))
    with database.begin() as session:
        done.update({"sign_in.end": _end_sign_ins(session, now)})
        counted = {name: number for name, number in sorted(done.items()) if number}
        audit.record(
            session,
            actor=ACTOR,
            action=RESTORED,
            subject=f"trail:{serial}",
            now=now,
            details={**counted, "head": head},
        )
    return Replayed(len(missing), counted, serial == 0 or any(line.digest == head for line in copied))


def _last_states(lines: Sequence[CopiedLine]) -> list[CopiedLine]:
    """Leave of all lines about one card's or one person's state only the last: what was released again stays so."""
    last = {line.subject: line.digest for line in lines if _is_state(line)}
    return [line for line in lines if not _is_state(line) or last[line.subject] == line.digest]


def _is_state(line: CopiedLine) -> bool:
    return line.action.startswith("card.") or line.action in _STATES


def _redo(session: Session, lines: Sequence[CopiedLine], now: datetime) -> Iterable[str]:
    for line in lines:
        do = _REDO.get(line.action)
        if do is None and line.action.startswith("card."):
            do = _restrict_card
        if do is not None and do(session, line, now):
            session.flush()
            yield line.action


def _subject_id(line: CopiedLine) -> UUID:
    return UUID(line.subject.partition(":")[2])


def _withdraw_consent(session: Session, line: CopiedLine, now: datetime) -> bool:
    if session.get(Person, _subject_id(line)) is None:
        return False
    consent.withdraw(session, _subject_id(line), by=ACTOR, now=now)
    return True


def _withdraw_gate_photo_consent(session: Session, line: CopiedLine, now: datetime) -> bool:
    if session.get(Person, _subject_id(line)) is None:
        return False
    gate_photos.withdraw_consent(session, _subject_id(line), by=ACTOR, now=now)
    return True


def _withdraw_photo(session: Session, line: CopiedLine, now: datetime) -> bool:
    photo = session.get(PhotoRecord, _subject_id(line))
    if photo is None or photo.state == PhotoState.WITHDRAWN:
        return False
    photos.withdraw(session, photo, by=ACTOR, now=now, why="withdrawn before the restore")
    return True


def _withdraw_reference(session: Session, line: CopiedLine, now: datetime) -> bool:
    source = line.details.get("source")
    chosen = None if source is None else ReferenceSource(source)
    return references.withdraw(session, _subject_id(line), by=ACTOR, now=now, source=chosen) > 0


def _restrict_card(session: Session, line: CopiedLine, now: datetime) -> bool:
    """A card that was lost, suspended or ended last stays so; one that was released last stays as the backup has it."""
    card, state = session.get(Card, _subject_id(line)), line.details.get("state")
    if card is None or state is None or CardState(state) in (CardState.ACTIVE, card.state):
        return False
    if card.state in card_states.ENDED:
        return False
    card.state = CardState(state)
    if card.state in card_states.ENDED:
        card.ended_at, card.suspended_for_loss = now, False
    cards.note(session, card, line.action.removeprefix("card."), by=ACTOR, now=now, text="before the restore")
    return True


def _revoke_device(session: Session, line: CopiedLine, now: datetime) -> bool:
    """A token that was revoked or exchanged opens nothing: the device gets a new one."""
    device = session.get(Device, _subject_id(line))
    if device is None or device.revoked_at is not None:
        return False
    devices.revoke(session, device, by=ACTOR, now=now)
    return True


def _set_person_state(state: PersonState) -> _Redo:
    def do(session: Session, line: CopiedLine, now: datetime) -> bool:
        person = session.get(Person, _subject_id(line))
        if person is None or person.state in (state, PersonState.CLOSED):
            return False
        return people.set_state(session, person, state, by=ACTOR, now=now, reason="before the restore")

    return do


def _take_roles(session: Session, line: CopiedLine, now: datetime) -> bool:
    person, taken = session.get(Person, _subject_id(line)), set(line.details.get("taken", ()))
    if person is None:
        return False
    left = {role for role in person.roles if role.value not in taken}
    return people.set_roles(session, person, left, by=ACTOR, now=now)


def _delete_password(session: Session, line: CopiedLine, _now: datetime) -> bool:
    """The password of before is one that somebody had a reason to change: the counter sets a new one."""
    purposes = [PasswordPurpose(one) for one in line.details.get("purposes", ())]
    gone = delete(Password).where(Password.person_id == _subject_id(line), Password.purpose.in_(purposes))
    return session.scalar(gone.returning(Password.person_id).execution_options(synchronize_session=False)) is not None


def _end_pass(session: Session, line: CopiedLine, now: datetime) -> bool:
    one = session.get(VisitorPass, _subject_id(line))
    if one is None or one.ended_at is not None:
        return False
    visitor_passes.end(session, one.id, by=ACTOR, now=now)
    return True


def _withdraw_pin(session: Session, line: CopiedLine, now: datetime) -> bool:
    extra = session.get(GatePerson, _subject_id(line))
    if extra is None or extra.pin_digest is None:
        return False
    withdraw_pin(session, extra.person_id, by=ACTOR, now=now)
    return True


def _end_sign_ins(session: Session, now: datetime) -> int:
    ended = update(SignIn).where(SignIn.revoked_at.is_(None)).values(revoked_at=now).returning(SignIn.id)
    return len(session.scalars(ended.execution_options(synchronize_session=False)).all())


_REDO: dict[str, _Redo] = {
    "consent.withdraw": _withdraw_consent,
    "gate_photo_consent.withdraw": _withdraw_gate_photo_consent,
    "photo.withdrawn": _withdraw_photo,
    "reference.withdraw": _withdraw_reference,
    "device.revoke": _revoke_device,
    "device.rotate": _revoke_device,
    "person.suspend": _set_person_state(PersonState.SUSPENDED),
    "person.close": _set_person_state(PersonState.CLOSED),
    "person.roles": _take_roles,
    "password.set": _delete_password,
    "password.set_first": _delete_password,
    "pass.end": _end_pass,
    "gate_person.pin": _withdraw_pin,
}
"""By the trail's word: how it is done again. Every line about a card goes to `_restrict_card`."""
