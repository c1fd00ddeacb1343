"""The server as a process: settings in, parts put together, everything ended in order."""

import sys
import threading
from collections.abc import Mapping, Sequence

import uvicorn
from fastapi import APIRouter, FastAPI

from accounts.payment_channels.channel import PaymentChannel
from campusgate.processes.private_files import keep_private
from campusgate.processes.server.app import make_app
from campusgate.processes.server.assembly import assemble
from campusgate.settings import Settings
from campusgate.wiring.database import open_server_database
from campusgate.wiring.photo_checker import load_checker, load_further_engines
from web.connections import make_bounded_connection

_STARTUP_FAILED = 3
"""The exit code of `uvicorn` itself."""


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
    engine, checker = load_checker(settings)
    further = load_further_engines(settings)
    keep_private(settings.data_dir)
    with open_server_database(settings) as database:
        server = assemble(settings, engine, checker, further, database=database, channels=channels, routers=routers)
    _serve(make_app(server), settings, stop)


def _serve(app: FastAPI, settings: Settings, stop: threading.Event) -> None:
    config = uvicorn.Config(
        app,
        host=settings.server_host,
        port=settings.server_port,
        http=make_bounded_connection(
            max_connections=settings.web.connections_per_address, exempt=settings.web.unbounded_addresses
        ),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # The app does it, by the setting; uvicorn would believe whatever comes from this machine.
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    threading.Thread(target=_end, args=(server, stop), name="stop", daemon=True).start()
    server.run()
    if not server.started:
        sys.exit(_STARTUP_FAILED)


def _end(server: uvicorn.Server, stop: threading.Event) -> None:
    stop.wait()
    server.should_exit = True
