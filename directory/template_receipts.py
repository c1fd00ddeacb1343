"""Receipts for erased templates: which device of which gate has confirmed a directory that no longer holds one.

A receipt is made, open, in the transaction that takes a person's template out of a gate's directory, for every device
that may hold it; the device's next acknowledgement of that revision or a later one closes it. A device acknowledges a
revision only after it has compared the digest of everything it holds (`access.replica`).
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, insert, select, tuple_, update
from sqlalchemy.orm import Session

from accounts.tables import Device
from accounts.vocabulary import DeviceRole
from database import new_id
from directory import listed_people
from directory.tables import GateApplied, TemplateReceipt

_FULL = "full"
"""The view with templates; door controllers have the other one and never hold any."""

Position = tuple[datetime, UUID]
"""Place in the list of outstanding receipts: removed_at, id."""


@dataclass(frozen=True, slots=True)
class Removal:
    """That a person's template left a gate's directory at a revision, and of which model it was."""

    person_id: UUID
    revision: int
    model_id: str | None


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """One device and one template that it had; `confirmed_at` is None while it is outstanding."""

    id: UUID
    person_id: UUID
    gate: str
    device_id: UUID
    device: str | None
    """The device's name; None when it is not registered any more."""
    device_revoked: bool
    """Its token was revoked, so that it cannot confirm any more: it must be wiped by hand."""
    revision: int
    """The first revision of the gate's directory without the template."""
    removed_at: datetime
    confirmed_at: datetime | None
    confirmed_revision: int | None
    model_id: str | None
    """The face model of the template; None: from before models were noted."""


@dataclass(frozen=True, slots=True)
class TemplateWhereabouts:
    """Where a person's template is, and where it no longer is."""

    gates_with_template: list[str]
    """Gates whose directory holds it."""
    receipts: list[ErasureReceipt]

    @property
    def outstanding(self) -> int:
        """How many devices have not confirmed yet."""
        return sum(receipt.confirmed_at is None for receipt in self.receipts)


def find_holders(session: Session, gates: Collection[str]) -> dict[str, list[UUID]]:
    """Return the devices that may hold the templates of each gate: its edges, and whoever acknowledged any."""
    valid = Device.revoked_at.is_(None)
    edges = select(Device.gate, Device.id).where(Device.gate.in_(gates), Device.role == DeviceRole.EDGE, valid)
    applied = (
        select(GateApplied.gate, GateApplied.device_id)
        .join(Device, Device.id == GateApplied.device_id)
        .where(GateApplied.gate.in_(gates), GateApplied.view == _FULL, valid)
    )
    found: dict[str, set[UUID]] = {gate: set() for gate in gates}
    for gate, device_id in (*session.execute(edges), *session.execute(applied)):
        found[gate or ""].add(device_id)
    return {gate: sorted(devices) for gate, devices in found.items()}


def open_receipts(session: Session, removed: Mapping[str, Collection[Removal]], now: datetime) -> None:
    """Record that the templates of people left gates' directories, each at a revision, for every device that had one.

    `removed` is by gate.
    """
    holders = find_holders(session, removed.keys()) if removed else {}
    rows = [
        {"id": new_id(), "device_id": device, "gate": gate, "removed_at": now, **asdict(one)}
        for gate, removals in removed.items()
        for one in removals
        for device in holders[gate]
    ]
    if rows:
        session.execute(insert(TemplateReceipt), rows)


def confirm(session: Session, gate: str, device_id: UUID, revision: int, now: datetime) -> None:
    """Close the receipts of a device that has `revision` of its gate's directory in force."""
    session.execute(
        update(TemplateReceipt)
        .where(
            TemplateReceipt.device_id == device_id,
            TemplateReceipt.gate == gate,
            TemplateReceipt.revision <= revision,
            TemplateReceipt.confirmed_at.is_(None),
        )
        .values(confirmed_at=now, confirmed_revision=revision),
        execution_options={"synchronize_session": False},
    )


def whereabouts_of(session: Session, person_id: UUID) -> TemplateWhereabouts:
    """Return where a person's template is, and the receipts of where it was, the newest first."""
    gates = listed_people.find_gates(session, person_id, with_templates=True)
    rows = session.execute(
        _select_receipts()
        .where(TemplateReceipt.person_id == person_id)
        .order_by(TemplateReceipt.removed_at.desc(), TemplateReceipt.gate, TemplateReceipt.device_id)
    )
    return TemplateWhereabouts(gates, [_to_receipt(*row) for row in rows])


def find_outstanding(session: Session, *, after: Position | None, limit: int) -> list[ErasureReceipt]:
    """Return receipts that no device has confirmed, the oldest first."""
    place = (TemplateReceipt.removed_at, TemplateReceipt.id)
    query = _select_receipts().where(TemplateReceipt.confirmed_at.is_(None)).order_by(*place).limit(limit)
    if after is not None:
        query = query.where(tuple_(*place) > after)
    return [_to_receipt(*row) for row in session.execute(query)]


def position_of(receipt: ErasureReceipt) -> tuple[str, str]:
    """Return a receipt's place in the list of outstanding ones, as text."""
    return receipt.removed_at.isoformat(), str(receipt.id)


def forget(session: Session, before: datetime) -> None:
    """Delete confirmed receipts of templates that were removed before a time."""
    session.execute(
        delete(TemplateReceipt).where(TemplateReceipt.removed_at < before, TemplateReceipt.confirmed_at.is_not(None))
    )


def _select_receipts() -> Select[TemplateReceipt, Device]:
    return select(TemplateReceipt, Device).outerjoin(Device, Device.id == TemplateReceipt.device_id)


def _to_receipt(found: TemplateReceipt, device: Device | None) -> ErasureReceipt:
    return ErasureReceipt(
        id=found.id,
        person_id=found.person_id,
        gate=found.gate,
        device_id=found.device_id,
        device=device.name if device else None,
        device_revoked=device is None or device.revoked_at is not None,
        revision=found.revision,
        removed_at=found.removed_at,
        confirmed_at=found.confirmed_at,
        confirmed_revision=found.confirmed_revision,
        model_id=found.model_id,
    )
