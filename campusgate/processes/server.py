"""The server: one process that joins the services' APIs, the pages, the journal of events and the directories."""

import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import Headers
from starlette.requests import cookie_parser

import console.pages
import operations.api
import web.problems
from accounts import passwords
from accounts.access_tokens import NotSignedInError
from accounts.api.router import router as accounts_router
from accounts.passwords import PepperError
from accounts.payments.services import MoneyServices
from accounts.services import AccountsServices
from accounts.tables import Person
from bus import Connection, NotConnectedError
from campusgate.demo import bank
from campusgate.demo.bank import TrialBank
from campusgate.processes.jobs.schedule import run_jobs
from campusgate.processes.jobs.server_jobs import server_jobs
from campusgate.settings import Settings, SettingsError
from campusgate.wiring.accounts import make_accounts, make_money
from campusgate.wiring.alarms import make_watch
from campusgate.wiring.broker import server_connections
from campusgate.wiring.key_checks import require_right_key, require_same_keys
from campusgate.wiring.metrics import make_metrics
from campusgate.wiring.sealer import make_sealer
from console.session import ACCESS_COOKIE, Renewals
from database import Database, Sealer
from database.migrate import upgrade
from directory import receipts
from directory.api.receipts import AccountOut
from directory.api.routes import router as directory_router
from directory.look_alikes import LookAlikes
from directory.publisher import Publisher
from directory.services import DirectoryServices
from enrollment.api import router as enrollment_router
from enrollment.photo import MAX_BYTES
from enrollment.quality import Checker
from enrollment.services import EnrollmentServices
from enrollment.upload import LEAST_SEARCHED
from messages import (
    DirectoryHint,
    GateTopics,
    NonceStore,
    Signer,
    TrustedKeyFile,
    read_private_key,
)
from models.engine import FaceEngine
from operations.alarms.watch import AlarmWatch
from operations.api import health
from operations.api.dependencies import OperationsServices
from operations.api.metrics import router as metrics_router
from operations.board import Board
from operations.clock_guard import ClockGuard
from operations.connections import ServerConnections
from operations.dispatch import Dispatcher
from operations.ingest import Ingest
from operations.order_desk import OrderDesk
from operations.presence_hints import PresenceHints
from web.forwarded_address import ForwardedAddress
from web.request_guard import GuardLimits, RequestGuard
from web.security_headers import SecurityHeaders
from web.storage_probe import StorageProbe
from web.tickets import Tickets

log = structlog.get_logger()


STAFF_SENDER = "staff"
"""The name under which gates trust the key of the server's staff."""

_PICTURE_BYTES = MAX_BYTES + 16_384
_LARGER_BODIES = {"/photos": _PICTURE_BYTES, "/reference-photos": _PICTURE_BYTES, "/people/import": 2_097_152}
"""Routes that take pictures, or 500 rows of a list; only who is signed in may send as much."""


@dataclass(frozen=True)
class Server:
    """What the server's process holds."""

    settings: Settings
    database: Database
    accounts: AccountsServices
    money: MoneyServices
    bank: TrialBank | None
    """A bank that moves no money; the demonstration's only."""
    enrollment: EnrollmentServices
    sealer: Sealer
    operations: OperationsServices
    connections: ServerConnections
    ingest: Ingest
    storage: StorageProbe
    alarms: AlarmWatch
    clock: ClockGuard
    publisher: Publisher
    look_alikes: LookAlikes
    directory: DirectoryServices


def assemble(
    settings: Settings,
    engine: FaceEngine,
    checker: Checker,
    further_engines: Sequence[FaceEngine] = (),
    *,
    database: Database | None = None,
) -> Server:
    """Build every part; nothing runs yet. `further_engines` make templates for the model the campus moves to.

    `database` is one that was opened and brought up to date; without it the configured one is, or is begun.

    Raises:
        SettingsError: a secret is missing or unusable, or the template key is not the one the database was sealed with.
    """
    secret = settings.require_key("token_secret")
    sealer = make_sealer(settings)
    credential_key = settings.require_key("credential_key")
    if database is None:
        database = Database(settings.resolved_database_url, credential_key=credential_key)
        upgrade(database)
    require_right_key(database, sealer)
    require_same_keys(database, settings)
    accounts = make_accounts(settings, database, secret)
    _seal_passwords(database, accounts)
    trial_bank = TrialBank(settings.time_zone) if settings.demonstration else None
    board, storage = Board(), StorageProbe(database)
    clock = ClockGuard(database, board)
    connections = server_connections(settings)
    bus = connections.events
    desk = OrderDesk(database, board, _dispatcher(settings, connections.orders, board), settings.two_person_orders)
    # Last, for its writer's thread runs from now on: what may be missing was asked for before.
    money = make_money(settings, accounts, trial_bank.channels if trial_bank is not None else None)
    return Server(
        settings=settings,
        database=database,
        accounts=accounts,
        money=replace(money, clock_believed=lambda: clock.doubt() is None),
        clock=clock,
        bank=trial_bank,
        enrollment=EnrollmentServices(
            database,
            sealer,
            engine,
            checker,
            consent_version=settings.enrollment.consent_version,
            keep_pictures=settings.enrollment.keep_pictures,
            with_thumbnails=settings.enrollment.keep_thumbnails,
            further_engines=tuple(further_engines),
            gates=_gates_of_person,
            photos_a_day=settings.enrollment.photos_a_day,
        ),
        sealer=sealer,
        operations=OperationsServices(
            board,
            desk,
            PresenceHints(bus, settings.site),
        ),
        connections=connections,
        ingest=Ingest(bus, settings.site, database, board),
        storage=storage,
        alarms=make_watch(settings.alarms, database, board, connections, clock=clock, storage=storage),
        publisher=Publisher(
            database,
            sealer,
            model_id=engine.model_id,
            notify=_Hints(bus, settings.site),
        ),
        look_alikes=LookAlikes(
            database, sealer, model_id=engine.model_id, threshold=partial(_taken_for_each_other, engine)
        ),
        directory=DirectoryServices(database, sealer, credential_key, lambda: clock.doubt() is None),
    )


