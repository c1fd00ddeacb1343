"""The server as a process: settings in, parts put together, everything ended in order."""

import threading
from collections.abc import Mapping, Sequence

from fastapi import APIRouter

from accounts.payment_channels.channel import PaymentChannel
from campusgate.processes.private_files import keep_private
from campusgate.processes.server.app import make_app
from campusgate.processes.server.assembly import assemble
from campusgate.processes.watchdog import Watchdog
from campusgate.processes.web_server import serve
from campusgate.settings import Settings
from campusgate.settings.required import require_all
from campusgate.wiring.database import open_server_database
from campusgate.wiring.photo_checker import load_checker, load_further_engines
from directory.gate_models import read_used_models
from web.connections import make_bounded_connection

_STORED_WITHIN_S = 120.0
"""Several times what a database that hangs may keep a group of transfers or events waiting: it is no reason to end."""


def run_server(
    settings: Settings,
    stop: threading.Event,
    *,
    channels: Mapping[str, PaymentChannel] | None = None,
    routers: Sequence[APIRouter] = (),
) -> None:
    """Serve until `stop` is set, or the process gets SIGINT or SIGTERM.

    Args:
        settings: of the process.
        stop: ends it.
        channels: the payment channels of top-ups, by name.
        routers: routes beside the rooms' own.

    Raises:
        OperatorError: a setting is missing, or a key, a model, a file of limits or the database cannot be used.
    """
    require_all(settings, "server")
    engine, checker = load_checker(settings)
    keep_private(settings.data_dir)
    with open_server_database(settings) as database:
        further = load_further_engines(settings, read_used_models(database))
        server = assemble(settings, engine, checker, further, database=database, channels=channels, routers=routers)
    watchdog = Watchdog(settings.heartbeat_file)
    server.money.writer.on_turn = watchdog.watch("ledger writer", _STORED_WITHIN_S)
    server.ingest.on_turn = watchdog.watch("ingest", _STORED_WITHIN_S)
    limits = make_bounded_connection(
        max_connections=settings.web.connections_per_address, exempt=settings.web.unbounded_addresses
    )
    certificate = None
    if settings.server_cert_file is not None and settings.server_key_file is not None:
        certificate = settings.server_cert_file, settings.server_key_file
    serve(
        make_app(server),
        settings.server_host,
        settings.server_port,
        stop,
        http=limits,
        certificate=certificate,
        watchdog=watchdog,
    )
