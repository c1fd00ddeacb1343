"""A real server with the pages, real gate controllers behind it where a test needs them, and a real browser."""

import inspect
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from datetime import time as TimeOfDay
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

import web.problems
from access.policy import GatePolicy
from accounts import passwords, people
from accounts.ledger import LedgerWriter
from accounts.payment_channels.channel import PaymentChannel
from accounts.payments.services import MoneyServices
from accounts.services import AccountsServices
from accounts.tables import PersonRole
from accounts.vocabulary import PasswordPurpose, PersonKind, Role
from bus import Backoff, BrokerAddress, Connection, Outbox
from bus.embedded import EmbeddedBroker
from console import pages
from console.renewals import Renewals
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
from messages import Event, GateTopics, NonceStore, Signer, TrustedKey, controller_sender
from messages.signed_codes import CodeSigner
from metering.services import MeteringServices
from metering.supply.rules import Hours, SupplyRules
from models.engine import FaceEngine
from models.store import ModelStore
from operations import event_store
from operations.alarms import register
from operations.alarms.rules import signals_of
from operations.board import Board
from operations.dispatch import Dispatcher
from operations.ingest import Ingest
from operations.order_service import OrderService
from tests.accounts.conftest import CHEAP_HASHER
from tests.console.browser_thread import BrowserThread
from tests.databases import copied
from tests.waiting import PATIENCE_S, until
from web.security_headers import SecurityHeaders
from web.tickets import Tickets

PASSWORD = "a quiet evening at the gate"
NO_HOURS = Hours(TimeOfDay(), TimeOfDay())
"""What these tests find of a room's supply must not depend on whether it is night."""
SETTLES_WITHIN_MS = 20_000
"""How long a page may take on a machine that is busy with other things; nothing waits so long when all is well."""
SEALER = Sealer(bytes(32))
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
            register.apply(session, [found for one in events for found in signals_of(one)], now=now)
        self.board.touch()
        return events


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
            accounts=services,
            metering=MeteringServices(money=money, rules=SupplyRules(zone=services.zone, quiet=NO_HOURS)),
            directory=DirectoryServices(database, SEALER, credential_key=bytes(range(32))),
            enrollment=enrollment or EnrollmentServices(database, SEALER, engine=None, checker=None),
            renewals=Renewals(services.sign_in),
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


@pytest.fixture
def console(database: Database) -> Iterator[Pages]:
    """The pages of a server that has no gates behind it."""
    with serve(database, Board(), None) as console:
        yield console


@pytest.fixture(scope="module")
def served_pages(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """One server without gates for the tests of a module; each test makes the people and things it asks about."""
    database = copied(sqlite_template, tmp_path_factory.mktemp("pages"))
    with serve(database, Board(), None) as console:
        yield console
    database.close()


@pytest.fixture
def campus(database: Database, tmp_path: Path) -> Iterator[Pages]:
    """The pages of a server with a broker and two real gate controllers, north and south, behind it."""
    keys = {name: Ed25519PrivateKey.generate() for name in ("staff", "north", "south")}
    board = Board()
    with EmbeddedBroker(port=0) as broker, closing(NonceStore(tmp_path / "nonces.db")) as nonces:
        address = BrokerAddress(port=broker.port)
        bus = Connection(address, "server", backoff=Backoff(0.05, 0.2, 0.2))
        trusted = {controller_sender(gate): TrustedKey(keys[gate].public_key()) for gate in ("north", "south")}
        signer = Signer(keys["staff"], "staff", nonces)
        dispatcher = Dispatcher(bus, "main", signer, trusted, board)
        ingest = Ingest(bus, "main", database, board)
        ingest.start()
        bus.start()
        bus.wait_connected(PATIENCE_S)
        with serve(database, board, dispatcher) as console:
            for gate in ("north", "south"):
                install_gate(console, gate, address, keys, tmp_path / gate)
            until(lambda: len([view for view in board.views() if view.door and view.controller == "online"]) == 2)
            yield console
            for controller in console.controllers.values():
                controller.stop()
        bus.stop()
        ingest.stop()


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


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that drives a browser in the browser's thread."""
    thread = pyfuncitem.funcargs.get("browser_thread")
    if thread is None:
        return None
    given = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    thread.run(lambda: pyfuncitem.obj(**given))
    return True


@pytest.fixture(scope="session")
def browser_thread() -> Iterator[BrowserThread]:
    """Where Playwright runs, and with it every test that uses it."""
    thread = BrowserThread()
    yield thread
    thread.stop()


@pytest.fixture(scope="session")
def launch_browser(browser_thread: BrowserThread) -> Iterator[Callable[..., object]]:
    """Launches Debian's Chromium, driven by Playwright, with the flags given."""
    # The shell has no windows of its own to draw: a page costs it a sixth of the processor time.
    executable = shutil.which("chromium-headless-shell") or shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("Chromium is not installed: Debian package `chromium-headless-shell`")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=SETTLES_WITHIN_MS)
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    playwright = browser_thread.run(lambda: sync_playwright().start())
    launched = []

    def launch(*more: str) -> object:
        options = {"executable_path": executable, "args": [*flags, *more], "timeout": 120_000}
        launched.append(browser_thread.run(lambda: playwright.chromium.launch(**options)))
        return launched[-1]

    yield launch
    for browser in launched:
        browser_thread.run(browser.close)
    browser_thread.run(playwright.stop)


