"""A random life of a ledger: a machine with its own idea of every balance, hold and limit (books: `ledger_books`).

The same life is led on the pure state in memory, where hundreds of sequences cost seconds, and on both databases.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from accounts.ledger import (
    AccountKind,
    AccountState,
    Action,
    Cap,
    Entry,
    PostingResult,
    RefusalCode,
    Transfer,
)
from accounts.ledger.transfer import MOVING, RESOLVING
from database import new_id
from tests.accounts.ledger_books import NOW, Books

DAY, LIMIT = "day/2026-11-23", 500
FUNDS = 1_500
AMOUNTS = st.integers(min_value=1, max_value=400)
WALLETS = st.integers(min_value=0, max_value=2)
SHOPS = st.integers(min_value=0, max_value=1)
ENDS = st.sampled_from([Action.VOID, Action.EXPIRE])


class LedgerLife(RuleBasedStateMachine):
    """Three wallets, a room, two merchants and a cash box. `books` is set by the test."""

    books: Books
    sent = Bundle("sent")
    paid = Bundle("paid")
    held = Bundle("held")

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.wallets = [new_id() for _ in range(3)]
        self.merchants = [new_id() for _ in range(2)]
        self.cash, self.room = new_id(), new_id()
        self.balances = dict.fromkeys((*self.wallets, *self.merchants, self.cash, self.room), 0)
        self.spent = dict.fromkeys((*self.wallets, self.room), 0)
        self.holds: dict[UUID, tuple[UUID, int, datetime]] = {}
        self.suspended: set[UUID] = set()
        self.recorded: dict[UUID, Entry] = {}
        self.corrected: dict[UUID, int] = {}
        self.refused: set[UUID] = set()
        self.books.open(self.cash, AccountKind.CASH)
        self.books.open(self.room, AccountKind.ROOM)
        for wallet in self.wallets:
            self.books.open(wallet, AccountKind.WALLET)
        for merchant in self.merchants:
            self.books.open(merchant, AccountKind.MERCHANT)
        for wallet in self.wallets:
            self.send(Transfer(new_id(), "top_up", self.cash, wallet, FUNDS)).require()
            self.move(self.cash, wallet, FUNDS)

    # --- What the machine believes ---------------------------------------------------------------------------------

    def send(self, transfer: Transfer) -> PostingResult:
        return self.send_all(transfer)[0]

    def send_all(self, *transfers: Transfer) -> list[PostingResult]:
        outcomes = self.books.send(transfers, self.now)
        for transfer, outcome in zip(transfers, outcomes, strict=True):
            if outcome.entry is not None:
                self.recorded.setdefault(transfer.id, outcome.entry)
            elif transfer.id not in self.recorded:
                self.refused.add(transfer.id)
        return outcomes

    def move(self, debit: UUID, credit: UUID, amount: int) -> None:
        self.balances[debit] -= amount
        self.balances[credit] += amount

    def reserved(self, wallet: UUID) -> int:
        return sum(amount for owner, amount, _ in self.holds.values() if owner == wallet)

    def expected(self, transfer: Transfer) -> tuple[RefusalCode, int | None] | None:
        """Why a payment or a hold must be refused, with the fen that are left; None when it must be taken."""
        wallet = transfer.debit
        assert wallet is not None
        if wallet in self.suspended:
            return RefusalCode.ACCOUNT_SUSPENDED, None
        if transfer.amount > (left := self.balances[wallet] - self.reserved(wallet)):
            return RefusalCode.INSUFFICIENT_FUNDS, left
        for cap in transfer.caps:
            if cap.limit is not None and transfer.amount > (left := max(0, cap.limit - self.spent[wallet])):
                return RefusalCode.LIMIT_REACHED, left
        return None

    def judge(self, transfer: Transfer, outcome: PostingResult) -> bool:
        """Compare the answer with our own judgement and follow it; returns whether it was taken."""
        expected = self.expected(transfer)
        got = None if outcome.refusal is None else (outcome.refusal.code, outcome.refusal.left)
        assert got == expected
        if outcome.entry is None:
            return False
        assert transfer.debit is not None
        assert transfer.credit is not None
        self.spent[transfer.debit] += transfer.amount if transfer.caps else 0
        if transfer.expires_after is not None:
            self.holds[transfer.id] = transfer.debit, transfer.amount, self.now + transfer.expires_after
        else:
            self.move(transfer.debit, transfer.credit, transfer.amount)
        return True

    # --- Money in and out ------------------------------------------------------------------------------------------

    @rule(target=sent, which=WALLETS, amount=AMOUNTS)
    def top_up(self, which: int, amount: int) -> Transfer:
        wallet = self.wallets[which]
        transfer = Transfer(new_id(), "top_up", self.cash, wallet, amount)
        taken = self.send(transfer).entry is not None
        assert taken == (wallet not in self.suspended)
        if taken:
            self.move(self.cash, wallet, amount)
        return transfer

    def payment(self, which: int, shop: int, amount: int, *, capped: bool) -> Transfer:
        caps = (Cap(DAY, LIMIT if capped else None),)
        return Transfer(new_id(), "payment", self.wallets[which], self.merchants[shop], amount, caps=caps)

    @rule(target=paid, which=WALLETS, shop=SHOPS, amount=AMOUNTS, capped=st.booleans())
    def pay(self, which: int, shop: int, amount: int, capped: bool) -> Any:
        transfer = self.payment(which, shop, amount, capped=capped)
        return transfer if self.judge(transfer, self.send(transfer)) else multiple()

    @rule(which=st.lists(WALLETS, min_size=2, max_size=4), amount=AMOUNTS, capped=st.booleans())
    def pay_in_one_batch(self, which: list[int], amount: int, capped: bool) -> None:
        transfers = [self.payment(one, 0, amount, capped=capped) for one in which]
        *outcomes, again = self.send_all(*transfers, transfers[0])
        taken = [self.judge(*one) for one in zip(transfers, outcomes, strict=True)]
        if taken[0]:
            assert again.replayed
            assert again.entry == outcomes[0].entry
        else:
            # A refused id is tried afresh, and judged after the others.
            self.judge(transfers[0], again)

    @rule(target=sent, which=WALLETS, other=WALLETS, amount=AMOUNTS)
    def give(self, which: int, other: int, amount: int) -> Transfer:
        giver, taker = self.wallets[which], self.wallets[other]
        transfer = Transfer(new_id(), "adjustment", giver, taker, amount)
        outcome = self.send(transfer)
        if giver == taker or taker in self.suspended:
            assert outcome.entry is None
        else:
            self.judge(transfer, outcome)
        return transfer

    @rule(target=sent, which=WALLETS, amount=AMOUNTS)
    def pay_into_the_room(self, which: int, amount: int) -> Transfer:
        transfer = Transfer(new_id(), "room", self.wallets[which], self.room, amount)
        self.judge(transfer, self.send(transfer))
        return transfer

    @rule(target=sent, amount=AMOUNTS)
    def charge_the_room(self, amount: int) -> Transfer:
        """What was used has been used: a room is debited whatever it has."""
        transfer = Transfer(new_id(), "electricity", self.room, self.merchants[0], amount)
        assert self.send(transfer).entry is not None
        self.move(self.room, self.merchants[0], amount)
        return transfer

    @rule(target=sent, which=WALLETS, amount=AMOUNTS)
    def pay_out_of_the_room(self, which: int, amount: int) -> Transfer:
        """Money that leaves a room unused must be there."""
        transfer = Transfer(new_id(), "room", self.room, self.wallets[which], amount)
        outcome = self.send(transfer)
        if self.wallets[which] in self.suspended:
            assert outcome.entry is None
        else:
            self.judge(transfer, outcome)
        return transfer

    @rule(which=WALLETS, amount=st.integers(-50, 0), odd=st.booleans())
    def send_nonsense(self, which: int, amount: int, odd: bool) -> None:
        wallet, shop = self.wallets[which], self.merchants[0]
        good = Transfer(new_id(), "payment", wallet, shop, 1, expires_after=timedelta(hours=1))
        wish = good if odd else Transfer(new_id(), "payment", wallet, shop, amount)
        outcome = self.send(wish)
        assert outcome.refusal is not None
        assert outcome.refusal.code is RefusalCode.INVALID

    # --- Holds -----------------------------------------------------------------------------------------------------

    @rule(target=held, which=WALLETS, amount=AMOUNTS, minutes=st.integers(1, 60), capped=st.booleans())
    def hold(self, which: int, amount: int, minutes: int, capped: bool) -> Any:
        transfer = Transfer(
            new_id(),
            "shower",
            self.wallets[which],
            self.merchants[0],
            amount,
            Action.HOLD,
            expires_after=timedelta(minutes=minutes),
            caps=(Cap(DAY, LIMIT if capped else None),),
        )
        return transfer if self.judge(transfer, self.send(transfer)) else multiple()

    @rule(target=paid, which=WALLETS, amount=AMOUNTS, used=AMOUNTS)
    def take_a_shower(self, which: int, amount: int, used: int) -> Any:
        hold = self.hold(which, amount, 30, False)
        if not isinstance(hold, Transfer):
            return multiple()
        self.resolve(hold.id, Action.POST, used)
        return self.resolve(hold.id, Action.POST, min(used, amount))

    @rule(target=paid, earlier=held, amount=AMOUNTS)
    def post(self, earlier: Transfer, amount: int) -> Transfer:
        return self.resolve(earlier.id, Action.POST, amount)

    @rule(target=paid, earlier=held)
    def post_all(self, earlier: Transfer) -> Transfer:
        return self.resolve(earlier.id, Action.POST, earlier.amount)

    @rule(earlier=held)
    def spend_what_is_held(self, earlier: Transfer) -> None:
        """The whole balance, of which a part is promised to a hold."""
        wallet, _, _ = self.holds.get(earlier.id, (None, 0, NOW))
        if wallet is not None and self.balances[wallet] > 0:
            transfer = Transfer(new_id(), "payment", wallet, self.merchants[0], self.balances[wallet])
            self.judge(transfer, self.send(transfer))

    @rule(target=sent, earlier=held, action=ENDS)
    def release(self, earlier: Transfer, action: Action) -> Transfer:
        return self.resolve(earlier.id, action, 0)

    @rule(earlier=held, action=ENDS)
    def release_twice(self, earlier: Transfer, action: Action) -> None:
        for _ in range(2):
            self.resolve(earlier.id, action, 0)

    @rule(earlier=held)
    def expire_twice(self, earlier: Transfer) -> None:
        _, _, until = self.holds.get(earlier.id, (None, 0, NOW))
        self.now = max(self.now, until)
        self.release_twice(earlier, Action.EXPIRE)

    @rule(earlier=held)
    def post_at_the_end(self, earlier: Transfer) -> None:
        """The instant at which a hold expires is too late already."""
        _, _, until = self.holds.get(earlier.id, (None, 0, NOW))
        self.now = max(self.now, until)
        self.resolve(earlier.id, Action.POST, 1)

    @rule(earlier=sent)
    def post_what_is_no_hold(self, earlier: Transfer) -> None:
        self.resolve(earlier.id, Action.POST, 1)

    def resolve(self, hold_id: UUID, action: Action, amount: int) -> Transfer:
        transfer = Transfer(new_id(), "shower", amount=amount, action=action, resolves=hold_id)
        entry = self.send(transfer).entry
        wallet, held, until = self.holds.get(hold_id, (None, 0, NOW))
        expired = self.now >= until
        possible = wallet is not None and {
            Action.POST: amount <= held and not expired,
            Action.VOID: True,
            Action.EXPIRE: expired,
        }.get(action, False)
        assert (entry is not None) == possible
        if wallet is not None and possible:
            self.move(wallet, self.merchants[0], amount)
            self.spent[wallet] += amount - held
            del self.holds[hold_id]
        return transfer

    @rule()
    def expire(self) -> None:
        due = {hold for hold, (_, _, until) in self.holds.items() if until <= self.now}
        assert self.books.expire(self.now) == due
        for hold in due:
            wallet, held, _ = self.holds.pop(hold)
            self.spent[wallet] -= held

    # --- Taking back -----------------------------------------------------------------------------------------------

    @rule(target=sent, earlier=paid, amount=AMOUNTS, back_again=st.booleans())
    def refund_a_payment(self, earlier: Transfer, amount: int, back_again: bool) -> Transfer:
        refund = self.refund(earlier, amount, new_id())
        if back_again:
            self.refund(refund, amount, new_id())
        return refund

    @rule(earlier=sent, amount=AMOUNTS)
    def refund_anything(self, earlier: Transfer, amount: int) -> None:
        self.refund(earlier, amount, new_id())

    @rule(target=sent, earlier=paid, times=st.integers(1, 2))
    def reverse(self, earlier: Transfer, times: int) -> Any:
        """As a terminal that lost the answer does: the whole, under an id that follows from the payment's."""
        original = self.recorded.get(earlier.id)
        reversal = uuid5(earlier.id, "reversal")
        if original is None or reversal in self.recorded:
            return multiple()
        back = self.refund(earlier, original.amount, reversal)
        for _ in range(times):
            if reversal in self.recorded:
                assert self.send(back).replayed
                self.refund(earlier, original.amount, new_id())
        return back

    @rule(earlier=paid, which=WALLETS)
    def refund_to_somebody_else(self, earlier: Transfer, which: int) -> None:
        original = self.recorded.get(earlier.id)
        if original is not None and self.wallets[which] not in (original.debit, original.credit):
            astray = Transfer(new_id(), "refund", original.credit, self.wallets[which], 1, corrects=earlier.id)
            assert self.send(astray).entry is None

    def refund(self, earlier: Transfer, amount: int, refund_id: UUID) -> Transfer:
        original = self.recorded.get(earlier.id)
        debit, credit = (original.credit, original.debit) if original else (self.merchants[0], self.wallets[0])
        transfer = Transfer(refund_id, "refund", debit, credit, amount, corrects=earlier.id)
        taken = self.send(transfer).entry is not None
        done = self.corrected.get(earlier.id, 0)
        possible = (
            original is not None
            and original.action in MOVING
            and original.corrects is None
            and amount <= original.amount - done
            and not {debit, credit} & self.suspended
            and (debit not in (*self.wallets, self.room) or amount <= self.balances[debit] - self.reserved(debit))
        )
        assert taken == possible
        if taken and original is not None:
            self.corrected[earlier.id] = done + amount
            self.move(debit, credit, amount)
            if original.windows:
                self.spent[original.debit] = max(0, self.spent[original.debit] - amount)
        return transfer

    # --- Ids -------------------------------------------------------------------------------------------------------

    @rule(earlier=st.one_of(paid, held, sent))
    def send_again(self, earlier: Transfer) -> None:
        """An id that was recorded gives the first answer, whatever has happened since."""
        first = self.recorded.get(earlier.id)
        if first is not None:
            again = self.send(earlier)
            assert again.replayed
            assert again.entry == first

    @rule(earlier=st.one_of(paid, held, sent), amount=AMOUNTS)
    def use_an_id_for_something_else(self, earlier: Transfer, amount: int) -> None:
        if earlier.id in self.recorded:
            outcome = self.send(Transfer(earlier.id, "other", self.cash, self.wallets[0], amount))
            assert outcome.refusal is not None
            assert outcome.refusal.code is RefusalCode.ID_REUSED

    @rule(which=WALLETS, amount=AMOUNTS)
    def cancel_before_it_arrives(self, which: int, amount: int) -> None:
        late = self.payment(which, 0, amount, capped=False)
        cancel = Transfer(late.id, "reversal", self.merchants[0], action=Action.CANCEL)
        assert self.send(cancel).entry is not None
        assert self.send(late).entry is None

    # --- Accounts and time -----------------------------------------------------------------------------------------

    @rule(which=WALLETS, state=st.sampled_from([AccountState.ACTIVE, AccountState.ACTIVE, AccountState.SUSPENDED]))
    def change_state(self, which: int, state: AccountState) -> None:
        self.books.set_state(self.wallets[which], state)
        (self.suspended.add if state is AccountState.SUSPENDED else self.suspended.discard)(self.wallets[which])

    @rule(minutes=st.integers(1, 45))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    # --- What must hold after every step ---------------------------------------------------------------------------

    @invariant()
    def the_books_are_right(self) -> None:
        found = self.books.check()
        assert {one: balance for one, (balance, _) in found.items()} == self.balances
        assert sum(self.balances.values()) == 0, "no fen is made and none is lost"
        for wallet in self.wallets:
            assert found[wallet][1] == self.reserved(wallet), "what is held is the sum of the open holds"
            assert 0 <= found[wallet][1] <= found[wallet][0], "no wallet is overdrawn"
        written = self.books.ids()
        assert len(written) == len(set(written)), "each id once"
        assert not set(written) & (self.refused - set(self.recorded)), "a refusal leaves nothing behind"
        resolved = [entry.resolves for entry in self.recorded.values() if entry.action in RESOLVING]
        assert len(resolved) == len(set(resolved)), "each hold ends once"

    def teardown(self) -> None:
        self.books.close()
