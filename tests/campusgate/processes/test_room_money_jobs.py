"""What the server does by itself about rooms' money raises an alarm where rooms cannot be charged."""

from datetime import timedelta

from sqlalchemy import select

from accounts.ledger import LedgerWriter
from accounts.ledger.tables import LedgerAccount
from accounts.ledger.transfer import AccountState
from campusgate.processes.jobs.room_money import make_room_money_jobs
from database import Database
from operations.alarms.rules import AlarmKind
from operations.tables import Alarm
from tests.metering.electricity_cases import FIRST, at
from tests.metering.hall import Clock, Hall, make_hall


def set_state(hall: Hall, room: object, state: AccountState) -> None:
    with hall.database.begin() as session:
        session.get_one(LedgerAccount, room).state = state


def standing(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Alarm.kind).where(Alarm.closed_at.is_(None))))


def test_rooms_that_cannot_be_charged_raise_an_alarm_until_a_run_over_all_charges_them(database: Database) -> None:
    clock = Clock()
    with LedgerWriter(database, clock=clock) as writer:
        hall = make_hall(database, writer, clock)
        hall.plan()
        room = hall.room("Anna")
        hall.use(room, [1, 1])
        hall.bill(room)
        charge, correct, _ = make_room_money_jobs(hall.money)
        set_state(hall, room, AccountState.SUSPENDED)
        hall.clock.now = at(FIRST + timedelta(days=2), 4)
        charge.do(hall.clock.now)
        assert standing(database) == [AlarmKind.ROOMS_NOT_CHARGED]
        set_state(hall, room, AccountState.ACTIVE)
        charge.do(hall.clock.now)
        assert hall.balance(room) == -100
        correct.do(hall.clock.now)
        assert standing(database) == []
