"""Random lives of a ledger: the invariants hold after every single step, on both databases."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from accounts.ledger import (
    AccountKind,
    AccountState,
    Action,
    Cap,
    Outcome,
    RefusalCode,
    Transfer,
    account,
    journal,
    open_account,
    open_named,
    record,
    set_state,
)
from accounts.ledger.books import check_books
from accounts.ledger.expiry import expire_holds
from accounts.ledger.statement import open_holds, statement
from accounts.ledger.tables import (
    Corrected,
    JournalTransfer,
    LedgerAccount,
    OpenHold,
    Seal,
    SpendingCounter,
)
from database import Base, Database, new_id

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
SEQUENCES = int(os.environ.get("CAMPUSGATE_TEST_SEQUENCES", "25"))
DAY = "day/2026-11-23"
AMOUNTS = st.integers(min_value=1, max_value=400)
FUNDS = 1_500
WALLETS = st.integers(min_value=0, max_value=2)


class LedgerLife(RuleBasedStateMachine):
    """Three wallets and two merchants; the machine keeps its own idea of balances and compares."""

    database: Database
    sent = Bundle("sent")
    paid = Bundle("paid")
    held = Bundle("held")

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.wallets = [new_id() for _ in range(3)]
        self.merchants = [new_id() for _ in range(2)]
        self.balances = dict.fromkeys(self.wallets, 0)
        self.holds: dict[UUID, tuple[UUID, int, datetime]] = {}
        self.suspended: set[UUID] = set()
        self.recorded: dict[UUID, Any] = {}
        self.corrected: dict[UUID, int] = {}
        self.refused_ids: set[UUID] = set()
        with self.database.begin() as session:
            self.cash = open_named(session, AccountKind.CASH, "counter", NOW)
            for wallet in self.wallets:
                open_account(session, wallet, AccountKind.WALLET, NOW)
            for merchant in self.merchants:
                open_account(session, merchant, AccountKind.MERCHANT, NOW)
        for wallet in self.wallets:
            self.send(Transfer(new_id(), "top_up", self.cash, wallet, FUNDS)).require()
            self.balances[wallet] = FUNDS

    def send(self, transfer: Transfer) -> Outcome:
        with self.database.begin() as session:
            outcome = record(session, [transfer], self.now)[0]
        if outcome.entry is None:
            self.refused_ids.add(transfer.id)
        else:
            self.recorded[transfer.id] = outcome.entry
        return outcome

    def available(self, wallet: UUID) -> int:
        return self.balances[wallet] - sum(amount for owner, amount, _ in self.holds.values() if owner == wallet)

    def allowed(self, outcome: Outcome, wallet: UUID, amount: int) -> bool:
        """Compare the answer with the machine's own judgement; caps are judged by the replay in `check_books`."""
        if wallet in self.suspended:
            assert outcome.refusal is not None
            assert outcome.refusal.code is RefusalCode.ACCOUNT_SUSPENDED
        elif amount > self.available(wallet):
            assert outcome.refusal is not None
            assert outcome.refusal.code is RefusalCode.INSUFFICIENT_FUNDS
        elif outcome.refusal is not None:
            assert outcome.refusal.code is RefusalCode.LIMIT_REACHED
        return outcome.entry is not None

    @rule(target=sent, which=WALLETS, amount=AMOUNTS)
    def top_up(self, which: int, amount: int) -> Transfer:
        wallet = self.wallets[which]
        transfer = Transfer(new_id(), "top_up", self.cash, wallet, amount)
        if self.send(transfer).entry is not None:
            assert wallet not in self.suspended
            self.balances[wallet] += amount
        return transfer

    @rule(target=paid, which=WALLETS, shop=st.integers(0, 1), amount=AMOUNTS, capped=st.booleans())
    def pay(self, which: int, shop: int, amount: int, capped: bool) -> Any:
        wallet = self.wallets[which]
        caps = (Cap(DAY, 500 if capped else None),)
        transfer = Transfer(new_id(), "payment", wallet, self.merchants[shop], amount, caps=caps)
        if not self.allowed(self.send(transfer), wallet, amount):
            return multiple()
        self.balances[wallet] -= amount
        return transfer

    @rule(target=sent, which=WALLETS, other=WALLETS, amount=AMOUNTS)
    def give(self, which: int, other: int, amount: int) -> Transfer:
        giver, taker = self.wallets[which], self.wallets[other]
        transfer = Transfer(new_id(), "adjustment", giver, taker, amount)
        if self.send(transfer).entry is not None:
            assert giver != taker
            self.balances[giver] -= amount
            self.balances[taker] += amount
        return transfer

    @rule(target=held, which=WALLETS, amount=AMOUNTS, minutes=st.integers(1, 60))
    def hold(self, which: int, amount: int, minutes: int) -> Any:
        wallet = self.wallets[which]
        life = timedelta(minutes=minutes)
        transfer = Transfer(
            new_id(), "shower", wallet, self.merchants[0], amount, Action.HOLD, expires_after=life, caps=(Cap(DAY),)
        )
        if not self.allowed(self.send(transfer), wallet, amount):
            return multiple()
        self.holds[transfer.id] = wallet, amount, self.now + life
        return transfer

    @rule(target=paid, which=WALLETS, amount=AMOUNTS, used=AMOUNTS, twice=st.booleans())
    def take_a_shower(self, which: int, amount: int, used: int, twice: bool) -> Any:
        hold = self.hold(which, amount, 30)
        if not isinstance(hold, Transfer):
            return multiple()
        if twice:
            self.resolve(hold, Action.POST, used)
        return self.resolve(hold, Action.POST, min(used, amount))

    @rule(target=paid, earlier=held, amount=AMOUNTS)
    def post(self, earlier: Transfer, amount: int) -> Transfer:
        return self.resolve(earlier, Action.POST, amount)

    @rule(target=paid, earlier=held)
    def post_all(self, earlier: Transfer) -> Transfer:
        return self.resolve(earlier, Action.POST, earlier.amount)

    @rule(target=sent, earlier=held, action=st.sampled_from([Action.VOID, Action.EXPIRE]))
    def release(self, earlier: Transfer, action: Action) -> Transfer:
        return self.resolve(earlier, action, 0)

    @rule(earlier=sent)
    def post_what_is_no_hold(self, earlier: Transfer) -> None:
        self.resolve(earlier, Action.POST, 1)

    def resolve(self, earlier: Transfer, action: Action, amount: int) -> Transfer:
        fen = amount if action is Action.POST else 0
        transfer = Transfer(new_id(), "shower", amount=fen, action=action, resolves=earlier.id)
        entry = self.send(transfer).entry
        wallet, held, until = self.holds.get(earlier.id, (None, 0, NOW))
        expired = self.now >= until
        possible = wallet is not None and (
            (action is Action.POST and fen <= held and not expired)
            or action is Action.VOID
            or (action is Action.EXPIRE and expired)
        )
        assert (entry is not None) == possible
        if wallet is not None and possible:
            self.balances[wallet] -= fen
            del self.holds[earlier.id]
        return transfer

    @rule(target=sent, earlier=paid, amount=AMOUNTS)
    def refund_a_payment(self, earlier: Transfer, amount: int) -> Transfer:
        return self.refund(earlier, amount)

    @rule(earlier=sent, amount=AMOUNTS)
    def refund_anything(self, earlier: Transfer, amount: int) -> None:
        self.refund(earlier, amount)

    def refund(self, earlier: Transfer, amount: int) -> Transfer:
        original = self.recorded.get(earlier.id)
        debit, credit = (original.credit, original.debit) if original else (self.merchants[0], self.wallets[0])
        transfer = Transfer(new_id(), "refund", debit, credit, amount, corrects=earlier.id)
        if self.send(transfer).entry is not None:
            assert original is not None
            self.corrected[earlier.id] = self.corrected.get(earlier.id, 0) + amount
            assert self.corrected[earlier.id] <= original.amount
            for account_id, signed in ((debit, -amount), (credit, amount)):
                if account_id in self.balances:
                    self.balances[account_id] += signed
        return transfer

    @rule(earlier=paid)
    def send_again(self, earlier: Transfer) -> None:
        """A repeated id gives the first answer, or is tried afresh when there was none."""
        first = self.recorded.get(earlier.id)
        if first is None:
            return
        again = self.send(earlier)
        assert again.replayed
        assert again.entry == first

    @rule(earlier=held)
    def reuse_id(self, earlier: Transfer) -> None:
        other = Transfer(earlier.id, "other", self.cash, self.wallets[0], 7)
        if earlier.id in self.recorded:
            outcome = self.send(other)
            self.refused_ids.discard(earlier.id)
            assert outcome.refusal is not None
            assert outcome.refusal.code is RefusalCode.ID_REUSED

    @rule(which=WALLETS, state=st.sampled_from([AccountState.ACTIVE, AccountState.SUSPENDED]))
    def change_state(self, which: int, state: AccountState) -> None:
        with self.database.begin() as session:
            set_state(session, self.wallets[which], state)
        (self.suspended.add if state is AccountState.SUSPENDED else self.suspended.discard)(self.wallets[which])

    @rule(minutes=st.integers(1, 45))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def expire(self) -> None:
        with self.database.begin() as session:
            released = {entry.resolves for entry in expire_holds(session, self.now)}
        assert released == {hold for hold, (_, _, until) in self.holds.items() if until <= self.now}
        for hold in released:
            del self.holds[hold]

    @rule()
    def seal(self) -> None:
        journal.seal(self.database, self.now)

    @invariant()
    def the_books_are_right(self) -> None:
        with self.database.read() as session:
            assert check_books(session) == []
            assert journal.verify(session).whole
            total = 0
            for wallet, balance in self.balances.items():
                found = account(session, wallet)
                assert found.balance == balance
                assert found.available == self.available(wallet) >= 0
                assert sum(hold.amount for hold in open_holds(session, wallet)) == found.held
                lines = statement(session, wallet, limit=1_000)
                assert sum(line.amount for line in lines) == balance
                assert not lines or lines[0].balance == balance
                total += balance
            for other in (*self.merchants, self.cash):
                found = account(session, other)
                lines = statement(session, other, limit=1_000)
                assert sum(line.amount for line in lines) == found.balance
                assert not lines or lines[0].balance == found.balance
                total += found.balance
            assert total == 0
            written = set(session.scalars(select(JournalTransfer.id)))
            assert not written & (self.refused_ids - set(self.recorded))
            assert len(written) == session.scalar(select(func.count(JournalTransfer.serial)))


@contextmanager
def _emptied(database: Database) -> Iterator[Database]:
    """The database with a fresh journal: the triggers that guard it are made anew with it."""
    tables = [row.__table__ for row in (JournalTransfer, Seal, LedgerAccount, OpenHold, Corrected, SpendingCounter)]
    Base.metadata.drop_all(database.engine, tables=tables)
    Base.metadata.create_all(database.engine, tables=tables)
    yield database


@pytest.mark.timeout(900)
def test_the_invariants_hold_after_every_step_of_any_life(database: Database) -> None:
    class Life(LedgerLife):
        def __init__(self) -> None:
            super().__init__()
            with _emptied(database) as emptied:
                self.database = emptied

    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
