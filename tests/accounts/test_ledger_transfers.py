"""What the ledger does with one transfer after another, on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from accounts.ledger import (
    AccountError,
    AccountKind,
    AccountState,
    Action,
    Cap,
    PostingResult,
    RefusalCode,
    Transfer,
    account,
    named_account,
    open_account,
    open_named,
    record,
    set_state,
)
from accounts.ledger.chart import close_or_suspend
from accounts.ledger.tables import LedgerAccount
from database import Database, new_id
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE


NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
CASH = named_account(AccountKind.CASH, "counter")


class Books:
    """The ledger under test with a cash box, a merchant and wallets that are filled on opening."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOW
        self.merchant = new_id()
        with database.begin() as session:
            open_named(session, AccountKind.CASH, "counter", NOW)
            open_account(session, self.merchant, AccountKind.MERCHANT, NOW, name="Canteen 1")

    def wallet(self, fen: int = 0) -> UUID:
        wallet = new_id()
        with self.database.begin() as session:
            open_account(session, wallet, AccountKind.WALLET, NOW)
        if fen:
            self.do(debit=CASH, credit=wallet, amount=fen, purpose="top_up").require()
        return wallet

    def room(self) -> UUID:
        room = new_id()
        with self.database.begin() as session:
            open_account(session, room, AccountKind.ROOM, NOW)
        return room

    def do(self, **fields: Any) -> PostingResult:
        fields = {"id": new_id(), "purpose": "payment"} | fields
        return self.all(Transfer(**fields))[0]

    def all(self, *transfers: Transfer) -> list[PostingResult]:
        with self.database.begin() as session:
            return record(session, transfers, self.now)

    def pay(self, wallet: UUID, amount: int, **fields: Any) -> PostingResult:
        return self.do(debit=wallet, credit=self.merchant, amount=amount, **fields)

    def hold(self, wallet: UUID, amount: int, **fields: Any) -> PostingResult:
        return self.pay(wallet, amount, action=Action.HOLD, expires_after=timedelta(hours=1), **fields)

    def resolve(self, hold: PostingResult, action: Action, amount: int = 0, **fields: Any) -> PostingResult:
        return self.do(action=action, resolves=hold.require().id, amount=amount, **fields)

    def worth(self, account_id: UUID) -> tuple[int, int]:
        with self.database.read() as session:
            found = account(session, account_id)
            return found.balance, found.available


@pytest.fixture
def books(database: Database) -> Books:
    return Books(database)


def refused(outcome: PostingResult) -> RefusalCode:
    assert outcome.entry is None
    assert outcome.refusal is not None
    return outcome.refusal.code


def test_a_payment_moves_money_from_the_wallet_to_the_merchant(books: Books) -> None:
    wallet = books.wallet(5_000)
    entry = books.pay(wallet, 1_200).require()
    assert entry.debit_balance == 3_800
    assert entry.credit_balance is None
    assert books.worth(wallet) == (3_800, 3_800)
    assert books.worth(books.merchant)[0] == 1_200
    assert books.worth(CASH)[0] == -5_000


def test_a_wallet_is_never_negative(books: Books) -> None:
    wallet = books.wallet(100)
    assert refused(books.pay(wallet, 101)) is RefusalCode.INSUFFICIENT_FUNDS
    assert books.worth(wallet) == (100, 100)
    books.pay(wallet, 100).require()
    assert refused(books.pay(wallet, 1)) is RefusalCode.INSUFFICIENT_FUNDS


def test_a_room_pays_for_what_it_has_used_whatever_it_has_paid_in(books: Books) -> None:
    wallet, room = books.wallet(1_000), books.room()
    assert books.do(debit=wallet, credit=room, amount=300).require().credit_balance == 300
    used = books.pay(room, 500).require()
    assert used.debit_balance == -200
    assert books.worth(room) == (-200, -200)
    assert books.do(debit=wallet, credit=room, amount=250).require().credit_balance == 50


