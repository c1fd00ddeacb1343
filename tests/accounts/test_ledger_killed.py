"""Several processes on few accounts, killed in the middle: whoever got an answer finds it in the books, and whoever got
none sends the same again and it is done once."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from accounts.ledger import (
    AccountKind,
    Action,
    LedgerWriter,
    Transfer,
    open_account,
    open_named,
    record,
    seal_chain,
)
from accounts.ledger.invariants import check_ledger
from accounts.ledger.posting import find
from accounts.ledger.tables import JournalTransfer
from database import Database, new_id
from tests import forked
from tests.accounts import ledger_client
from tests.waiting import PATIENCE_S

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
PROCESSES, ROUNDS = 3, 2


@pytest.mark.usefixtures("imported_rooms")
def test_processes_killed_in_the_middle_leave_right_books(database: Database, tmp_path: Path) -> None:
    merchant, wallets = new_id(), [new_id() for _ in range(4)]
    with database.begin() as session:
        cash = open_named(session, AccountKind.CASH, "counter", NOW)
        open_account(session, merchant, AccountKind.MERCHANT, NOW)
        for wallet in wallets:
            open_account(session, wallet, AccountKind.WALLET, NOW)
        record(session, [Transfer(new_id(), "top_up", cash, wallet, 200_000) for wallet in wallets], NOW)
    answered: set[UUID] = set()
    wished: list[Transfer] = []
    for attempt in range(ROUNDS):
        for words in killed_in_the_middle(database, tmp_path, merchant, wallets, attempt):
            if words[0] == "answered":
                answered.add(UUID(words[1]))
            else:
                wished.append(transfer(words))
        seal_chain.seal(database, NOW)
    assert answered, "some were answered before the processes were killed"
    with LedgerWriter(database) as writer:
        outcomes = {wish.id: writer.submit(wish) for wish in wished}
    assert all(outcomes[one].replayed for one in answered & outcomes.keys()), "what was answered is done already"
    assert any(outcome.entry and not outcome.replayed for outcome in outcomes.values()), "what was cut off is done now"
    with database.read() as session:
        assert check_ledger(session) == []
        report = seal_chain.verify(session)
        assert report.whole
        lines = session.scalar(select(func.count(JournalTransfer.serial)))
        assert report.sealed + report.unsealed == lines
        missing = [one for one in answered if find(session, one) is None]
    assert missing == [], "an answer that was given is an answer that holds"


def killed_in_the_middle(
    database: Database, folder: Path, merchant: UUID, wallets: list[UUID], attempt: int
) -> list[list[str]]:
    """Start clients, wait until each has had answers, kill them, and return the lines that they said."""
    url = database.url.render_as_string(hide_password=False)
    files = [folder / f"{attempt}-{number}" for number in range(PROCESSES)]
    for file in files:
        file.touch()
    with ExitStack() as running:
        clients = [
            running.enter_context(forked.running(ledger_client.main, file, url, merchant, wallets))[0] for file in files
        ]
        until = time.monotonic() + 3 * PATIENCE_S
        while any(file.read_text().count("answered") < 20 for file in files) and time.monotonic() < until:
            assert all(client.is_alive() for client in clients), "a client ended by itself"
            time.sleep(0.02)
        for client in clients:
            client.kill()
    # The last line may have been cut off by the kill: whole ones end with a dot.
    said = [line.split() for file in files for line in file.read_text().splitlines()]
    return [words[:-1] for words in said if words and words[-1] == "."]


def transfer(words: list[str]) -> Transfer:
    """The transfer that a client wished for."""
    _, wish_id, action, purpose, debit, credit, amount = words
    life = timedelta(hours=1) if action == Action.HOLD else None
    return Transfer(UUID(wish_id), purpose, UUID(debit), UUID(credit), int(amount), Action(action), expires_after=life)
