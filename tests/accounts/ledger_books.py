"""The books that a random life of a ledger is compared with: a state in memory, and those of a database."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.ledger import (
    AccountKind,
    AccountState,
    Action,
    Entry,
    PostingResult,
    Transfer,
    account,
    decision,
    open_account,
    record,
    seal_chain,
    set_state,
)
from accounts.ledger.expiry import expire_holds, expiry_id
from accounts.ledger.invariants import check_ledger, faults
from accounts.ledger.replay import Hold, Kept
from accounts.ledger.statement import open_holds, statement
from accounts.ledger.tables import JournalTransfer
from accounts.ledger.transfer import CARRYING, MOVING
from database import Database

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


class Books(ABC):
    """The ledger under test."""

    @abstractmethod
    def open(self, account_id: UUID, kind: AccountKind) -> None:
        """Open an account."""

    @abstractmethod
    def send(self, transfers: Sequence[Transfer], now: datetime) -> list[PostingResult]:
        """Record transfers as one batch."""

    @abstractmethod
    def set_state(self, account_id: UUID, state: AccountState) -> None:
        """Suspend or release an account."""

    @abstractmethod
    def expire(self, now: datetime) -> set[UUID]:
        """Expire what is due; returns the holds."""

    @abstractmethod
    def check(self) -> dict[UUID, tuple[int, int]]:
        """Assert what must always hold of these books by themselves; returns balance and held by account."""

    @abstractmethod
    def ids(self) -> list[UUID]:
        """The ids of all lines of the journal."""

    def close(self) -> None:
        """Assert at the end of a life what takes too long after each step."""
        return


class PureBooks(Books):
    """A book in memory, judged by the functions of `rules`: the module `decision`, or a mutant of it."""

    def __init__(self, rules: ModuleType = decision) -> None:
        self.rules = rules
        self.state: Any = rules.LedgerState()
        self.journal: list[Entry] = []

    def open(self, account_id: UUID, kind: AccountKind) -> None:
        balance = 0 if kind in CARRYING else None
        self.state.accounts[account_id] = self.rules.KnownAccount(kind, AccountState.ACTIVE, balance)

    def send(self, transfers: Sequence[Transfer], now: datetime) -> list[PostingResult]:
        outcomes = []
        for transfer in transfers:
            outcome = self.rules.decide(self.state, transfer, now)
            if outcome.entry is not None and not outcome.replayed:
                self.state.fold(outcome.entry)
                self.journal.append(outcome.entry)
            outcomes.append(outcome)
        return outcomes

    def set_state(self, account_id: UUID, state: AccountState) -> None:
        self.state.accounts[account_id].state = state

    def expire(self, now: datetime) -> set[UUID]:
        due = [hold for hold in self.state.open_holds if self.state.lines[hold].expires_at <= now]
        wishes = [Transfer(expiry_id(hold), "expiry", action=Action.EXPIRE, resolves=hold) for hold in due]
        return {outcome.entry.resolves for outcome in self.send(wishes, now) if outcome.entry}  # type: ignore[misc]

    def check(self) -> dict[UUID, tuple[int, int]]:
        accounts = self.state.accounts
        carried = {one: (a.balance, a.held) for one, a in accounts.items() if a.balance is not None}
        kinds = {one: a.kind.value for one, a in accounts.items()}
        lines = {hold: self.state.lines[hold] for hold in self.state.open_holds}
        holds = {one: Hold(line.debit, line.credit, line.amount, line.expires_at) for one, line in lines.items()}
        assert faults(self.journal, Kept(carried, holds, self.state.corrected, self.state.counters, kinds)) == []
        for one in carried:
            signed = [
                line.amount if line.credit == one else -line.amount
                for line in self.journal
                if line.action in MOVING and one in (line.debit, line.credit)
            ]
            assert sum(signed) == carried[one][0], "the statement adds up to the balance"
        moved = [line for line in self.journal if line.action in MOVING]
        others = {one: (0, 0) for one in self.state.accounts if one not in carried}
        for one in others:
            balance = sum(line.amount * ((line.credit == one) - (line.debit == one)) for line in moved)
            others[one] = balance, 0
        return carried | others

    def ids(self) -> list[UUID]:
        return [entry.id for entry in self.journal]


class StoredBooks(Books):
    """The books of a database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.accounts: list[UUID] = []
        self._changed: set[UUID] = set()
        self._found: dict[UUID, tuple[int, int]] = {}

    def open(self, account_id: UUID, kind: AccountKind) -> None:
        self.accounts.append(account_id)
        self._changed.add(account_id)
        with self.database.begin() as session:
            open_account(session, account_id, kind, NOW)

    def send(self, transfers: Sequence[Transfer], now: datetime) -> list[PostingResult]:
        with self.database.begin() as session:
            results = record(session, transfers, now)
        self._follow(result.entry for result in results)
        return results

    def set_state(self, account_id: UUID, state: AccountState) -> None:
        self._changed.add(account_id)
        with self.database.begin() as session:
            set_state(session, account_id, state)

    def expire(self, now: datetime) -> set[UUID]:
        with self.database.begin() as session:
            expired = expire_holds(session, now)
        self._follow(expired)
        return {entry.resolves for entry in expired if entry.resolves}

    def _follow(self, entries: Iterable[Entry | None]) -> None:
        self._changed |= {one for entry in entries if entry is not None for one in (entry.debit, entry.credit)}

    def check(self) -> dict[UUID, tuple[int, int]]:
        """The journal as a whole, and the statements of the accounts that a step touched; `close` asks all again."""
        seal_chain.seal(self.database, NOW)
        with self.database.read() as session:
            assert check_ledger(session) == []
            assert seal_chain.verify(session).whole
            for one in self._changed:
                self._found[one] = self._check_statement(session, one)
            assert len(self.ids()) == session.scalar(select(func.count(JournalTransfer.serial)))
        self._changed.clear()
        return dict(self._found)

    def close(self) -> None:
        with self.database.read() as session:
            assert {one: self._check_statement(session, one) for one in self.accounts} == self._found

    def _check_statement(self, session: Session, one: UUID) -> tuple[int, int]:
        now = account(session, one)
        lines = statement(session, one, limit=1_000)
        assert sum(line.amount for line in lines) == now.balance, "the statement adds up to the balance"
        assert not lines or lines[0].balance == now.balance
        assert sum(hold.amount for hold in open_holds(session, one)) == now.held
        return now.balance, now.held

    def ids(self) -> list[UUID]:
        with self.database.read() as session:
            return list(session.scalars(select(JournalTransfer.id)))
