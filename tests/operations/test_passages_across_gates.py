"""Two real gates of one zone, a broker, the server's ingest and API: what happens at one counts at the other."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from fastapi.testclient import TestClient

import directory.api
import operations.api
from access.passages import TRUSTED_FOR, PassageLog, PassageSync, sync
from access.policy import AntiPassback, Direction, GatePolicy, Occupancy, Rule
from access.replica import DirectorySync, Replica
from accounts import cards, devices, people
from accounts.cards import loss, virtual_cards
from accounts.people import Particulars
from accounts.services import AccountsServices
from accounts.vocabulary import Channel, DeviceRole, PersonKind, Role
from bus import Backoff, BrokerAddress, Outbox
from campusgate.processes.zone_heartbeats import ZoneHeartbeatHandler
from database import Database, Sealer
from directory import gates
from directory.publisher import Publisher
from directory.services import DirectoryServices
from gate_controller.barrier_settings import DoorSettings
from gate_controller.hardware import Hardware
from gate_controller.memory import DoorMemory
from gate_controller.readers.simulated import SimulatedReader
from gate_controller.relays.simulated import SimulatedRelay
from gate_controller.service import GateController
from gate_controller.storage import Storage
from messages import GateTopics, NonceStore, SystemClock, TrustedKey
from messages.signed_codes import STAFF_SENDER, CodeSigner
from operations import event_store
from operations.alarms import register
from operations.alarms.pictures import AlarmPictures
from operations.api.dependencies import OperationsServices
from operations.board import Board
from operations.ingest import Ingest
from operations.order_service import OrderService
from operations.presence_hints import PresenceHints
from operations.zone_heartbeats import ZoneHeartbeats
from tests.accounts.conftest import CHEAP_HASHER
from tests.app_client import AppClient
from tests.databases import CREDENTIAL_KEY
from tests.sign_ins import sign_in
from tests.waiting import PATIENCE_S, until
from web import problems
from web.tickets import Tickets

# Each broker and each database once: neither knows of the other.
pytestmark = pytest.mark.parametrize(
    ("make_broker", "database"), [("embedded", "sqlite"), ("mosquitto", "postgresql")], indirect=True
)

ANN, BEN = "04A31B72", "04A31B73"
SEALER = Sealer(bytes(32))
CODE_KEY = Ed25519PrivateKey.generate()
TRUSTED = {STAFF_SENDER: TrustedKey(CODE_KEY.public_key())}


class MovedClock(SystemClock):
    offset = timedelta()

    def now(self) -> datetime:
        return super().now() + self.offset


@dataclass
class Gate:
    """One controller at work with its directory and its passage log."""

    name: str
    folder: Path
    port: int
    api: TestClient
    token: str
    hears_hints: bool = True

    def start(self) -> "Gate":
        self.folder.mkdir(exist_ok=True)
        self.stopping, self.wake = threading.Event(), threading.Event()
        self.replica = Replica(self.folder / "replica.db", SEALER, gate=self.name, view="cards")
        DirectorySync("http://testserver", self.name, self.token, self.replica, client=self.api).run_once()
        self.passage_log = PassageLog(self.folder / "passes.db", SEALER, gate=self.name)
        self.reader, self.clock = SimulatedReader(), MovedClock()
        self.controller = GateController(
            GateTopics("main", self.name),
            BrokerAddress(port=self.port),
            Hardware(SimulatedRelay(), reader=self.reader),
            Storage(
                NonceStore(self.folder / "nonces.db"),
                Outbox(self.folder / "outbox.db"),
                DoorMemory(self.folder / "memory.db"),
                self.passage_log,
            ),
            signing_key=Ed25519PrivateKey.generate(),
            trusted=TRUSTED,
            credential_key=CREDENTIAL_KEY,
            settings=DoorSettings(grant_s=0.05, has_contact=False),
            directory=self.replica,
            on_passages_hint=lambda _revision: self.wake.set() if self.hears_hints else None,
            clock=self.clock,
            backoff=Backoff(0.05, 0.2, 0.2),
        )
        heartbeats = ZoneHeartbeatHandler("main", TRUSTED, self.replica, self.passage_log, ask=self.wake.set)
        self.controller.bus.subscribe(GateTopics("main", self.name).zone_heartbeat, heartbeats, qos=0)
        self.controller.start()
        self.controller.bus.wait_connected(PATIENCE_S)
        sync = PassageSync(
            "http://testserver",
            self.name,
            self.token,
            self.replica,
            self.passage_log,
            interval=timedelta(hours=1),  # without a hint or a heartbeat no gate asks within these tests
            client=self.api,
        )
        sync.run_once()
        self.asking = threading.Thread(target=sync.run, args=(self.stopping, self.wake), daemon=True)
        self.asking.start()
        return self

    def stop(self) -> None:
        self.stopping.set()
        self.wake.set()
        self.asking.join()
        self.controller.stop()
        self.replica.close()

    def tap(self, card: str) -> str:
        return self.reader.present(card).get(timeout=PATIENCE_S).reason

    def scan(self, code: str) -> str:
        return self.reader.present(code, kind="code").get(timeout=PATIENCE_S).reason

    def watch_used_codes(self) -> list[int]:
        """The seconds of the codes that this gate hears were used at another, as soon as they count."""
        handler, heard = self.controller._cards, []
        record = handler.record_use_elsewhere

        def record_and_tell(digest: str, second: int) -> None:
            record(digest, second)
            heard.append(second)

        handler.record_use_elsewhere = record_and_tell
        return heard

    def knows(self, revision: int) -> None:
        until(lambda: self.passage_log.revision >= revision)


@pytest.fixture
def campus(
    broker, connect, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Gate]]:
    """Two ways into a hall for two people at most one of whom may be inside, and a way out."""
    # The gates' pause between two questions is no matter of these tests.
    monkeypatch.setattr(sync, "LEAST_PAUSE_S", 0.05)
    now = datetime.now(UTC)
    server = connect(broker, "server")
    accounts = AccountsServices(database=database, secret=bytes(range(32)), hasher=CHEAP_HASHER)
    app, board = FastAPI(), Board()
    app.state.accounts = accounts
    app.state.directory = DirectoryServices(database, SEALER, CREDENTIAL_KEY)
    app.state.tickets = Tickets()
    app.state.operations = OperationsServices(
        board, OrderService(database, board), PresenceHints(server, "main"), AlarmPictures(Sealer(bytes(32)))
    )
    app.include_router(directory.api.router)
    app.include_router(operations.api.router)
    problems.install(app)
    tokens = {}
    with database.begin() as session:
        gates.put_zone(session, "hall", site="main", title="Hall", by="test", now=now)
        for name, way in (("west", Direction.ENTRY), ("east", Direction.ENTRY), ("out", Direction.EXIT)):
            policy = GatePolicy(
                gate=name,
                rules=(Rule(group="students"),),
                inner_zone="hall",
                direction=way,
                anti_passback=AntiPassback(kind="area", offline_hard=True),
                occupancy=Occupancy(limit=1),
            )
            gates.add(session, policy, title=name, by="test", now=now)
            _, tokens[name] = devices.add(session, name=name, role=DeviceRole.CONTROLLER, gate=name, by="test", now=now)
        for card in (ANN, BEN):
            particulars = Particulars(
                number=card,
                name="made up",
                kind=PersonKind.STUDENT,
                groups=frozenset({"students"}),
                valid_from=now - timedelta(days=1),
            )
            person = people.create(session, particulars, by="test", now=now)
            cards.issue(session, person, card, key_number=None, by="test", now=now)
            user = virtual_cards.ChannelUser(card, None)
            virtual_cards.bind(session, person, Channel.WEB, user, by="test", now=now)
    Publisher(database, SEALER, model_id=None).publish()
    ingest = Ingest(server, "main", database, board)
    ingest.start()
    with AppClient(app) as client:
        staff = sign_in(accounts, roles=[Role.FACILITIES], now=now)
        found = {
            name: Gate(name, tmp_path / name, broker.port, client, token).start() for name, token in tokens.items()
        }
        found["west"].staff = staff
        yield found
        for gate in found.values():
            gate.stop()
    ingest.stop()


def test_a_card_that_went_in_at_one_gate_is_refused_at_the_other_until_it_came_out(campus: dict[str, Gate]) -> None:
    west, east, out = campus["west"], campus["east"], campus["out"]
    assert west.tap(ANN) == "granted"
    east.knows(1)
    out.knows(1)
    assert east.tap(ANN) == "passed_back"
    assert east.tap(BEN) == "zone_full"
    assert out.tap(ANN) == "granted"
    east.knows(2)
    west.knows(2)
    assert west.tap(BEN) == "granted"
    east.knows(3)

    occupancy = west.api.get("/api/v1/operations/occupancy", headers=west.staff).json()
    assert occupancy == [{"zone": "hall", "inside": 1, "limit": 1}]
    ticket = west.api.post("/api/v1/operations/tickets", json={"action": "forgive"}, headers=west.staff)
    headers = {**west.staff, "Door-Ticket": ticket.json()["ticket"]}
    assert west.api.post("/api/v1/operations/zones/hall/forgive", json={}, headers=headers).status_code == 204
    east.knows(4)
    assert east.tap(BEN) == "granted", "forgiven to everybody"


def test_a_passage_whose_hint_was_lost_is_known_with_the_next_heartbeat(
    campus: dict[str, Gate], broker, connect, database: Database
) -> None:
    west, east = campus["west"], campus["east"]
    east.hears_hints = False
    heartbeats = ZoneHeartbeats(connect(broker, "heart"), "main", database, CODE_KEY, clock_believed=lambda: True)
    assert west.tap(ANN) == "granted"
    west.knows(1)
    assert east.passage_log.revision == 0
    heartbeats.publish()
    east.knows(1)
    assert east.tap(ANN) == "passed_back"
    assert east.tap(BEN) == "zone_full"


def test_a_code_that_opened_one_gate_opens_no_other_and_pays_nothing(
    campus: dict[str, Gate], database: Database
) -> None:
    west, east, out = campus["west"], campus["east"], campus["out"]
    heard_east, heard_out = east.watch_used_codes(), out.watch_used_codes()
    key, now = bytes(32), datetime.now(UTC)
    with database.begin() as session:
        holder = people.by_number(session, ANN)
        [card] = [one for one in cards.of_person(session, holder.id) if one.code_handle]
        made = virtual_cards.code(session, card, key, now=now)
    shown = CodeSigner(CODE_KEY, "main").sign(made.digits, made.second)
    assert west.scan(shown) == "granted"
    until(lambda: heard_east == heard_out == [made.second])
    assert east.scan(shown) == out.scan(shown) == "code_used"
    with database.begin() as session, pytest.raises(virtual_cards.CodeUsedError):
        virtual_cards.redeem(session, made.digits, key, now=now)
    assert out.tap(ANN) == "granted", "the card in the pocket goes on"


def test_without_the_server_a_gate_keeps_to_what_it_saw_itself_also_after_a_restart(campus: dict[str, Gate]) -> None:
    west, east = campus["west"], campus["east"]
    assert west.tap(ANN) == "granted"
    east.knows(1)
    west.stop()
    west.start()
    for gate in (west, east):
        gate.clock.offset = TRUSTED_FOR + timedelta(seconds=5)
    assert west.tap(ANN) == "passed_back", "what this gate saw itself outlives a restart"
    assert east.tap(ANN) == "granted", "what the other gate saw is not known any more"


def test_a_lost_card_that_opens_a_gate_which_has_not_heard_yet_is_flagged(
    campus: dict[str, Gate], database: Database
) -> None:
    with database.begin() as session:
        person = people.by_number(session, ANN)
        loss.report(session, person, through="app", by="test", now=datetime.now(UTC) - timedelta(seconds=3))
    assert campus["west"].tap(ANN) == "granted", "its directory is from before the report"

    def alarms() -> list[str]:
        with database.read() as session:
            return [one.kind for one in register.open_alarms(session)]

    until(lambda: "lost_card_used" in alarms())
    with database.read() as session:
        [used] = [one for one in event_store.latest(session) if one.kind == "access_granted"]
    assert used.details["after_loss_report"] is True
