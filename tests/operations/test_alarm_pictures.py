"""Pictures of alarms: taken only where the campus says so, sealed, shown to staff alone, and gone in time."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import select

import operations.api
import web.problems
from access.policy import GateKind, GatePolicy, Mode
from accounts import devices
from accounts.services import AccountsServices
from accounts.tables import AuditEntry
from accounts.vocabulary import DeviceRole, Role
from database import Database, Sealer, SealingError, new_id
from directory import gates
from messages import Event
from operations import event_store
from operations.alarms import pictures, register
from operations.alarms.pictures import MOST_BYTES, MOST_OF_AN_ALARM, AlarmPictures, PictureRules
from operations.alarms.rules import PICTURED, RAISED_BY, AlarmKind, signals_of
from operations.api.dependencies import OperationsServices
from operations.board import Board
from operations.order_service import OrderService
from operations.tables import Alarm, AlarmPicture
from tests.accounts.conftest import CHEAP_HASHER
from tests.app_client import AppClient
from tests.databases import ON_BOTH, ON_SQLITE
from tests.sign_ins import sign_in
from web.tickets import Tickets

pytestmark = ON_SQLITE

NOW = datetime.now(UTC)
SEALER = Sealer(bytes(range(32)))
RULES = PictureRules(frozenset({"north", "wet"}), frozenset({AlarmKind.FORCED, AlarmKind.SPOOF}), timedelta(days=7))


def jpeg(width: int = 64, height: int = 48, **beside: bytes) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (width, height), (90, 20, 20)).save(written, "JPEG", **beside)
    return written.getvalue()


class NoHints:
    """There is no broker here."""

    def publish(self, revisions: dict[str, int]) -> None:
        """Tell nobody."""


class Site:
    """The operations' API with gates, an edge's token for each, and staff."""

    def __init__(self, database: Database, client: TestClient, accounts: AccountsServices, board: Board) -> None:
        self.database, self.client, self.accounts, self.board = database, client, accounts, board
        self.tokens = {}
        with database.begin() as session:
            wet = GatePolicy(gate="wet", kind=GateKind.WET_ROOM, mode=Mode.CARD)
            for policy in (GatePolicy(gate="north"), GatePolicy(gate="south"), wet):
                gate = policy.gate
                gates.add(session, policy, title=gate, by="system", now=NOW)
                self.tokens[gate] = devices.add(
                    session, name=f"edge {gate}", role=DeviceRole.EDGE, gate=gate, by="system", now=NOW
                )[1]

    def happen(self, kind: str = "door_forced", gate: str = "north", second: float = 0) -> UUID:
        """Let an event arrive, with the alarm that follows."""
        event = Event(id=new_id(), gate=gate, at=NOW + timedelta(seconds=second), kind=kind, details={})
        with self.database.begin() as session:
            event_store.record(session, [event], received_at=event.at)
            register.apply(session, signals_of(event), now=event.at)
        return event.id

    def send(self, event_id: UUID, picture: bytes | None = None, *, gate: str = "north", at: datetime = NOW):
        return self.client.put(
            f"/api/v1/operations/gates/{gate}/alarm-pictures/{event_id}",
            params={"taken_at": at.isoformat()},
            content=jpeg() if picture is None else picture,
            headers={"Authorization": f"Bearer {self.tokens[gate]}", "Content-Type": "image/jpeg"},
        )

    def ask(self, path: str, *roles: Role):
        headers = sign_in(self.accounts, roles=roles or [Role.FACILITIES], now=datetime.now(UTC))
        return self.client.get(f"/api/v1/operations{path}", headers=headers)

    def alarm(self, kind: str = "forced") -> Alarm:
        with self.database.read() as session:
            return session.scalars(select(Alarm).where(Alarm.kind == kind)).one()

    def stored(self) -> list[AlarmPicture]:
        with self.database.read() as session:
            return list(session.scalars(select(AlarmPicture)).all())


@pytest.fixture
def site(database: Database) -> Iterator[Site]:
    accounts = AccountsServices(database=database, secret=bytes(range(32)), hasher=CHEAP_HASHER)
    app, board = FastAPI(), Board()
    web.problems.install(app)
    app.include_router(operations.api.router)
    app.state.accounts = accounts
    app.state.tickets = Tickets()
    orders = OrderService(database, board)
    app.state.operations = OperationsServices(board, orders, NoHints(), AlarmPictures(SEALER, RULES))
    with AppClient(app) as client:
        yield Site(database, client, accounts, board)


@ON_BOTH
def test_what_the_camera_saw_is_kept_sealed_and_each_look_at_it_is_recorded(site: Site) -> None:
    event = site.happen()
    before = site.board.version
    assert site.send(event).status_code == 204
    assert site.board.version > before
    assert site.send(event, jpeg(32, 32)).status_code == 204, "sent again it changes nothing"
    alarm = site.alarm()
    [shown] = site.ask(f"/alarms/{alarm.id}/pictures").json()
    assert (shown["event_id"], datetime.fromisoformat(shown["taken_at"])) == (str(event), NOW)
    answer = site.ask(f"/alarms/{alarm.id}/pictures/{event}")
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/jpeg", "no-store")
    assert Image.open(io.BytesIO(answer.content)).size == (64, 48)
    with site.database.read() as session:
        looks = session.scalars(select(AuditEntry).where(AuditEntry.action == "alarm.picture")).all()
        sealed = session.scalar(select(AlarmPicture.sealed))
    assert [look.subject for look in looks] == [f"alarm:{alarm.id}"]
    assert b"\xff\xd8\xff" not in sealed
    with pytest.raises(SealingError):
        SEALER.open(sealed, pictures.context(new_id()))


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.CASHIER])
def test_nobody_but_facilities_staff_sees_it(site: Site, role: Role) -> None:
    event = site.happen()
    site.send(event)
    alarm = site.alarm()
    for path in (f"/alarms/{alarm.id}/pictures", f"/alarms/{alarm.id}/pictures/{event}"):
        assert site.ask(path, role).status_code == 403


def test_an_event_that_has_not_arrived_yet_is_to_be_tried_again(site: Site) -> None:
    event = site.happen(gate="south")
    assert site.send(new_id()).status_code == 404
    assert site.send(event).status_code == 404, "another gate's event is none of this one's"
    answer = site.client.put(
        f"/api/v1/operations/gates/south/alarm-pictures/{event}",
        params={"taken_at": NOW.isoformat()},
        content=jpeg(),
        headers={"Authorization": f"Bearer {site.tokens['north']}", "Content-Type": "image/jpeg"},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_gate")


@pytest.mark.parametrize(
    ("kind", "gate", "reason"),
    [
        ("door_forced", "south", "off"),
        ("door_held", "north", "off"),
        ("access_granted", "north", "off"),
        ("door_forced", "wet", "off"),
    ],
)
def test_no_picture_is_kept_where_the_campus_did_not_say_so_and_never_of_a_wet_room(
    site: Site, kind: str, gate: str, reason: str
) -> None:
    answer = site.send(site.happen(kind, gate), gate=gate)
    assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == (
        409, "alarm_picture_not_wanted", reason,
    )  # fmt: skip
    assert site.stored() == []


def test_of_one_alarm_the_first_pictures_are_kept_and_old_ones_come_too_late(site: Site) -> None:
    for second in range(MOST_OF_AN_ALARM):
        assert site.send(site.happen(second=second)).status_code == 204
    assert site.send(site.happen(second=60)).json()["reason"] == "enough"
    late = site.send(site.happen("spoof"), at=NOW - timedelta(days=8))
    assert late.json()["reason"] == "late"


def test_an_event_that_raised_no_alarm_has_no_picture(site: Site) -> None:
    event = Event(id=new_id(), gate="north", at=NOW, kind="door_forced", details={})
    with site.database.begin() as session:
        event_store.record(session, [event], received_at=NOW)
    assert site.send(event.id).json()["reason"] == "no_alarm"


@pytest.mark.parametrize(
    "content",
    [b"", b"no picture", jpeg()[:200], b"\x89PNG\r\n", jpeg() + bytes(MOST_BYTES), jpeg(2500, 1700)],
    ids=["nothing", "text", "cut short", "png", "too many bytes", "too many pixels"],
)
def test_what_is_no_jpeg_within_bounds_is_refused(site: Site, content: bytes) -> None:
    answer = site.send(site.happen(), content)
    assert answer.status_code == 422
    assert site.stored() == []


def test_only_pixels_are_kept(site: Site) -> None:
    event = site.happen()
    assert site.send(event, jpeg(comment=b"13 Elm Street")).status_code == 204
    answer = site.ask(f"/alarms/{site.alarm().id}/pictures/{event}")
    assert b"Elm" not in answer.content


def test_pictures_are_erased_by_the_time_they_were_taken_or_came(site: Site) -> None:
    early, ahead = site.happen(second=0), site.happen("spoof")
    site.send(early, at=NOW - timedelta(days=3))
    site.send(ahead, at=NOW + timedelta(days=300))

    def erase_all_before(**after: float) -> list[UUID]:
        with site.database.begin() as session:
            pictures.forget(session, NOW + timedelta(**after))
        return [one.event_id for one in site.stored()]

    assert set(erase_all_before(days=-4)) == {early, ahead}
    assert erase_all_before(days=-2) == [ahead]
    assert erase_all_before(days=1) == [], "a clock that runs ahead keeps nothing longer"


def test_a_picture_belongs_to_the_alarm_that_was_open_then(site: Site) -> None:
    first = site.happen("spoof")
    with site.database.begin() as session:
        [alarm] = register.open_alarms(session)
        register.acknowledge(session, alarm.id, by=new_id(), note="", now=NOW)
    second = site.happen("spoof", second=30)
    for event in (second, first):
        assert site.send(event).status_code == 204
    with site.database.read() as session:
        [newer, older] = register.find(session)
        assert older.id == alarm.id
        assert [one.event_id for one in pictures.find(session, older.id)] == [first]
        assert [one.event_id for one in pictures.find(session, newer.id)] == [second]
        assert pictures.count_by_alarm(session, [older.id, newer.id]) == {older.id: 1, newer.id: 1}


def test_a_gate_hears_of_which_events_a_picture_is_wanted() -> None:
    assert RULES.find_events("north") == ["door_forced", "spoof"]
    assert RULES.find_events("south") == ()
    assert PictureRules().find_events("north") == (), "nothing is taken unless the campus says so"
    assert set(RAISED_BY.values()) >= PICTURED, "of each there is an event at which to take one"