def _seal_passwords(database: Database, accounts: AccountsServices) -> None:
    try:
        sealed = passwords.seal_stored(database, accounts.hasher)
    except PepperError as error:
        raise SettingsError(str(error)) from error
    if sealed:
        log.info("passwords_sealed", number=sealed)


def _taken_for_each_other(engine: FaceEngine, people: int) -> float:
    """Return the similarity from which a reviewer is shown a likeness."""
    return engine.threshold("identification", max(people, LEAST_SEARCHED))


def make_app(server: Server) -> FastAPI:
    """Return the application; its lifespan starts and ends the background work."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        stop, wake = threading.Event(), threading.Event()
        jobs = server_jobs(server.database, server.money, server.settings)
        threads = [
            threading.Thread(target=server.publisher.run, args=(stop, wake), name="publisher", daemon=True),
            threading.Thread(target=server.look_alikes.run, args=(stop,), name="look-alikes", daemon=True),
            threading.Thread(target=server.alarms.run, args=(stop,), name="alarms", daemon=True),
            *(
                threading.Thread(target=run_jobs, args=(one, stop, server.clock), name=name, daemon=True)
                for name, one in jobs.items()
            ),
        ]
        server.ingest.start()
        server.connections.events.start()
        server.connections.orders.start()
        for thread in threads:
            thread.start()
        yield
        stop.set()
        wake.set()
        server.connections.orders.stop()
        server.connections.events.stop()
        server.ingest.stop()
        for thread in threads:
            thread.join()
        server.money.writer.close()
        server.database.close()

    app = FastAPI(
        title="campusgate",
        version="1",
        summary="Access control and face recognition at the edge for a university campus.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.accounts = server.accounts
    app.state.money = server.money
    app.state.enrollment = server.enrollment
    app.state.directory = server.directory
    app.state.operations = server.operations
    app.state.health = health.HealthServices(server.database, server.connections, server.storage)
    app.state.tickets = Tickets()
    web.problems.install(app)
    # Routes are tried in order, and nobody asks as often as the gates.
    app.include_router(directory_router)
    app.include_router(accounts_router)
    app.include_router(enrollment_router)
    app.include_router(operations.api.router)
    app.include_router(metrics_router)
    app.include_router(health.router)
    if server.bank is not None:
        app.state.bank = server.bank
        app.include_router(bank.router)
    app.state.metrics = make_metrics(server.settings, server.database, server.operations.board, server.ingest)
    console.pages.install(app, _console(server))
    at_once = server.settings.web.requests_per_address
    limits = GuardLimits(larger=_LARGER_BODIES, at_once=at_once)
    app.add_middleware(RequestGuard, limits=limits, admission=partial(_not_signed_in, server.accounts))
    app.add_middleware(SecurityHeaders)
    app.add_middleware(ForwardedAddress, trusted=server.settings.trusted_proxies)
    return app


def _not_signed_in(accounts: AccountsServices, headers: Headers) -> NotSignedInError | None:
    """Return why nobody is signed in by these headers; whether they may do what they want is for the route to say."""
    kind, _, bearer = headers.get("authorization", "").partition(" ")
    token = bearer if kind.lower() == "bearer" else cookie_parser(headers.get("cookie", "")).get(ACCESS_COOKIE, "")
    try:
        accounts.access_tokens.read(token, now=accounts.clock())
    except NotSignedInError as error:
        return error
    return None


def _console(server: Server) -> console.pages.ConsoleServices:
    def names(wanted: set[UUID]) -> Mapping[UUID, str]:
        if not wanted:
            return {}
        with server.database.read() as session:
            people = session.execute(select(Person.id, Person.name).where(Person.id.in_(wanted)))
            return {person.id: person.name for person in people}

    return console.pages.ConsoleServices(
        database=server.database,
        board=server.operations.board,
        orders=server.operations.desk,
        sealer=server.sealer,
        accounts=server.accounts,
        enrollment=server.enrollment,
        renewals=Renewals(server.accounts.desk),
        names=names,
        now=lambda: datetime.now(UTC),
        told=server.operations.hints.tell,
        secure_cookies=not server.settings.demonstration,
    )


def _dispatcher(settings: Settings, bus: Connection, board: Board) -> Dispatcher | None:
    """Return the sender of staff orders, or None where the server has no key of its own."""
    if settings.signing_key_file is None:
        log.warning("orders_not_possible", missing="CAMPUSGATE_SIGNING_KEY_FILE")
        return None
    signer = Signer(
        read_private_key(settings.signing_key_file), STAFF_SENDER, NonceStore(settings.data_dir / "nonces.db")
    )
    return Dispatcher(bus, settings.site, signer, TrustedKeyFile(settings.require("trusted_keys_file")), board)


def _gates_of_person(session: Session, person_id: UUID) -> dict[str, Any]:
    return AccountOut.model_validate(receipts.of_person(session, person_id)).model_dump(mode="json")


class _Hints:
    """Tells gates that a newer directory waits. Only a courtesy: a gate that missed it asks by itself."""

    def __init__(self, bus: Connection, site: str) -> None:
        self._bus = bus
        self._site = site

    def __call__(self, gate: str, revision: int) -> None:
        hint = DirectoryHint(gate=gate, revision=revision)
        try:
            self._bus.publish(GateTopics(self._site, gate).directory, hint.encode())
        except NotConnectedError:
            log.info("directory_hint_not_sent", gate=gate)
