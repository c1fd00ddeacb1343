"""Cards are found by an index: a campus has a hundred thousand of them, and looks for one at every payment."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from accounts import cards, people
from accounts.payments.offline import card_at
from accounts.payments.payers import find_holders
from accounts.people import Particulars
from accounts.vocabulary import PersonKind
from tests.databases import copied

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
UID = "04A1B2C3D4E580"


def tap(session: Session) -> None:
    with pytest.raises(cards.UnknownCardError):
        cards.by_uid(session, UID)


def issue(session: Session) -> None:
    holder = Particulars(number="20260001", name="王小明", kind=PersonKind.STUDENT, valid_from=NOW)
    person = people.create(session, holder, by="system", now=NOW)
    cards.issue(session, person, UID, key_number=None, by="system", now=NOW)


def pay(session: Session) -> None:
    assert find_holders(session, ["0" * 64, "1" * 64]) == {}


def pay_offline(session: Session) -> None:
    assert card_at(session, "0" * 64, NOW) is None


@pytest.mark.parametrize("look_up", [tap, issue, pay, pay_offline])
def test_sqlite_finds_a_card_by_its_number_without_reading_all(
    sqlite_template: Path, tmp_path: Path, look_up: Callable[[Session], None]
) -> None:
    database, asked = copied(sqlite_template, tmp_path), list[tuple[str, Any]]()
    with database.begin() as session:
        event.listen(database.engine, "before_cursor_execute", lambda *told: asked.append(told[2:4]))
        look_up(session)
        ((query, values),) = [one for one in asked if "WHERE cards.uid_digest" in one[0]]
        steps = [row[3] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)]
    database.close()
    assert [step for step in steps if step.startswith("SEARCH cards USING INDEX")], steps
    assert not [step for step in steps if step.startswith("SCAN cards")], steps
