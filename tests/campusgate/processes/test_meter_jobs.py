"""What the server does by itself for meters."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from accounts import devices
from accounts.vocabulary import DeviceRole
from campusgate.processes.jobs.meters import MeterWatch, make_meter_jobs
from database import Database
from messages.metering import DeviceHeartbeat
from metering.reader_contract import LineStatus, MeterStatus, Protocol, StatusIn
from metering.rooms import meters, reader
from metering.rooms.tables import MeterLine
from metering.sessions.heartbeat_order import HeartbeatOrder
from operations.alarms.rules import AlarmKind
from operations.tables import Alarm
from tests.databases import ON_SQLITE

pytestmark = ON_SQLITE

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)


def standing(database: Database) -> set[str]:
    with database.read() as session:
        return set(session.scalars(select(Alarm.kind).where(Alarm.closed_at.is_(None))))


def test_each_job_runs_twice_on_an_empty_database(database: Database) -> None:
    for job in make_meter_jobs(database, ZoneInfo("Asia/Shanghai")) * 2:
        job.do(NOW)
    assert standing(database) == set()


def test_what_is_silent_raises_an_alarm_until_it_is_heard_again(database: Database) -> None:
    with database.begin() as session:
        device, _ = devices.add(session, name="reader", role=DeviceRole.METER, by="system", now=NOW)
        line = meters.add_line(
            session,
            name="north-6-a",
            url="tcp://h:1",
            protocol=Protocol.DLT645,
            bits_per_s=2400,
            device_id=device.id,
            by="system",
            now=NOW,
        )
        meter = meters.add_meter(
            session,
            serial="A1",
            model="dlt645-2007",
            address="000000000001",
            line_id=line.id,
            has_relay=False,
            by="system",
            now=NOW,
        )
    watch = MeterWatch(database)
    watch.look(NOW - timedelta(minutes=45))
    assert standing(database) == set(), "a server that has just started was not there to be told"
    watch.look(NOW)
    assert standing(database) == {AlarmKind.METER_READER_LOST}

    def say(now: datetime, *, is_up: bool, silent: bool) -> None:
        status = StatusIn(
            lines=(LineStatus(line=line.id, is_up=is_up, since=now),),
            meters=(MeterStatus(meter=meter.id, silent_since=now if silent else None),),
        )
        with database.begin() as session:
            reader.take_status(session, device.id, status, now)
        watch.look(now)

    say(NOW, is_up=True, silent=True)
    assert standing(database) == {AlarmKind.METERS_SILENT}
    say(NOW, is_up=False, silent=True)
    assert standing(database) == {AlarmKind.METER_LINE_DOWN}
    say(NOW, is_up=True, silent=False)
    assert standing(database) == set()
    watch.look(NOW + timedelta(minutes=46))
    assert standing(database) == {AlarmKind.METER_READER_LOST}
    with database.begin() as session:
        session.execute(update(MeterLine).values(device_id=None))
    MeterWatch(database).look(NOW + timedelta(minutes=47))
    assert standing(database) == set()


def test_two_controllers_of_one_shower_raise_an_alarm_until_their_device_is_revoked(database: Database) -> None:
    with database.begin() as session:
        device, _ = devices.add(session, name="shower-b3-12", role=DeviceRole.METER, by="system", now=NOW)
        device_id = device.id
    order = HeartbeatOrder()
    watch = MeterWatch(database, heartbeats=order)
    watch.look(NOW)
    assert standing(database) == set()
    for seq in range(4):
        for boot in (UUID(int=1), UUID(int=2)):
            heartbeat = DeviceHeartbeat(device=device_id, boot_id=boot, seq=seq, at=NOW)
            if order.is_new(heartbeat):
                order.taken(heartbeat)
            else:
                order.is_second_voice(heartbeat)
    watch.look(NOW)
    with database.read() as session:
        (alarm,) = session.scalars(select(Alarm)).all()
    assert (alarm.kind, alarm.reason) == (AlarmKind.CLONED_SHOWER, "shower-b3-12")
    with database.begin() as session:
        devices.revoke(session, devices.get(session, device_id), by="system", now=NOW)
    watch.look(NOW)
    with database.read() as session:
        assert session.scalars(select(Alarm.restored_at)).one() is not None, "somebody must look: it latches"
