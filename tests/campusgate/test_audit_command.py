"""`campusgate audit verify` on a database file that somebody edited."""

import contextlib
import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from accounts.ledger import AccountKind, Transfer, journal, open_account, open_named, record
from campusgate.cli import app
from database import Database, new_id
from database.migrate import upgrade

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server's database with three top-ups in its journal, sealed."""
    monkeypatch.setenv("CAMPUSGATE_DATA_DIR", str(tmp_path))
    path = tmp_path / "campusgate.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    with database.begin() as session:
        cash, wallet = open_named(session, AccountKind.CASH, "counter", NOW), new_id()
        open_account(session, wallet, AccountKind.WALLET, NOW)
        record(session, [Transfer(new_id(), "top_up", cash, wallet, fen) for fen in (100, 200, 300)], NOW)
    journal.seal(database, NOW)
    database.close()
    return path


def verify(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["audit", "verify", *arguments])
    return found.exit_code, found.stdout


def edit(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_an_edited_line_of_the_journal_is_named(file: Path) -> None:
    code, said = verify("--json")
    assert (code, json.loads(said)["journal"]["sealed"]) == (0, 3)
    with pytest.raises(sqlite3.IntegrityError, match="inserts only"):
        edit(file, "UPDATE ledger_transfers SET amount = 5000 WHERE serial = 2")
    edit(
        file,
        "DROP TRIGGER ledger_transfers_no_update",
        "UPDATE ledger_transfers SET amount = 5000 WHERE serial = 2",
    )
    code, said = verify()
    assert code == 1
    assert "journal: BROKEN at lines 1–3 (seal 1)" in said


def test_a_journal_cut_off_at_its_end_shows_against_the_head_noted_before(file: Path) -> None:
    head = json.loads(verify("--json")[1])["journal"]["head"]
    assert verify("--journal-head", head)[0] == 0
    edit(
        file,
        "DROP TRIGGER ledger_transfers_no_delete",
        "DROP TRIGGER ledger_seals_no_delete",
        "DELETE FROM ledger_transfers WHERE serial = 3",
        "DELETE FROM ledger_seals",
    )
    code, said = verify("--journal-head", head)
    assert code == 1
    assert "was kept elsewhere and is gone here" in said
