"""A real server with the pages, people who sign in there, and gate controllers behind it."""

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from datetime import time as TimeOfDay
from pathlib import Path
from uuid import UUID

import httpx
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from PIL import Image

import web.problems
from access.policy import GatePolicy
from accounts import passwords, people
from accounts.ledger import LedgerWriter
from accounts.payment_channels.channel import PaymentChannel
from accounts.payments.services import MoneyServices
from accounts.services import AccountsServices
from accounts.tables import PersonRole
from accounts.vocabulary import PasswordPurpose, PersonKind, Role
from bus import Backoff, BrokerAddress, Outbox
from campusgate.wiring.accounts import MERGE_PARTS
from console import pages
from database import Database, Sealer, new_id
from directory import gates
from directory.services import DirectoryServices
from enrollment.services import EnrollmentServices
from gate_controller.hardware import Hardware
from gate_controller.inputs import Inputs
from gate_controller.inputs.simulated import SimulatedInput
from gate_controller.memory import DoorMemory
from gate_controller.relays.simulated import SimulatedRelay
from gate_controller.service import GateController
from gate_controller.storage import Storage
from messages import Event, GateTopics, NonceStore, TrustedKey
from messages.signed_codes import CodeSigner
from metering.services import MeteringServices
from metering.supply.rules import Hours, SupplyRules
from network_access.services import NetworkServices
from operations import event_store
from operations.alarms import register
from operations.alarms.pictures import AlarmPictures, PictureRules
from operations.alarms.rules import AlarmKind, signals_of
from operations.board import Board
from operations.dispatch import Dispatcher
from operations.order_service import OrderService
from operations.tables import AlarmPicture
from tests.accounts.conftest import CHEAP_HASHER
from tests.waiting import PATIENCE_S
from web.security_headers import SecurityHeaders
from web.tickets import Tickets

PASSWORD = "a quiet evening at the gate"
NO_HOURS = Hours(TimeOfDay(), TimeOfDay())
"""What these tests find of a room's supply must not depend on whether it is night."""
SEALER = Sealer(bytes(32))
PICTURES = AlarmPictures(SEALER, PictureRules(frozenset({"north"}), frozenset({AlarmKind.SPOOF, AlarmKind.FORCED})))
CODE_KEY = Ed25519PrivateKey.generate()
"""Signs the codes of virtual cards; the site is `main`."""


@dataclass
class Pages:
    """The server's address, and what stands behind it."""

    url: str
    app: FastAPI
    database: Database
    board: Board
    names: dict
    people: dict
    controllers: dict[str, GateController] = field(default_factory=dict)
    contacts: dict[str, SimulatedInput] = field(default_factory=dict)
    relays: dict[str, SimulatedRelay] = field(default_factory=dict)

    def happen(self, count: int = 1, **changes: object) -> list[Event]:
        """Let events arrive as the ingest does."""
        events = [
            Event.model_validate(
                {"id": new_id(), "gate": "north", "at": datetime.now(UTC), "kind": "access_granted"} | changes
            )
            for _ in range(count)
        ]
        now = datetime.now(UTC)
        with self.database.begin() as session:
            event_store.record(session, events, received_at=now)
            changed = register.apply(session, [found for one in events for found in signals_of(one)], now=now)
        if changed:
            self.board.touch()
        else:
            self.board.touch_events()
        return events

    def picture(self, event_id: UUID, jpeg: bytes) -> UUID:
        """Let what the camera of the north gate saw at an event arrive; return the alarm that it belongs to."""
        now = datetime.now(UTC)
        with self.database.begin() as session:
            PICTURES.put(session, "north", event_id, jpeg, taken_at=now, now=now)
            alarm_id = session.get_one(AlarmPicture, event_id).alarm_id
        self.board.touch()
        return alarm_id


def camera_view() -> bytes:
    """A JPEG of 160 by 120 pixels."""
    written = io.BytesIO()
    Image.new("RGB", (160, 120), (90, 90, 120)).save(written, "JPEG")
    return written.getvalue()


