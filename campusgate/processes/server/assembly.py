"""The server's parts, built from its settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog
from fastapi import APIRouter

from accounts import passwords
from accounts.payment_channels.channel import PaymentChannel
from accounts.payments.services import MoneyServices
from accounts.services import AccountsServices
from campusgate.settings import Settings
from campusgate.wiring.accounts import make_accounts, make_money
from campusgate.wiring.alarm_pictures import make_alarm_pictures
from campusgate.wiring.alarms import make_watch
from campusgate.wiring.broker import make_server_connections
from campusgate.wiring.directory_hints import DirectoryHints
from campusgate.wiring.enrollment import make_enrollment
from campusgate.wiring.face_models import find_following, make_look_alike_thresholds, make_uses_model
from campusgate.wiring.gate_setup import make_gate_setup
from campusgate.wiring.hosting import make_hosting_rules
from campusgate.wiring.key_checks import require_right_key, require_same_keys
from campusgate.wiring.library_fines import make_fines
from campusgate.wiring.metering import make_metering
from campusgate.wiring.network_access import make_network_access
from campusgate.wiring.orders import make_dispatcher
from campusgate.wiring.retention import make_retention_policy
from campusgate.wiring.sealer import make_sealer
from campusgate.wiring.showers import make_shower_port
from campusgate.wiring.traces import make_traces
from campusgate.wiring.zone_heartbeats import make_zone_heartbeats
from console.shown_once import ShownOnce
from database import Database, Sealer
from database.migrate import upgrade
from directory.gate_models import read_used_models
from directory.look_alikes import LookAlikes
from directory.publisher import Publisher
from directory.services import DirectoryServices
from enrollment.quality import Checker
from enrollment.services import EnrollmentServices
from integrations.library_fines.payments import FineServices
from metering.services import MeteringServices
from metering.sessions.mqtt_port import ShowerPort
from models.engine import FaceEngine
from network_access.services import NetworkServices
from operations.alarms.watch import AlarmWatch
from operations.api.dependencies import OperationsServices
from operations.board import Board
from operations.clock_guard import ClockGuard
from operations.connections import ServerConnections
from operations.ingest import Ingest
from operations.order_service import OrderService
from operations.presence_hints import PresenceHints
from operations.zone_heartbeats import ZoneHeartbeats
from web.shared_tickets import SharedTickets
from web.storage_probe import StorageProbe
from web.tickets import Tickets

if TYPE_CHECKING:
    from operations.traces.otlp import TraceExporter

log = structlog.get_logger()


@dataclass(frozen=True)
class Server:
    """What the server's process holds."""

    settings: Settings
    database: Database
    accounts: AccountsServices
    money: MoneyServices
    metering: MeteringServices
    network: NetworkServices
    enrollment: EnrollmentServices
    sealer: Sealer
    operations: OperationsServices
    connections: ServerConnections
    ingest: Ingest
    traces: "TraceExporter | None"
    """None where no collector is set."""
    showers: ShowerPort | None
    """None where the server has no key to sign its answers with."""
    zone_heartbeats: ZoneHeartbeats | None
    """None where the server has no key to sign them with."""
    storage: StorageProbe
    alarms: AlarmWatch
    clock: ClockGuard
    publisher: Publisher
    look_alikes: LookAlikes
    directory: DirectoryServices
    tickets: Tickets
    shown_once: ShownOnce
    fines: FineServices | None
    """None where no library's system is set."""
    routers: Sequence[APIRouter]
    """Of whoever starts the server, beside the rooms' own."""


def assemble(
    settings: Settings,
    engine: FaceEngine,
    checker: Checker,
    further_engines: Sequence[FaceEngine] = (),
    *,
    database: Database | None = None,
    channels: Mapping[str, PaymentChannel] | None = None,
    routers: Sequence[APIRouter] = (),
) -> Server:
    """Build every part; nothing runs yet.

    Args:
        settings: of the process.
        engine: makes and compares the templates in use.
        checker: of photos.
        further_engines: make templates for the other models that the campus uses.
        database: one that was opened and brought up to date; without it the configured one is, or is begun.
        channels: the payment channels of top-ups, by name.
        routers: routes beside the rooms' own.

    Raises:
        SettingsError: a secret is missing or unusable, or the template key is not the one the database was sealed with.
        PepperError: the stored passwords are sealed under another key.
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
    if sealed := passwords.seal_stored(database, accounts.hasher):
        log.info("passwords_sealed", number=sealed)
    board, storage = Board(), StorageProbe(database)
    clock = ClockGuard(database, board)
    connections = make_server_connections(settings)
    bus = connections.events
    dispatcher = make_dispatcher(settings, connections.orders, board, database)
    orders = OrderService(database, board, dispatcher, settings.two_person_orders)
    # Last, for its writer's thread runs from now on: what may be missing was asked for before.
    money = replace(make_money(settings, accounts, channels), clock_believed=lambda: clock.doubt() is None)
    metering = make_metering(settings, money)
    ingest = Ingest(bus, settings.site, database, board)
    pictures = make_alarm_pictures(settings.alarm_pictures, sealer)
    following = find_following(settings)
    made = [one.model_id for one in (engine, *further_engines)]
    return Server(
        settings=settings,
        database=database,
        accounts=accounts,
        money=money,
        metering=metering,
        network=make_network_access(settings, money),
        clock=clock,
        enrollment=make_enrollment(
            settings.enrollment,
            database,
            sealer,
            engine,
            checker,
            further_engines=further_engines,
            uses_model=make_uses_model(database, following),
            retention=make_retention_policy(settings),
        ),
        sealer=sealer,
        operations=OperationsServices(
            board,
            orders,
            PresenceHints(bus, settings.site),
            pictures,
        ),
        connections=connections,
        ingest=ingest,
        traces=make_traces(settings.tracing, ingest),
        showers=make_shower_port(settings, bus, metering.sessions),
        zone_heartbeats=make_zone_heartbeats(settings, bus, database, clock_believed=lambda: clock.doubt() is None),
        storage=storage,
        alarms=make_watch(settings.alarms, database, board, connections, clock=clock, storage=storage),
        publisher=Publisher(
            database,
            sealer,
            model_id=engine.model_id,
            further_models=[following],
            notify=DirectoryHints(bus, settings.site),
        ),
        look_alikes=LookAlikes(
            database,
            sealer,
            models=make_look_alike_thresholds(made, read_used_models(database)),
        ),
        directory=DirectoryServices(
            database,
            sealer,
            credential_key,
            hosting=make_hosting_rules(settings.visitors),
            clock_believed=lambda: clock.doubt() is None,
            setup=make_gate_setup(settings),
            pictured_events=pictures.rules.find_events,
        ),
        tickets=Tickets(shared=None if database.is_sqlite else SharedTickets(database)),
        shown_once=ShownOnce(None if database.is_sqlite else database),
        fines=make_fines(settings, money),
        routers=routers,
    )