def test_a_room_gives_back_and_reserves_no_more_than_it_has(books: Books) -> None:
    wallet, room, other = books.wallet(1_000), books.room(), books.room()
    paid_in = books.do(debit=wallet, credit=room, amount=300).require()
    for taker in (wallet, other, CASH):
        assert refused(books.do(debit=room, credit=taker, amount=301)) is RefusalCode.INSUFFICIENT_FUNDS
    assert refused(books.hold(room, 301)) is RefusalCode.INSUFFICIENT_FUNDS
    hold = books.hold(room, 100)
    assert books.worth(room) == (300, 200)
    books.pay(room, 250).require()
    undone = books.do(debit=room, credit=wallet, amount=60, corrects=paid_in.id)
    assert refused(undone) is RefusalCode.INSUFFICIENT_FUNDS
    assert books.resolve(hold, Action.POST, 90).require().debit_balance == -40


def test_a_room_that_owes_or_has_money_is_suspended_and_not_closed(books: Books) -> None:
    room = books.room()
    books.pay(room, 1).require()
    with books.database.begin() as session:
        with pytest.raises(AccountError, match="still has -1 fen"):
            set_state(session, room, AccountState.CLOSED)
        assert close_or_suspend(session, room) is AccountState.SUSPENDED
    assert refused(books.pay(room, 1)) is RefusalCode.ACCOUNT_SUSPENDED
    with books.database.begin() as session:
        set_state(session, room, AccountState.ACTIVE)
    books.do(debit=books.merchant, credit=room, amount=1).require()
    with books.database.begin() as session:
        assert close_or_suspend(session, room) is AccountState.CLOSED


@pytest.mark.parametrize(
    ("kind", "balance", "held"),
    [("room", None, 0), ("merchant", 0, 0), ("wallet", -1, 0), ("wallet", 1, 2), ("room", -5, -1)],
)
def test_the_database_itself_refuses_a_balance_that_cannot_be(
    books: Books, kind: str, balance: int | None, held: int
) -> None:
    row = LedgerAccount(id=new_id(), kind=kind, name="", state="active", balance=balance, held=held, opened_at=NOW)
    with pytest.raises(IntegrityError), books.database.begin() as session:
        session.add(row)


def test_a_hold_reserves_and_a_post_takes_no_more_than_it(books: Books) -> None:
    wallet = books.wallet(1_000)
    hold = books.hold(wallet, 600)
    assert books.worth(wallet) == (1_000, 400)
    assert refused(books.pay(wallet, 401)) is RefusalCode.INSUFFICIENT_FUNDS
    assert refused(books.resolve(hold, Action.POST, 601)) is RefusalCode.HOLD_EXCEEDED
    assert books.resolve(hold, Action.POST, 250).require().debit_balance == 750
    assert books.worth(wallet) == (750, 750)
    assert books.worth(books.merchant)[0] == 250


@pytest.mark.parametrize("first", [Action.POST, Action.VOID, Action.EXPIRE])
@pytest.mark.parametrize("second", [Action.POST, Action.VOID, Action.EXPIRE])
def test_a_hold_resolves_once(books: Books, first: Action, second: Action) -> None:
    wallet = books.wallet(1_000)
    hold = books.hold(wallet, 600)
    for action, resolves in ((first, True), (second, False)):
        if action is Action.EXPIRE:
            books.now = NOW + timedelta(hours=1)
        amount = 100 if action is Action.POST else 0
        outcome = books.resolve(hold, action, amount)
        assert (outcome.entry is not None) == resolves
        if not resolves:
            assert refused(outcome) is RefusalCode.HOLD_RESOLVED
    spent = 100 if first is Action.POST else 0
    assert books.worth(wallet) == (1_000 - spent, 1_000 - spent)


