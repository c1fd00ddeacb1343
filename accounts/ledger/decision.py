"""The ledger's rules, pure: a state of what is known, a transfer, a time; out comes a journal line or a refusal.

`decide` never changes the state; `LedgerState.fold` takes a line in. So a batch is decide, fold, decide, fold, …, and
the same rules serve both databases and the tests.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.ledger.transfer import (
    CARRYING,
    MOVING,
    RESOLVING,
    SUPPLYING,
    AccountKind,
    AccountState,
    Action,
    Entry,
    PostingResult,
    Refusal,
    RefusalCode,
    Transfer,
    TransferRefusedError,
    canonical_details,
)

MAX_AMOUNT = 10**13
"""Fen: a hundred billion yuan. More than any campus moves, and far from what 64 bits hold."""


@dataclass(slots=True)
class KnownAccount:
    """An account as the state knows it; `balance` is None for every kind that carries none."""

    kind: AccountKind
    state: AccountState
    balance: int | None = None
    held: int = 0


@dataclass(slots=True)
class LedgerState:
    """Everything that bears on a batch: its accounts, lines it refers to, open holds, corrections, counters."""

    accounts: dict[UUID, KnownAccount] = field(default_factory=dict)
    lines: dict[UUID, Entry] = field(default_factory=dict)
    open_holds: set[UUID] = field(default_factory=set)
    corrected: dict[UUID, int] = field(default_factory=dict)
    counters: dict[tuple[UUID, str], int] = field(default_factory=dict)

    def fold(self, entry: Entry) -> None:
        """Take a new line in: balances, holds, corrections and counters follow."""
        self.lines[entry.id] = entry
        match entry.action:
            case Action.TRANSFER:
                self._move(entry, entry.amount)
                self._count(entry)
            case Action.HOLD:
                self.accounts[entry.debit].held += entry.amount
                self.open_holds.add(entry.id)
                self._count(entry)
            case Action.POST | Action.VOID | Action.EXPIRE:
                assert entry.resolves is not None  # noqa: S101 - `decide` made the line so
                hold = self.lines[entry.resolves]
                self.accounts[entry.debit].held -= hold.amount
                self.open_holds.discard(hold.id)
                used = entry.amount if entry.action is Action.POST else 0
                if used:
                    self._move(entry, used)
                for window in hold.windows:
                    self.counters[hold.debit, window] = self.counters.get((hold.debit, window), 0) + used - hold.amount
            case Action.CANCEL:
                pass

    def _move(self, entry: Entry, amount: int) -> None:
        debit, credit = self.accounts[entry.debit], self.accounts[entry.credit]
        if debit.balance is not None:
            debit.balance -= amount
        if credit.balance is not None:
            credit.balance += amount

    def _count(self, entry: Entry) -> None:
        if entry.corrects is not None:
            self.corrected[entry.corrects] = self.corrected.get(entry.corrects, 0) + entry.amount
            original = self.lines[entry.corrects]
            for window in original.windows:
                key = original.debit, window
                self.counters[key] = max(0, self.counters.get(key, 0) - entry.amount)
        for window in entry.windows:
            self.counters[entry.debit, window] = self.counters.get((entry.debit, window), 0) + entry.amount


def decide(state: LedgerState, transfer: Transfer, now: datetime) -> PostingResult:
    """Decide one transfer against the state at `now`; the state stays as it is."""
    digest = transfer.digest()
    if (line := state.lines.get(transfer.id)) is not None:
        if line.digest == digest:
            return PostingResult(line, replayed=True)
        message = f"transfer {transfer.id} was used before for something else"
        return PostingResult(None, Refusal(RefusalCode.ID_REUSED, message))
    try:
        if transfer.action in RESOLVING:
            return PostingResult(_resolution(state, transfer, digest, now))
        if transfer.action is Action.CANCEL:
            return PostingResult(_cancellation(state, transfer, digest, now))
        return PostingResult(_movement(state, transfer, digest, now))
    except TransferRefusedError as error:
        return PostingResult(None, error.refusal)


def _refused(code: RefusalCode, message: str, *, window: str | None = None, left: int | None = None) -> Exception:
    return TransferRefusedError(Refusal(code, message, window, left))


def _movement(state: LedgerState, transfer: Transfer, digest: bytes, now: datetime) -> Entry:
    """A plain transfer, or a hold."""
    debit_id, credit_id = _judge_form(transfer)
    debit, credit = _active(state, debit_id), _active(state, credit_id)
    if transfer.action is Action.HOLD and debit.balance is None:
        raise _refused(RefusalCode.INVALID, f"no money can be held on {debit_id}, which is a {debit.kind} account")
    if transfer.corrects is not None:
        _check_correction(state, transfer, transfer.corrects)
    if _must_be_covered(transfer, debit, credit) and (left := _available(debit)) < transfer.amount:
        raise _refused(RefusalCode.INSUFFICIENT_FUNDS, f"the account has {left} fen to spend", left=left)
    for cap in transfer.caps:
        if cap.limit is None:
            continue
        left = max(0, cap.limit - state.counters.get((debit_id, cap.window), 0))
        if transfer.amount > left:
            message = f"{left} fen are left in {cap.window}"
            raise _refused(RefusalCode.LIMIT_REACHED, message, window=cap.window, left=left)
    return Entry(
        id=transfer.id,
        digest=digest,
        action=transfer.action,
        purpose=transfer.purpose,
        debit=debit_id,
        credit=credit_id,
        amount=transfer.amount,
        **_balances(debit, credit, transfer.amount if transfer.action is Action.TRANSFER else 0),
        resolves=None,
        corrects=transfer.corrects,
        expires_at=None if transfer.expires_after is None else now + transfer.expires_after,
        windows=tuple(cap.window for cap in transfer.caps),
        details=canonical_details(transfer.details),
        occurred_at=transfer.occurred_at or now,
        recorded_at=now,
    )


def _must_be_covered(transfer: Transfer, debit: KnownAccount, credit: KnownAccount) -> bool:
    """Whether the debited account must have the amount: always, but for what a room has used already."""
    if debit.kind not in CARRYING:
        return False
    used = debit.kind is AccountKind.ROOM and credit.kind in SUPPLYING
    return transfer.action is Action.HOLD or not used


def _available(account: KnownAccount) -> int:
    return (account.balance or 0) - account.held


def _judge_form(transfer: Transfer) -> tuple[UUID, UUID]:
    """Return the accounts to debit and credit of a transfer that makes sense on its own."""
    held = transfer.action is Action.HOLD
    wrong = None
    if not 0 < transfer.amount <= MAX_AMOUNT:
        wrong = f"the amount must be 1–{MAX_AMOUNT} fen, not {transfer.amount}"
    elif held != (transfer.expires_after is not None):
        wrong = "a hold, and only a hold, says after which time it expires"
    elif transfer.expires_after is not None and transfer.expires_after.total_seconds() <= 0:
        wrong = "a hold must last longer than nothing"
    elif transfer.resolves is not None:
        wrong = "only post, void and expire resolve a hold"
    elif transfer.corrects is not None and held:
        wrong = "only a plain transfer can correct another one"
    if wrong is not None:
        raise _refused(RefusalCode.INVALID, wrong)
    if transfer.debit is None or transfer.credit is None or transfer.debit == transfer.credit:
        raise _refused(RefusalCode.INVALID, "a transfer needs an account to debit and another one to credit")
    return transfer.debit, transfer.credit


def _active(state: LedgerState, account_id: UUID) -> KnownAccount:
    account = state.accounts.get(account_id)
    if account is None:
        raise _refused(RefusalCode.ACCOUNT_UNKNOWN, f"there is no account {account_id}")
    if account.state is AccountState.SUSPENDED:
        raise _refused(RefusalCode.ACCOUNT_SUSPENDED, f"account {account_id} is suspended")
    if account.state is AccountState.CLOSED:
        raise _refused(RefusalCode.ACCOUNT_CLOSED, f"account {account_id} is closed")
    return account


def _check_correction(state: LedgerState, transfer: Transfer, original_id: UUID) -> None:
    original = state.lines.get(original_id)
    if original is None or original.action not in MOVING or original.corrects is not None:
        message = f"there is no transfer {original_id} that can be corrected"
        raise _refused(RefusalCode.CORRECTED_UNKNOWN, message)
    if (transfer.debit, transfer.credit) != (original.credit, original.debit):
        raise _refused(RefusalCode.INVALID, "a correction goes back the way the money came")
    left = original.amount - state.corrected.get(original.id, 0)
    if transfer.amount > left:
        message = f"{left} fen of that transfer can still be taken back"
        raise _refused(RefusalCode.CORRECTION_EXCEEDS, message, left=left)


def _resolution(state: LedgerState, transfer: Transfer, digest: bytes, now: datetime) -> Entry:
    """The end of a hold: the accounts are the hold's, whatever their state."""
    hold = None if transfer.resolves is None else state.lines.get(transfer.resolves)
    if hold is None or hold.action is not Action.HOLD or hold.expires_at is None:
        raise _refused(RefusalCode.HOLD_UNKNOWN, f"there is no hold {transfer.resolves}")
    if hold.id not in state.open_holds:
        raise _refused(RefusalCode.HOLD_RESOLVED, f"hold {hold.id} was resolved before")
    if transfer.action is Action.EXPIRE and now < hold.expires_at:
        raise _refused(RefusalCode.HOLD_NOT_DUE, f"hold {hold.id} has not expired yet")
    posted = transfer.action is Action.POST
    if posted:
        _judge_post(transfer, hold, expired=now >= hold.expires_at)
    amount = transfer.amount if posted else hold.amount
    return Entry(
        id=transfer.id,
        digest=digest,
        action=transfer.action,
        purpose=transfer.purpose,
        debit=hold.debit,
        credit=hold.credit,
        amount=amount,
        **_balances(state.accounts[hold.debit], state.accounts[hold.credit], amount if posted else 0),
        resolves=hold.id,
        corrects=None,
        expires_at=None,
        # A correction of the post gives back to the windows in which the hold was counted.
        windows=hold.windows if posted else (),
        details=canonical_details(transfer.details),
        occurred_at=transfer.occurred_at or now,
        recorded_at=now,
    )


