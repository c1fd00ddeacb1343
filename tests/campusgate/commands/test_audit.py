"""`campusgate audit verify` on a database file that somebody edited."""

import contextlib
import json
import sqlite3
import stat
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from accounts import audit
from accounts.audit.trail_copy import TrailCopy, TrailCopyError
from accounts.housekeeping import record_journal_head
from accounts.ledger import AccountKind, Transfer, open_account, open_named, record, seal_chain
from database import Database, new_id
from tests.command_line import run
from tests.databases import begin

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server's database with three top-ups in its journal, sealed."""
    monkeypatch.setenv("CAMPUSGATE_DATA_DIR", str(tmp_path))
    path = tmp_path / "campusgate.db"
    begin(tmp_path)
    database = Database(f"sqlite:///{path}")
    with database.begin() as session:
        cash, wallet = open_named(session, AccountKind.CASH, "counter", NOW), new_id()
        open_account(session, wallet, AccountKind.WALLET, NOW)
        record(session, [Transfer(new_id(), "top_up", cash, wallet, fen) for fen in (100, 200, 300)], NOW)
    seal_chain.seal(database, NOW)
    database.close()
    return path


def verify(*arguments: str) -> tuple[int, str]:
    found = run("audit", "verify", *arguments)
    return found.returncode, found.stdout


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


def test_an_edited_balance_is_named_with_what_is_right(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        (wallet,) = connection.execute("SELECT id FROM ledger_accounts WHERE kind = 'wallet'").fetchone()
    edit(file, "UPDATE ledger_accounts SET balance = 900000 WHERE kind = 'wallet'")
    code, said = verify()
    assert code == 1
    assert f"books: WRONG: balance of {UUID(wallet)}: 900000 is stored, 600 is right" in said
    code, said = verify("--json")
    found = json.loads(said)
    assert (code, found["intact"], found["trail"]["intact"], found["journal"]["intact"]) == (1, False, True, True)
    named = {"what": "balance", "id": str(UUID(wallet)), "expected": 600, "found": 900_000}
    assert named in found["books"]["differences"]


def audited(path: Path, *actions: str) -> None:
    database = Database(f"sqlite:///{path}")
    for action in actions:
        with database.begin() as session:
            audit.record(session, actor="system", action=action, subject="gate:north", now=NOW)
    database.close()


def written_anew(path: Path) -> None:
    """Write the whole trail anew, as somebody who may do everything would: every digest is right again."""
    database = Database(f"sqlite:///{path}")
    edit(path, "DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete", "DELETE FROM audit")
    for action in ("gate.change", "gate.remove"):
        with database.begin() as session:
            audit.record(session, actor="person:nobody", action=action, subject="gate:north", now=NOW)
    database.close()


def test_a_trail_that_was_written_anew_shows_against_a_head_that_had_left(file: Path) -> None:
    audited(file, "gate.add", "gate.remove")
    head = json.loads(verify("--json")[1])["trail"]["head"]
    assert verify("--head", head)[0] == 0
    assert verify("--head", head.partition(":")[2])[0] == 0
    written_anew(file)
    assert verify()[0] == 0, "the database alone cannot tell"
    code, said = verify("--head", head)
    assert code == 1
    assert head.partition(":")[2] in said


@pytest.mark.parametrize(
    ("statements", "word"),
    [
        (("DELETE FROM audit WHERE serial = 2",), "gone from the trail"),
        (("UPDATE audit SET actor = 'nobody' WHERE serial = 1",), "BROKEN at line 1"),
    ],
)
def test_the_copy_beside_the_database_shows_what_was_cut_off(
    file: Path, statements: tuple[str, ...], word: str
) -> None:
    audited(file, "gate.add", "gate.remove")
    database = Database(f"sqlite:///{file}")
    copy = TrailCopy(file.parent / "record")
    assert (copy.follow(database), copy.follow(database)) == (2, 0)
    assert json.loads(verify("--json")[1])["trail"]["copied"] == 2
    edit(file, "DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete", *statements)
    code, said = verify()
    assert code == 1
    assert word in said
    database.close()


def test_the_copy_does_not_follow_a_trail_that_was_written_anew(file: Path) -> None:
    audited(file, "gate.add", "gate.remove")
    database, copy = Database(f"sqlite:///{file}"), TrailCopy(file.parent / "record")
    copy.follow(database)
    before = list(copy.lines())
    written_anew(file)
    for one in (copy, TrailCopy(file.parent / "record")):
        with pytest.raises(TrailCopyError, match="line 2 of the copy"):
            one.follow(database)
    database.close()
    assert list(copy.lines()) == before
    code, said = verify()
    assert code == 1
    assert "line 1 of the trail is not the one in the copy" in said


def test_half_a_line_of_the_copy_is_taken_off(file: Path) -> None:
    audited(file, "gate.add")
    database, folder = Database(f"sqlite:///{file}"), file.parent / "record"
    TrailCopy(folder).follow(database)
    with (folder / "trail.jsonl").open("a") as copy:
        copy.write('{"serial":2,"at":"20')
    audited(file, "gate.remove")
    assert TrailCopy(folder).follow(database) == 1
    assert [line.action for line in TrailCopy(folder).lines()] == ["gate.add", "gate.remove"]
    assert stat.S_IMODE((folder / "trail.jsonl").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    database.close()


def test_the_trail_covers_the_journal(file: Path) -> None:
    database = Database(f"sqlite:///{file}")
    for _ in range(2):
        with database.begin() as session:
            record_journal_head(session, NOW)
    with database.read() as session:
        (line,) = audit.find(session)
        assert line.action == "journal.head", "the word that trails of earlier versions hold"
    database.close()
    assert json.loads(verify("--json")[1])["trail"]["lines"] == 1, "a head that stands is noted once"
    edit(file, "DROP TRIGGER ledger_seals_no_delete", "DELETE FROM ledger_seals")
    code, said = verify()
    assert code == 1
    assert "was kept elsewhere and is gone here" in said
