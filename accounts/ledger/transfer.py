"""The ledger's values: what may be asked of it, and what it answers."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

Detail = str | int | bool | None


class AccountKind(StrEnum):
    """What an account stands for. Its balance is credits less debits, so money the campus holds shows as negative."""

    WALLET = "wallet"
    MERCHANT = "merchant"
    CHANNEL = "channel"
    FEE = "fee"
    SUBSIDY = "subsidy"
    CASH = "cash"
    SUSPENSE = "suspense"
    ROOM = "room"
    """What a room has paid in advance for its electricity; its id is the room's."""


CARRYING = (AccountKind.WALLET, AccountKind.ROOM)
"""Kinds that carry their balance and what is held, under a lock; every other one is summed from the journal."""
SUPPLYING = (AccountKind.MERCHANT, AccountKind.FEE)
"""Kinds that a room pays for what it has used: it is debited then whatever it has, for the use cannot be undone."""


class AccountState(StrEnum):
    """`suspended` takes only the resolution of what was pending; `closed` is for good."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Action(StrEnum):
    """What a line of the journal does. `transfer` and `post` move money; the others only reserve or release it."""

    TRANSFER = "transfer"
    HOLD = "hold"
    POST = "post"
    VOID = "void"
    EXPIRE = "expire"
    CANCEL = "cancel"


MOVING = (Action.TRANSFER, Action.POST)
RESOLVING = (Action.POST, Action.VOID, Action.EXPIRE)


class RefusalCode(StrEnum):
    """Why a transfer was not recorded; stable, shown to terminals."""

    ID_REUSED = "transfer_id_reused"
    INVALID = "transfer_invalid"
    ACCOUNT_UNKNOWN = "account_unknown"
    ACCOUNT_SUSPENDED = "account_suspended"
    ACCOUNT_CLOSED = "account_closed"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LIMIT_REACHED = "limit_reached"
    HOLD_UNKNOWN = "hold_unknown"
    HOLD_RESOLVED = "hold_already_resolved"
    HOLD_EXPIRED = "hold_expired"
    HOLD_NOT_DUE = "hold_not_expired_yet"
    HOLD_EXCEEDED = "hold_exceeded"
    CORRECTED_UNKNOWN = "corrected_transfer_unknown"
    CORRECTION_EXCEEDS = "correction_exceeds_transfer"


@dataclass(frozen=True, slots=True)
class Cap:
    """A window whose counter this transfer adds to. Past `limit` fen it is refused; None only counts."""

    window: str
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """A request to move or reserve `amount` fen; `id` is made by the client and makes repeating it safe.

    For `post`, `void` and `expire` the accounts are those of the hold `resolves`; `debit` and `credit` are ignored.
    `corrects` names an earlier transfer that this one takes back, whole or in part. `payload`, where given, is what
    the client sent and replaces the transfer's own fields in the comparison with an earlier use of the id.
    `caps` are checked but not compared: a second try with the password has other ones.
    """

    id: UUID
    purpose: str
    debit: UUID | None = None
    credit: UUID | None = None
    amount: int = 0
    action: Action = Action.TRANSFER
    resolves: UUID | None = None
    corrects: UUID | None = None
    expires_after: timedelta | None = None
    caps: tuple[Cap, ...] = ()
    details: Mapping[str, Detail] = field(default_factory=dict)
    occurred_at: datetime | None = None
    payload: bytes | None = None

    def digest(self) -> bytes:
        """SHA-256 of what must be the same when the id is used again."""
        if self.payload is not None:
            return hashlib.sha256(b"payload\0" + self.payload).digest()
        life = None if self.expires_after is None else self.expires_after.total_seconds()
        fields = (
            f"{self.action}\0{self.purpose}\0{self.debit}\0{self.credit}\0{self.amount}\0{self.resolves}"
            f"\0{self.corrects}\0{life}\0{canonical_details(self.details)}"
        )
        return hashlib.sha256(fields.encode()).digest()


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the journal as it stands there (its serial apart)."""

    id: UUID
    digest: bytes
    action: Action
    purpose: str
    debit: UUID
    credit: UUID
    amount: int
    debit_balance: int | None
    credit_balance: int | None
    resolves: UUID | None
    corrects: UUID | None
    expires_at: datetime | None
    windows: tuple[str, ...]
    details: str | None
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was recorded. `window` and `left` (fen) say which limit stood in the way and what it still allows."""

    code: RefusalCode
    message: str
    window: str | None = None
    left: int | None = None


@dataclass(frozen=True, slots=True)
class PostingResult:
    """The answer to one transfer: the line it has in the journal, or the refusal. `replayed`: it was there before."""

    entry: Entry | None
    refusal: Refusal | None = None
    replayed: bool = False

    def require(self) -> Entry:
        """Return the journal's line.

        Raises:
            TransferRefusedError: there is none.
        """
        if self.entry is None:
            raise TransferRefusedError(self.refusal or Refusal(RefusalCode.INVALID, "nothing was recorded"))
        return self.entry


class TransferRefusedError(Exception):
    """The ledger refused a transfer; `refusal` says why. Nothing was recorded."""

    def __init__(self, refusal: Refusal) -> None:
        """Keep the refusal; its message is the error's."""
        super().__init__(refusal.message)
        self.refusal = refusal


def canonical_details(details: Mapping[str, Detail]) -> str | None:
    """Details as JSON with sorted keys, None when there are none."""
    if not details:
        return None
    return json.dumps(dict(details), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
