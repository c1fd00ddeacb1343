"""What a shower's controller keeps over a power cut."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from messages.metering import HeartbeatAnswer, SessionLimit, SessionReport, SessionStep
from metering.shower.records import ShowerRecords, ShowerRecordsError

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def report(number: int, seq: int = 0) -> SessionReport:
    return SessionReport(
        device=UUID(int=1), boot_id=UUID(int=2), number=number, seq=seq, step=SessionStep.UPDATED, at=NOW
    )


TERMS = HeartbeatAnswer(
    device=UUID(int=1), at=NOW, utc_offset_s=0, revision="7", heartbeat_s=30, update_s=10, idle_s=30, no_flow_s=60,
    pause_s=60, most=SessionLimit(fen=500),
)  # fmt: skip


def test_the_last_record_of_each_session_is_there_after_a_power_cut_in_the_order_they_began(tmp_path: Path) -> None:
    records = ShowerRecords(tmp_path / "shower.db")
    for one in (report(1), report(2), report(1, seq=5), report(3)):
        records.save(one)
    records.forget(report(2).session)
    records.keep_terms(TERMS)
    # No close: a power cut gives no notice.
    kept = ShowerRecords(tmp_path / "shower.db").kept()
    assert kept.records == (report(1, seq=5), report(3))
    assert kept.terms == TERMS


def test_a_record_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    records = ShowerRecords(tmp_path / "shower.db")
    records.save(report(1))
    records.save(report(2))
    records.close()
    with sqlite3.connect(tmp_path / "shower.db") as connection:
        connection.execute("UPDATE sessions SET report = x'7b' WHERE place = 1")
    assert ShowerRecords(tmp_path / "shower.db").kept().records == (report(2),)


def test_a_disk_that_fails_is_said_and_gone_on_from(tmp_path: Path) -> None:
    records = ShowerRecords(tmp_path / "shower.db")
    with sqlite3.connect(tmp_path / "shower.db") as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON sessions BEGIN SELECT RAISE(FAIL, 'disk full'); END")
    records.save(report(1))
    assert records.unwritten
    with sqlite3.connect(tmp_path / "shower.db") as other:
        other.execute("DROP TRIGGER full")
    records.save(report(1))
    assert not records.unwritten
    assert records.kept().records == (report(1),)


def test_a_damaged_file_is_said_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "shower.db").write_bytes(b"no database" * 1_000)
    with pytest.raises(ShowerRecordsError, match=r"shower\.db"):
        ShowerRecords(tmp_path / "shower.db")
