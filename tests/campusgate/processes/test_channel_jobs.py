"""What the server does by itself about payment channels raises an alarm while money at one is not settled."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from accounts.ledger import LedgerWriter
from accounts.payments.services import MoneyServices
from accounts.services import AccountsServices
from accounts.topup.tables import TopUpRefund
from campusgate.processes.jobs.server_jobs import make_channel_jobs
from database import Database, new_id
from operations.tables import Alarm

NOW = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)


def standing(database: Database) -> list[tuple[str, str | None]]:
    with database.read() as session:
        rows = session.execute(select(Alarm.kind, Alarm.reason).where(Alarm.closed_at.is_(None)))
        return [(row.kind, row.reason) for row in rows]


def test_a_refund_that_could_not_arrive_raises_an_alarm_until_it_is_settled(database: Database) -> None:
    refund_id = new_id()
    made = TopUpRefund(id=refund_id, digest=bytes(32), order_id=new_id(), amount=1, state="abnormal", created_at=NOW)
    with database.begin() as session:
        session.add(made)
    with LedgerWriter(database, clock=lambda: NOW) as writer:
        money = MoneyServices(accounts=AccountsServices(database=database, secret=bytes(32)), writer=writer)
        (watch,) = [job for job in make_channel_jobs(money, ZoneInfo("UTC")) if "watch" in job.name]
        watch.do(NOW)
        assert standing(database) == [("channel_money", "refund_abnormal")]
        with database.begin() as session:
            session.get_one(TopUpRefund, refund_id).state = "paid"
        watch.do(NOW)
    assert standing(database) == []