def test_a_hold_expires_when_its_time_is_over_and_not_before(books: Books) -> None:
    wallet = books.wallet(1_000)
    hold = books.hold(wallet, 600)
    books.now = NOW + timedelta(minutes=59, seconds=59)
    assert refused(books.resolve(hold, Action.EXPIRE)) is RefusalCode.HOLD_NOT_DUE
    books.now = NOW + timedelta(hours=1)
    assert refused(books.resolve(hold, Action.POST, 10)) is RefusalCode.HOLD_EXPIRED
    books.resolve(hold, Action.EXPIRE).require()
    assert books.worth(wallet) == (1_000, 1_000)


def test_the_same_id_with_the_same_payload_gives_the_first_answer(books: Books) -> None:
    wallet = books.wallet(1_000)
    one = Transfer(id=new_id(), purpose="payment", debit=wallet, credit=books.merchant, amount=300)
    first, twin = books.all(one, one)
    again = books.all(one)[0]
    assert first.entry == twin.entry == again.entry
    assert (first.replayed, twin.replayed, again.replayed) == (False, True, True)
    assert books.worth(wallet) == (700, 700)


def test_the_same_id_with_another_payload_is_refused(books: Books) -> None:
    wallet = books.wallet(1_000)
    used = books.pay(wallet, 300).require().id
    assert refused(books.pay(wallet, 301, id=used)) is RefusalCode.ID_REUSED
    assert refused(books.pay(wallet, 300, id=used, details={"till": 2})) is RefusalCode.ID_REUSED
    assert books.worth(wallet) == (700, 700)


def test_an_id_that_was_refused_may_be_tried_again(books: Books) -> None:
    wallet = books.wallet(100)
    used = new_id()
    assert refused(books.pay(wallet, 300, id=used)) is RefusalCode.INSUFFICIENT_FUNDS
    books.do(debit=CASH, credit=wallet, amount=200, purpose="top_up").require()
    books.pay(wallet, 300, id=used).require()
    assert books.worth(wallet) == (0, 0)


def test_a_suspended_account_takes_only_the_resolution_of_what_was_pending(books: Books) -> None:
    wallet = books.wallet(1_000)
    hold = books.hold(wallet, 500)
    with books.database.begin() as session:
        set_state(session, wallet, AccountState.SUSPENDED)
    assert refused(books.pay(wallet, 1)) is RefusalCode.ACCOUNT_SUSPENDED
    assert refused(books.hold(wallet, 1)) is RefusalCode.ACCOUNT_SUSPENDED
    top_up = books.do(debit=CASH, credit=wallet, amount=1, purpose="top_up")
    assert refused(top_up) is RefusalCode.ACCOUNT_SUSPENDED
    books.resolve(hold, Action.POST, 500).require()
    assert books.worth(wallet) == (500, 500)


def test_a_suspended_account_still_gives_its_first_answers(books: Books) -> None:
    wallet = books.wallet(1_000)
    paid = Transfer(id=new_id(), purpose="payment", debit=wallet, credit=books.merchant, amount=300)
    first = books.all(paid)[0]
    with books.database.begin() as session:
        set_state(session, wallet, AccountState.SUSPENDED)
    assert books.all(paid)[0].entry == first.entry


def test_only_an_empty_account_closes_and_then_for_good(books: Books) -> None:
    wallet = books.wallet(1_000)
    hold = books.hold(wallet, 1_000)
    with pytest.raises(AccountError, match="1000 fen"), books.database.begin() as session:
        set_state(session, wallet, AccountState.CLOSED)
    with pytest.raises(AccountError, match="open holds"), books.database.begin() as session:
        set_state(session, books.merchant, AccountState.CLOSED)
    books.resolve(hold, Action.POST, 1_000).require()
    with books.database.begin() as session:
        set_state(session, wallet, AccountState.CLOSED)
    top_up = books.do(debit=CASH, credit=wallet, amount=1, purpose="top_up")
    assert refused(top_up) is RefusalCode.ACCOUNT_CLOSED
    with pytest.raises(AccountError, match="for good"), books.database.begin() as session:
        set_state(session, wallet, AccountState.ACTIVE)


