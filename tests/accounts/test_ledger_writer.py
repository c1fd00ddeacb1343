"""Group commit: concurrent requests share a transaction, and each still gets its own answer."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from accounts.ledger import (
    AccountKind,
    LedgerWriter,
    RefusalCode,
    Transfer,
    TransferRefusedError,
    WriterClosedError,
    account,
    named_account,
    open_account,
    open_named,
    record,
)
from accounts.ledger.invariants import check_ledger
from accounts.ledger.writer import ATTEMPTS, Prepared, _Submission
from database import Database, DatabaseBusyError, engine, new_id
from tests.accounts.held_writer import hold_up
from tests.databases import copied

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
CASH = named_account(AccountKind.CASH, "counter")


@pytest.fixture
def wallet(database: Database) -> UUID:
    wallet = new_id()
    with database.begin() as session:
        cash = open_named(session, AccountKind.CASH, "counter", NOW)
        open_account(session, wallet, AccountKind.WALLET, NOW)
        record(session, [Transfer(new_id(), "top_up", cash, wallet, 1_000)], NOW)[0].require()
    return wallet


def spend(wallet: UUID, amount: int) -> Transfer:
    return Transfer(new_id(), "payment", wallet, CASH, amount)


def test_a_hundred_clients_never_spend_more_than_there_is(database: Database, wallet: UUID) -> None:
    with LedgerWriter(database) as writer, ThreadPoolExecutor(20) as clients:
        outcomes = list(clients.map(lambda _: writer.submit(spend(wallet, 30)), range(100)))
    paid = [outcome for outcome in outcomes if outcome.entry]
    assert len(paid) == 33
    assert {o.refusal.code for o in outcomes if o.refusal} == {RefusalCode.INSUFFICIENT_FUNDS}
    with database.read() as session:
        assert account(session, wallet).balance == 10
        assert check_ledger(session) == []


def test_one_id_sent_by_many_clients_pays_once(database: Database, wallet: UUID) -> None:
    transfer = spend(wallet, 30)
    with LedgerWriter(database) as writer, ThreadPoolExecutor(20) as clients:
        outcomes = list(clients.map(lambda _: writer.submit(transfer), range(40)))
    assert [outcome.replayed for outcome in outcomes].count(False) == 1
    assert len({outcome.require() for outcome in outcomes}) == 1
    with database.read() as session:
        assert account(session, wallet).balance == 970


def test_two_writers_on_one_database_pay_one_id_once(database: Database, wallet: UUID) -> None:
    """Two server processes meet in the database only."""
    other = Database(database.url)
    transfers = [spend(wallet, 1) for _ in range(30)]
    together = threading.Barrier(2)

    def client(writer: LedgerWriter) -> list[bool]:
        together.wait()
        return [writer.submit(transfer).replayed for transfer in transfers]

    with LedgerWriter(database) as one, LedgerWriter(other) as two, ThreadPoolExecutor(2) as clients:
        answers = list(clients.map(client, (one, two)))
    other.close()
    assert sorted(answers[0] + answers[1]) == [False] * 30 + [True] * 30
    with database.read() as session:
        assert account(session, wallet).balance == 970
        assert check_ledger(session) == []


def test_work_that_raises_undoes_its_own_part_only(database: Database, wallet: UUID) -> None:
    def refused(session: Session, now: datetime) -> None:
        open_account(session, new_id(), AccountKind.MERCHANT, now, name="never")
        record(session, [spend(wallet, 1), spend(wallet, 5_000)], now)[1].require()

    def fine(session: Session, now: datetime) -> int:
        balance = record(session, [spend(wallet, 100)], now)[0].require().debit_balance
        assert balance is not None
        return balance

    with LedgerWriter(database) as writer, ThreadPoolExecutor(2) as clients:
        bad = clients.submit(writer.run, refused)
        good = clients.submit(writer.run, fine)
        assert good.result() == 900
        with pytest.raises(TransferRefusedError):
            bad.result()
    with database.read() as session:
        assert account(session, wallet).balance == 900
        assert check_ledger(session) == []


def test_a_closed_writer_finishes_what_it_took_and_takes_no_more(database: Database, wallet: UUID) -> None:
    writer = LedgerWriter(database)
    answers = [writer.send(spend(wallet, 1)) for _ in range(50)]
    writer.close()
    assert all(answer.result(timeout=0).entry for answer in answers)
    with pytest.raises(WriterClosedError):
        writer.submit(spend(wallet, 1))


def prepare_spending(
    session: Session, requests: Sequence[tuple[UUID, int]], now: datetime
) -> list[Prepared[int] | Exception]:
    """Of each (wallet, amount) a payment, beside what all of the group ask for; nothing of what is odd."""
    del session, now
    asked = sum(amount for _, amount in requests)
    return [Prepared(spend(*one), asked) if one[1] % 2 == 0 else ValueError(f"{one[1]} is odd") for one in requests]


def test_requests_of_a_group_are_prepared_together_and_answered_each(database: Database, wallet: UUID) -> None:
    async def send(writer: LedgerWriter, go_on: threading.Event) -> list[Any]:
        requests = [(wallet, 2), (wallet, 3), (wallet, 5_000), (wallet, 4)]
        sent = [asyncio.create_task(writer.send_request(one, prepare_spending)) for one in requests]
        await asyncio.sleep(0)
        sent[0].cancel()  # it is recorded all the same
        go_on.set()
        return await asyncio.gather(*sent, return_exceptions=True)

    with LedgerWriter(database) as writer, ThreadPoolExecutor(1) as clients:
        go_on = hold_up(writer)
        gone, odd, dear, fine = clients.submit(lambda: asyncio.run(send(writer, go_on))).result()
        alone = writer.submit_request((wallet, 6), prepare_spending)
    assert isinstance(gone, asyncio.CancelledError)
    assert (type(odd), str(odd)) == (ValueError, "3 is odd")
    assert (dear[0].refusal.code, dear[1]) == (RefusalCode.INSUFFICIENT_FUNDS, 5_009)
    assert (fine[0].require().debit_balance, fine[1]) == (994, 5_009)
    assert (alone[0].require().debit_balance, alone[1]) == (988, 6)


def test_a_fault_of_what_prepares_reaches_its_own_requests_only(database: Database, wallet: UUID) -> None:
    def fail(session: Session, requests: Sequence[object], now: datetime) -> list[Prepared[None] | Exception]:
        raise RuntimeError("it cannot be prepared")

    async def send(writer: LedgerWriter) -> list[Any]:
        return await asyncio.gather(
            writer.send_request(None, fail), writer.send_request((wallet, 2), prepare_spending), return_exceptions=True
        )

    with LedgerWriter(database) as writer, ThreadPoolExecutor(1) as clients:
        failed, fine = clients.submit(lambda: asyncio.run(send(writer))).result()
    assert isinstance(failed, RuntimeError)
    assert fine[0].require().debit_balance == 998


def test_a_group_tries_a_database_that_is_held_as_often_as_one_transfer(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One by one, a group of 500 would keep everybody waiting for hours."""
    monkeypatch.setattr(engine, "LOCK_WAIT_S", 0.01)
    held, begun = copied(sqlite_template, tmp_path), list[str]()
    group = [_Submission(transfer=spend(new_id(), 1)) for _ in range(3)]
    with LedgerWriter(held) as writer, held.begin():
        event.listen(held.engine, "before_cursor_execute", lambda *told: begun.append(told[2]))
        writer._answer(group)
    for submission in group:
        with pytest.raises(DatabaseBusyError):
            submission.answer.result(timeout=0)
    assert begun == ["BEGIN IMMEDIATE"] * ATTEMPTS
    held.close()