def _judge_post(transfer: Transfer, hold: Entry, *, expired: bool) -> None:
    if expired:
        raise _refused(RefusalCode.HOLD_EXPIRED, f"hold {hold.id} has expired")
    if transfer.amount <= 0:
        raise _refused(RefusalCode.INVALID, "a post takes at least 1 fen; release a hold with void")
    if transfer.amount > hold.amount:
        raise _refused(RefusalCode.HOLD_EXCEEDED, f"the hold is for {hold.amount} fen", left=hold.amount)


def _cancellation(state: LedgerState, transfer: Transfer, digest: bytes, now: datetime) -> Entry:
    """A line that moves nothing and uses the id up, so that a transfer still under way cannot use it."""
    account = None if transfer.debit is None else state.accounts.get(transfer.debit)
    if account is None or transfer.debit is None:
        raise _refused(RefusalCode.ACCOUNT_UNKNOWN, f"there is no account {transfer.debit}")
    return Entry(
        id=transfer.id,
        digest=digest,
        action=Action.CANCEL,
        purpose=transfer.purpose,
        debit=transfer.debit,
        credit=transfer.debit,
        amount=0,
        **_balances(account, account, 0),
        resolves=None,
        corrects=None,
        expires_at=None,
        windows=(),
        details=canonical_details(transfer.details),
        occurred_at=transfer.occurred_at or now,
        recorded_at=now,
    )


def _balances(debit: KnownAccount, credit: KnownAccount, moved: int) -> dict[str, Any]:
    return {
        "debit_balance": None if debit.balance is None else debit.balance - moved,
        "credit_balance": None if credit.balance is None else credit.balance + moved,
    }