def test_corrections_never_take_back_more_than_was_paid(books: Books) -> None:
    wallet = books.wallet(1_000)
    paid = books.pay(wallet, 700).require()

    def refund(amount: int) -> PostingResult:
        return books.do(debit=books.merchant, credit=wallet, amount=amount, corrects=paid.id, purpose="refund")

    refund(300).require()
    assert refused(refund(401)) is RefusalCode.CORRECTION_EXCEEDS
    refund(400).require()
    assert refused(refund(1)) is RefusalCode.CORRECTION_EXCEEDS
    assert books.worth(wallet) == (1_000, 1_000)


def test_a_correction_goes_back_the_way_the_money_came(books: Books) -> None:
    wallet, other = books.wallet(1_000), books.wallet()
    paid = books.pay(wallet, 700).require()
    astray = books.do(debit=books.merchant, credit=other, amount=1, corrects=paid.id)
    assert refused(astray) is RefusalCode.INVALID
    unknown = books.do(debit=books.merchant, credit=wallet, amount=1, corrects=new_id())
    assert refused(unknown) is RefusalCode.CORRECTED_UNKNOWN


def test_a_cancelled_id_never_pays_later(books: Books) -> None:
    wallet = books.wallet(1_000)
    lost = new_id()
    books.do(id=lost, action=Action.CANCEL, debit=books.merchant, purpose="reversal").require()
    assert refused(books.pay(wallet, 700, id=lost)) is RefusalCode.ID_REUSED
    assert books.worth(wallet) == (1_000, 1_000)


def test_a_cap_counts_holds_and_says_what_is_left(books: Books) -> None:
    wallet = books.wallet(10_000)
    day = Cap("day/2026-11-23", 1_000)
    hold = books.hold(wallet, 600, caps=(day,))
    outcome = books.pay(wallet, 401, caps=(day,))
    assert refused(outcome) is RefusalCode.LIMIT_REACHED
    assert outcome.refusal is not None
    assert (outcome.refusal.window, outcome.refusal.left) == (day.window, 400)
    books.resolve(hold, Action.POST, 100).require()
    paid = books.pay(wallet, 900, caps=(day,)).require()
    assert refused(books.pay(wallet, 1, caps=(day,))) is RefusalCode.LIMIT_REACHED
    books.do(debit=books.merchant, credit=wallet, amount=50, corrects=paid.id).require()
    books.pay(wallet, 50, caps=(day,)).require()
    books.pay(wallet, 5_000, caps=(Cap(day.window, None),)).require()
    assert refused(books.pay(wallet, 1, caps=(day,))) is RefusalCode.LIMIT_REACHED


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": 0},
        {"amount": -5},
        {"amount": 10**13 + 1},
        {"amount": 1, "action": Action.HOLD},
        {"amount": 1, "expires_after": timedelta(hours=1)},
        {"amount": 1, "action": Action.HOLD, "expires_after": timedelta(0)},
        {"amount": 1, "credit": None},
    ],
)
def test_a_malformed_transfer_is_refused(books: Books, fields: dict[str, Any]) -> None:
    wallet = books.wallet(1_000)
    assert refused(books.do(**({"debit": wallet, "credit": books.merchant} | fields))) is RefusalCode.INVALID
    assert books.worth(wallet) == (1_000, 1_000)


def test_an_unknown_account_is_refused(books: Books) -> None:
    assert refused(books.pay(new_id(), 1)) is RefusalCode.ACCOUNT_UNKNOWN


def test_a_batch_of_holds_and_posts_may_build_on_itself(books: Books) -> None:
    wallet = books.wallet(1_000)
    held, posted = new_id(), new_id()
    hour = timedelta(hours=1)
    hold = Transfer(held, "shower", wallet, books.merchant, 900, Action.HOLD, expires_after=hour)
    outcomes = books.all(hold, Transfer(posted, "shower", amount=200, action=Action.POST, resolves=held))
    assert [outcome.entry is not None for outcome in outcomes] == [True, True]
    assert books.worth(wallet) == (800, 800)
