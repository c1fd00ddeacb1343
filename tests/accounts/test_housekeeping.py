"""What is deleted, and what stays."""

from datetime import UTC, datetime

from sqlalchemy import func, select

from accounts import audit
from accounts.housekeeping import tidy
from accounts.people import changes
from accounts.tables import CardEvent, SignIn


def test_ended_sign_ins_go_and_running_ones_stay(campus):
    person = campus.person()
    campus.passwords(person.id, portal="correct horse battery")

    def begin():
        form = {"grant_type": "password", "username": person.number, "password": "correct horse battery"}
        return campus.client.post("/api/v1/tokens", data=form).json()["refresh_token"]

    def count():
        with campus.database.read() as session:
            return session.scalar(select(func.count()).select_from(SignIn))

    campus.client.post("/api/v1/tokens/revoke", data={"token": begin()})
    begin()
    campus.clock.forward(days=31)
    running = begin()
    tidy(campus.database, campus.clock.now)
    assert count() == 2, "the one revoked a month ago is gone, the one that ended yesterday is still there"
    campus.clock.forward(days=29)
    tidy(campus.database, campus.clock.now)
    form = {"grant_type": "refresh_token", "refresh_token": running}
    assert campus.client.post("/api/v1/tokens", data=form).status_code == 200
    campus.clock.forward(days=2)
    tidy(campus.database, campus.clock.now)
    assert count() == 1


def test_histories_and_the_newest_change_stay_for_good(campus):
    campus.card(campus.person())
    with campus.database.read() as session:
        newest, lines = changes.latest(session), audit.verify(session).lines
    tidy(campus.database, datetime(2999, 1, 1, tzinfo=UTC))
    with campus.database.read() as session:
        assert changes.latest(session) == newest
        assert len(changes.since(session, 0)) == 1
        assert (audit.verify(session).lines, audit.verify(session).intact) == (lines, True)
        assert session.scalar(select(func.count()).select_from(CardEvent)) == 1
