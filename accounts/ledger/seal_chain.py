"""The journal's hash chain: lines are sealed in batches behind the transfers, and a seal covers the seal before it.

A chain that each transfer extended would be one row that every transfer of the campus waits for. Here transfers only
take a serial; a sealer, once a second or so, notes the highest serial, waits until the transactions that were running
at that moment have ended, and seals every line up to it. Nobody waits for the sealer.

A seal's digest is SHA-256 over the digest of the seal before, its number, its last serial, the number of its lines and
the lines themselves in serial order. So an edit, a deletion, an insertion or another order among sealed lines breaks
that seal, and no seal can be replaced without replacing all that follow. Someone who may rewrite the whole database can
rewrite the whole chain: against that, keep the head (number and digest) somewhere else and hand it to `verify`.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Row, func, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from accounts.ledger.sql import LINE_COLUMNS
from accounts.ledger.tables import JournalTransfer, Seal
from database import Database, table_of

log = structlog.get_logger()

LARGEST_SEAL = 10_000
"""Lines one seal covers at most, so that a broken one points at a small piece of the journal."""

_LINES = table_of(JournalTransfer)
_SEALS = table_of(Seal)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain."""

    number: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the chain does not hold, and how one sees it."""

    seal: int
    first_serial: int
    last_serial: int
    message: str


@dataclass(frozen=True, slots=True)
class JournalReport:
    """What `verify` found. The journal is whole when there are no faults."""

    seals: int
    sealed: int
    unsealed: int
    head: Head | None
    faults: tuple[Fault, ...]

    @property
    def whole(self) -> bool:
        """Whether every sealed line is as it was sealed."""
        return not self.faults


def seal(database: Database, now: datetime, *, patience_s: float = 5.0) -> int:
    """Seal the lines recorded before this call; return how many.

    Lines of a transaction that runs for longer than `patience_s` are left to a later call, with all that follow them.
    """
    with database.read() as session:
        upto = session.scalar(select(func.max(_LINES.c.serial))) or 0
        if not _settled(session, database, patience_s):
            log.warning("ledger_sealing_waits_for_a_long_transaction")
            return 0
    sealed = 0
    while True:
        try:
            with database.begin() as session:
                lines = _seal_next(session.connection(), upto, now)
        except IntegrityError:
            # Another process seals; its seal is as good.
            return sealed
        if not lines:
            return sealed
        sealed += lines


def head(session: Session) -> Head | None:
    """Return the end of the chain as it stands, or None before the first seal."""
    last = session.execute(select(_SEALS).order_by(_SEALS.c.number.desc()).limit(1)).one_or_none()
    return None if last is None else Head(last.number, bytes(last.digest))


def verify(session: Session, *, anchors: Iterable[Head] = ()) -> JournalReport:
    """Walk the whole chain and compare it with the journal; `anchors` are heads that were kept elsewhere."""
    kept = {anchor.number: anchor.digest for anchor in anchors}
    connection = session.connection()
    faults: list[Fault] = []
    end: Head | None = None
    serial = sealed = expected = 0
    for row in connection.execute(select(_SEALS).order_by(_SEALS.c.number)).all():
        expected += 1
        previous = end.digest if end else b""
        lines, digest = _digest(connection, previous, row.number, serial, row.last_serial)
        messages = _compare(row, lines, digest, expected, kept)
        faults += [Fault(row.number, serial + 1, row.last_serial, message) for message in messages]
        end = Head(row.number, bytes(row.digest))
        expected, serial, sealed = row.number, row.last_serial, sealed + row.transfers
    gone = sorted(number for number in kept if number > expected)
    faults += [Fault(one, serial + 1, serial, f"seal {one} was kept elsewhere and is gone here") for one in gone]
    unsealed = connection.scalar(select(func.count()).where(_LINES.c.serial > serial)) or 0
    return JournalReport(expected, sealed, unsealed, end, tuple(faults))


def _compare(row: Row[Any], lines: int, digest: bytes, expected: int, kept: Mapping[int, bytes]) -> Iterable[str]:
    if row.number != expected:
        yield f"seals {expected}–{row.number - 1} are missing"
    if lines != row.transfers:
        yield f"{row.transfers} lines were sealed, {lines} are there"
    elif digest != bytes(row.digest):
        yield "a line was changed, exchanged or moved, or the seal was"
    if row.number in kept and kept[row.number] != bytes(row.digest):
        yield "the seal is not the one that was kept elsewhere"


def _seal_next(connection: Connection, upto: int, now: datetime) -> int:
    last = connection.execute(select(_SEALS).order_by(_SEALS.c.number.desc()).limit(1)).one_or_none()
    number, serial, previous = (last.number, last.last_serial, bytes(last.digest)) if last else (0, 0, b"")
    batch = select(_LINES.c.serial).where(_LINES.c.serial > serial, _LINES.c.serial <= upto)
    batch = batch.order_by(_LINES.c.serial).limit(LARGEST_SEAL)
    end = connection.scalar(select(func.max(batch.subquery().c.serial)))
    if end is None:
        return 0
    lines, digest = _digest(connection, previous, number + 1, serial, end)
    values = {"number": number + 1, "last_serial": end, "transfers": lines, "digest": digest, "sealed_at": now}
    connection.execute(insert(_SEALS).values(values))
    return lines


def _digest(connection: Connection, previous: bytes, number: int, after: int, upto: int) -> tuple[int, bytes]:
    """Return how many lines stand after serial `after` up to `upto`, and the digest of a seal over them."""
    query = select(_LINES.c.serial, *LINE_COLUMNS).where(_LINES.c.serial > after, _LINES.c.serial <= upto)
    hasher = hashlib.sha256()
    lines = 0
    for row in connection.execute(query.order_by(_LINES.c.serial)):
        hasher.update(line_bytes(row))
        lines += 1
    header = f"{previous.hex()} {number} {upto} {lines} ".encode()
    return lines, hashlib.sha256(header + hasher.digest()).digest()


def line_bytes(row: Row[Any]) -> bytes:
    """Return a journal's line as bytes: every column, each after its length, so that no two lines look the same."""
    parts = []
    for value in row:
        if value is None:
            parts.append(b"-")
            continue
        if isinstance(value, bytes):
            plain = value
        elif isinstance(value, datetime):
            plain = value.astimezone(UTC).isoformat(timespec="microseconds").encode()
        else:
            plain = str(value).encode()
        parts.append(b"%d:%b" % (len(plain), plain))
    return b"".join(parts) + b"\n"


def _settled(session: Session, database: Database, patience_s: float) -> bool:
    """Wait until every transaction that could still add a line below the noted serial has ended."""
    if database.is_sqlite:
        return True  # one writer at a time: serials appear in their order
    until = time.monotonic() + patience_s
    running = session.scalar(text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"))
    oldest = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    pause = _pauses()
    while True:
        # Under READ COMMITTED each statement sees a snapshot of its own.
        if session.scalar(oldest) >= running:
            return True
        if time.monotonic() >= until:
            return False
        pause()


def _pauses() -> Callable[[], None]:
    waits = iter((0.001, 0.002, 0.005, 0.01, 0.02))
    return lambda: time.sleep(next(waits, 0.05))
