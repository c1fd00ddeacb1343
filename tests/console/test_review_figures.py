"""How the queue is doing, on each database: figures, departments, and the mark that says when the queue has changed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.services import AccountsServices
from accounts.tables import Person
from console.views.reviews import describe_queue, describe_reviews, describe_statistics
from database import Database, new_id
from enrollment import review
from enrollment.tables import PhotoRecord, PhotoState
from tests.accounts.conftest import CHEAP_HASHER
from tests.console.page_server import hire

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


def _result(rule: str, *, passed: bool) -> dict[str, Any]:
    return {
        "rule": rule,
        "level": "required",
        "value": 1.0,
        "limit": 1.0,
        "passed": passed,
        "advice": None,
        "score": 50,
    }


def test_the_queue_is_described_and_marked(database: Database) -> None:
    accounts = AccountsServices(database=database, secret=bytes(range(32)), hasher=CHEAP_HASHER)
    student, reviewer = (hire(database, accounts, number, number) for number in ("S1", "R1"))
    with database.begin() as session:
        assert review.query_departments(session) == []
        empty = review.fingerprint_queue(session)
        session.get_one(Person, student).department = "Physics"
        photo = PhotoRecord(
            id=new_id(),
            person_id=student,
            state=PhotoState.IN_REVIEW,
            verdict="accept",
            digest="0" * 64,
            report={"rules": [_result("one_face", passed=True), _result("eyes_open", passed=False)]},
            identity=None,
            uploaded_at=NOW,
            uploaded_by=student,
        )
        session.add(photo)
        session.flush()
        waiting = review.fingerprint_queue(session)
        review.claim(session, photo.id, by=reviewer, now=NOW)
        session.flush()
        claimed = review.fingerprint_queue(session)
        assert len({empty, waiting, claimed}) == 3
        assert review.query_departments(session) == ["Physics"]

    later = NOW + timedelta(minutes=2)
    with database.read() as session:
        assert describe_statistics(session, now=later)["oldest_waiting_s"] == 120
        record = session.get_one(PhotoRecord, photo.id)
        (mine,) = describe_reviews(session, [record], by=reviewer, now=later)
        (others,) = describe_reviews(session, [record], by=student, now=later)
        (expired,) = describe_reviews(session, [record], by=reviewer, now=NOW + review.CLAIM_LASTS)
        (listed,) = describe_queue(session, [record], by=reviewer, now=later)
    assert [rule["rule"] for rule in mine["rules"]] == ["one_face", "eyes_open"]
    assert [rule["rule"] for rule in listed["rules"]] == ["eyes_open"]
    assert {**listed, "rules": mine["rules"]} == mine
    assert (mine["is_mine"], mine["is_taken"], mine["claim_left_s"]) == (True, False, 180)
    assert (others["is_mine"], others["is_taken"], others["is_own"], others["claimed_by"]) == (False, True, True, "R1")
    assert (expired["is_mine"], expired["is_taken"], expired["claim_left_s"]) == (False, False, 0)
    assert (mine["person"]["number"], mine["person"]["department"]) == ("S1", "Physics")