@pytest.fixture(scope="session")
def browser(launch_browser) -> object:
    """The browser that the windows of most tests share."""
    return launch_browser()


@pytest.fixture
def open_window(
    request: pytest.FixtureRequest, browser, browser_thread: BrowserThread
) -> Iterator[Callable[..., object]]:
    """Opens windows of readers who share nothing: `open_window(console, "F1", locale=…)` signs in."""
    contexts = []
    for server in {"console", "campus"} & set(request.fixturenames):
        # Made first, and so ended last: it would wait for the streams of windows that are still open.
        request.getfixturevalue(server)

    def open_window(
        console: Pages | None = None,
        number: str | None = None,
        *,
        ready: str = "#link.live",
        path: str = "/console/",
        **options: object,
    ) -> object:
        context = browser.new_context(**({"locale": "en-GB"} | options))
        context.set_default_timeout(SETTLES_WITHIN_MS)
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        if console is not None and number is not None:
            # The form itself is used by tests of signing in; here only its cookies are wanted.
            form = {"number": number, "password": PASSWORD}
            context.request.post(
                f"{console.url}/console/sign-in", form=form, headers={"Origin": console.url}, max_redirects=0
            )
            page.goto(f"{console.url}{path}")
            page.locator(ready).wait_for()
        return page

    def close() -> list[str]:
        found = [problem for context in contexts for page in context.pages for problem in page.problems]
        for context in contexts:
            context.close()
        return found

    yield lambda *args, **options: browser_thread.run(lambda: open_window(*args, **options))
    assert not browser_thread.run(close), "errors in the pages' scripts"


@pytest.fixture
def page(open_window) -> object:
    """A fresh window of an English reader."""
    return open_window()


@pytest.fixture(scope="session")
def portraits(engine: FaceEngine, photographs: dict[str, Path]) -> dict[str, bytes]:
    """Real portraits as JPEG files; see `photo_studio.make_portraits`."""
    from tests.console.photo_studio import make_portraits

    return make_portraits(engine, photographs)


@pytest.fixture(scope="session")
def engine(model_store: ModelStore) -> FaceEngine:
    """The engine with the default models."""
    return FaceEngine(model_store, threads=1)


@pytest.fixture(scope="module")
def shared_studio(
    sqlite_template: Path,
    engine: FaceEngine,
    model_store: ModelStore,
    portraits: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[object]:
    """One server for the tests of a module."""
    from tests.console.photo_studio import open_studio

    database = copied(sqlite_template, tmp_path_factory.mktemp("studio"))
    with open_studio(database, engine, model_store, portraits) as studio:
        yield studio
    database.close()


@pytest.fixture
def studio(shared_studio) -> object:
    """The module's server, with nothing handed in and its clock right."""
    shared_studio.clear()
    return shared_studio