def hire(
    database: Database, services: AccountsServices, number: str, name: str, *roles: Role, must_change: bool = False
) -> UUID:
    now = datetime.now(UTC)
    with database.begin() as session:
        particulars = people.Particulars(number=number, name=name, kind=PersonKind.STAFF, valid_from=now)
        person = people.create(session, particulars, by="test", now=now)
        session.add_all(PersonRole(person_id=person.id, role=role) for role in roles)
        hashes = {PasswordPurpose.PORTAL: services.hasher.hash(PASSWORD)}
        passwords.store(session, person.id, hashes, must_change=must_change, by="test", now=now)
    return person.id


@contextmanager
def signed_in(console: Pages, number: str, **headers: str) -> Iterator[httpx.Client]:
    """A client without scripts that has signed in and reads English, as a browser's requests from our own pages."""
    own = {"Origin": console.url, "Accept-Language": "en", "Accept": "text/html"} | headers
    with httpx.Client(base_url=console.url, timeout=PATIENCE_S, headers=own, follow_redirects=True) as client:
        client.post("/console/sign-in", data={"number": number, "password": PASSWORD}).raise_for_status()
        yield client


def build_gates(database: Database) -> None:
    """Two gates into a hall, and one elsewhere."""
    now = datetime.now(UTC)
    with database.begin() as session:
        gates.put_zone(session, "hall", site="main", title="Hall 1", by="test", now=now)
        for name, title, zone in (
            ("north", "North gate", "hall"),
            ("south", "South gate", "hall"),
            ("lab", "Lab", None),
        ):
            gates.add(session, GatePolicy(gate=name, inner_zone=zone), title=title, by="test", now=now)


@contextmanager
def serve(
    database: Database,
    board: Board,
    dispatcher: Dispatcher | None,
    enrollment: EnrollmentServices | None = None,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    channels: Mapping[str, PaymentChannel] | None = None,
) -> Iterator[Pages]:
    """The pages on a free port, with two members of facilities staff (F1, F2) and one student (S1)."""
    services = AccountsServices(
        database=database,
        secret=bytes(range(32)),
        hasher=CHEAP_HASHER,
        sign_code=CodeSigner(CODE_KEY, "main").sign,
        merge_parts=MERGE_PARTS,
    )
    names: dict = {}
    staff = {}
    for number, name, *roles in (
        ("F1", "Chen Jing", Role.FACILITIES),
        ("F2", "Zhou Min", Role.FACILITIES),
        ("S1", "Li"),
    ):
        staff[number] = hire(database, services, number, name, *roles)
        names[staff[number]] = name
    build_gates(database)
    writer = LedgerWriter(database)
    money = MoneyServices(accounts=services, writer=writer, channels=channels or {})
    app = FastAPI()
    app.add_middleware(SecurityHeaders)
    app.state.tickets = Tickets()
    web.problems.install(app)
    app.state.accounts = services
    pages.install(
        app,
        pages.ConsoleServices(
            database=database,
            board=board,
            orders=OrderService(database, board, dispatcher, two_persons=True),
            sealer=SEALER,
            alarm_pictures=PICTURES,
            accounts=services,
            metering=MeteringServices(money=money, rules=SupplyRules(zone=services.zone, quiet=NO_HOURS)),
            network=NetworkServices(money),
            directory=DirectoryServices(database, SEALER, credential_key=bytes(range(32))),
            enrollment=enrollment or EnrollmentServices(database, SEALER, engine=None, checker=None),
            names=lambda wanted: {one: names[one] for one in wanted if one in names},
            now=now,
            publish_revisions=lambda _revisions: None,
            secure_cookies=False,
        ),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Pages(f"http://127.0.0.1:{listener.getsockname()[1]}", app, database, board, names, staff)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
        writer.close()


def install_gate(console: Pages, gate: str, address: BrokerAddress, keys: dict, folder: Path) -> None:
    """Put a controller with a simulated relay and a door contact at a gate."""
    relay, contact = SimulatedRelay(), SimulatedInput()
    storage = Storage(NonceStore(folder / "nonces.db"), Outbox(folder / "outbox.db"), DoorMemory(folder / "memory.db"))
    controller = GateController(
        GateTopics("main", gate),
        address,
        Hardware(relay, Inputs(contact)),
        storage,
        signing_key=keys[gate],
        trusted={"staff": TrustedKey(keys["staff"].public_key())},
        credential_key=bytes(range(32)),
        backoff=Backoff(0.05, 0.2, 0.2),
    )
    controller.start()
    console.controllers[gate], console.relays[gate], console.contacts[gate] = controller, relay, contact
