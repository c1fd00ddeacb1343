"""The chart of accounts: opening, suspending, closing, and what an account is worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import case, delete, func, insert, or_, select
from sqlalchemy.orm import Session

from accounts.ledger.tables import DayClose, DayTotal, JournalTransfer, LedgerAccount, OpenHold
from accounts.ledger.transfer import CARRYING, MOVING, AccountKind, AccountState

_NAMES = uuid5(NAMESPACE_URL, "campusgate:ledger")


class AccountError(Exception):
    """An account cannot be opened or brought to another state; the message says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account at one moment, in fen. Wallets and rooms hold; `available` is what can still be spent."""

    id: UUID
    kind: AccountKind
    name: str
    state: AccountState
    balance: int
    held: int

    @property
    def available(self) -> int:
        """The balance less the open holds."""
        return self.balance - self.held


def named_account(kind: AccountKind, name: str) -> UUID:
    """Return the id of a campus account known by its name, such as the fee account `reissue`; always the same."""
    return uuid5(_NAMES, f"{kind}:{name}")


def open_account(session: Session, account_id: UUID, kind: AccountKind, now: datetime, *, name: str = "") -> None:
    """Open an account; does nothing when it is open already. A wallet has their holder's id.

    A room's account has the id of the room, a merchant's the merchant's.

    Raises:
        AccountError: the id belongs to an account of another kind.
    """
    known = session.get(LedgerAccount, account_id)
    if known is not None:
        if known.kind != kind:
            raise AccountError(f"account {account_id} is a {known.kind} account already, it cannot be a {kind}")
        return
    balance = 0 if kind in CARRYING else None
    session.add(
        LedgerAccount(
            id=account_id,
            kind=kind.value,
            name=name,
            state=AccountState.ACTIVE.value,
            balance=balance,
            held=0,
            opened_at=now,
        )
    )
    session.flush()


def open_wallets(session: Session, account_ids: Sequence[UUID], now: datetime) -> None:
    """Open the empty wallets of people who are new, with one statement."""
    new = {"kind": AccountKind.WALLET.value, "name": "", "state": AccountState.ACTIVE.value, "balance": 0, "held": 0}
    session.execute(insert(LedgerAccount), [{"id": one, "opened_at": now} | new for one in account_ids])


def open_named(session: Session, kind: AccountKind, name: str, now: datetime) -> UUID:
    """Open a campus account by name where it is missing, and return its id."""
    account_id = named_account(kind, name)
    open_account(session, account_id, kind, now, name=name)
    return account_id


def set_state(session: Session, account_id: UUID, state: AccountState) -> None:
    """Suspend, release or close an account.

    Raises:
        AccountError: it is unknown or closed, or to be closed while it has money or open holds.
    """
    row = session.get(LedgerAccount, account_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise AccountError(f"there is no account {account_id}")
    if row.state == state:
        return
    if row.state == AccountState.CLOSED:
        raise AccountError(f"account {account_id} is closed for good; open another one")
    if state is AccountState.CLOSED:
        if row.balance:
            raise AccountError(f"account {account_id} still has {row.balance} fen: settle them before closing it")
        holds = select(OpenHold.id).where(or_(OpenHold.debit == account_id, OpenHold.credit == account_id))
        if session.scalars(holds.limit(1)).first() is not None:
            raise AccountError(f"account {account_id} has open holds: resolve them before closing it")
    row.state = state.value
    session.flush()


def lock(session: Session, account_id: UUID) -> None:
    """Lock an account that carries a balance until the end of the transaction: nobody moves its money meanwhile.

    Raises:
        AccountError: there is no such account.
    """
    if session.get(LedgerAccount, account_id, with_for_update=True, populate_existing=True) is None:
        raise AccountError(f"there is no account {account_id}")


def close_or_suspend(session: Session, account_id: UUID) -> AccountState:
    """Close an account that is empty; suspend one that has money or open holds, until that is settled.

    Raises:
        AccountError: there is no such account.
    """
    row = session.get(LedgerAccount, account_id, with_for_update=True, populate_existing=True)
    empty = row is not None and not row.balance and not row.held
    state = AccountState.CLOSED if empty else AccountState.SUSPENDED
    if row is None or row.state != AccountState.CLOSED:
        set_state(session, account_id, state)
    return state


def find_moved(session: Session, account_ids: Sequence[UUID]) -> set[UUID]:
    """Return which of these accounts the journal has a line of."""
    found: set[UUID] = set()
    for side in (JournalTransfer.debit, JournalTransfer.credit):
        found.update(session.scalars(select(side).where(side.in_(account_ids)).distinct()))
    return found


def discard(session: Session, account_ids: Sequence[UUID]) -> None:
    """Take away accounts that never had a line in the journal.

    Raises:
        AccountError: one has had money.
    """
    wanted = sorted(account_ids)
    session.execute(
        select(LedgerAccount.id).where(LedgerAccount.id.in_(wanted)).order_by(LedgerAccount.id).with_for_update()
    )
    if moved := find_moved(session, wanted):
        raise AccountError(f"account {min(moved)} has had money: close it")
    session.execute(delete(LedgerAccount).where(LedgerAccount.id.in_(wanted)))


def account(session: Session, account_id: UUID) -> Account:
    """Return an account with its balance.

    Raises:
        AccountError: there is none.
    """
    found = find_account(session, account_id)
    if found is None:
        raise AccountError(f"there is no account {account_id}")
    return found


def find_account(session: Session, account_id: UUID) -> Account | None:
    """Return an account with its balance, or None where there is none."""
    columns = (LedgerAccount.kind, LedgerAccount.name, LedgerAccount.state, LedgerAccount.balance, LedgerAccount.held)
    row = session.execute(select(*columns).where(LedgerAccount.id == account_id)).one_or_none()
    if row is None:
        return None
    balance = row.balance if row.balance is not None else summed_balance(session, account_id)
    return Account(account_id, AccountKind(row.kind), row.name, AccountState(row.state), balance, row.held)


def summed_balance(session: Session, account_id: UUID) -> int:
    """Credits less debits: the last closed day's closing, and the journal since."""
    closed = session.execute(
        select(DayTotal.closing, DayClose.last_serial, DayClose.ends_at)
        .join(DayClose, DayClose.day == DayTotal.day)
        .where(DayTotal.account == account_id)
        .order_by(DayTotal.day.desc())
        .limit(1)
    ).one_or_none()
    signed = case((JournalTransfer.credit == account_id, JournalTransfer.amount), else_=-JournalTransfer.amount)
    query = select(func.coalesce(func.sum(signed), 0)).where(
        or_(JournalTransfer.debit == account_id, JournalTransfer.credit == account_id),
        JournalTransfer.action.in_(MOVING),
    )
    if closed is None:
        return int(session.scalar(query) or 0)
    # The day took lines up to a serial and a time; what either leaves out is still to be added.
    since = or_(JournalTransfer.serial > closed.last_serial, JournalTransfer.recorded_at >= closed.ends_at)
    return int(closed.closing) + int(session.scalar(query.where(since)) or 0)
