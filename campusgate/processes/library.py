"""The gateway for library systems as a process: settings in, listener and server put together, ended in order."""

import asyncio
import ssl
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from campusgate.processes.watchdog import Watchdog
from campusgate.settings import Settings, SettingsError
from campusgate.wiring.server_link import make_server_trust
from integrations.sip2.gateway import Gateway, GatewayOptions
from integrations.sip2.patrons import PatronServer

log = structlog.get_logger()

_POLL_S: Final = 0.1
"""How late at most a stop is noticed."""
_TURN_WITHIN_S: Final = 20.0
"""Of the event loop, which has one at each poll."""


def run_library(settings: Settings, stop: threading.Event, ready: Callable[[str, int], None]) -> None:
    """Answer library systems until `stop` is set; `ready` is told where it listens.

    Raises:
        OperatorError: a setting cannot be used.
    """
    asyncio.run(_run(settings, stop, ready))


async def _run(settings: Settings, stop: threading.Event, ready: Callable[[str, int], None]) -> None:
    library = settings.library
    token = None if settings.device_token is None else settings.device_token.get_secret_value()
    server = PatronServer(settings.server_url, verify=make_server_trust(settings))
    options = GatewayOptions(library.patrons, library.encoding, institution=library.institution, token=token)
    gateway = Gateway(server, options, lambda: datetime.now(settings.time_zone))
    try:
        try:
            port = await gateway.open(library.host, library.port, tls=_make_tls(settings))
        except OSError as error:
            raise SettingsError(
                f"CAMPUSGATE_LIBRARY__HOST, __PORT: nobody can listen at {library.host}:{library.port}: {error}"
            ) from error
        log.info("library_gateway_listens", port=port, tls=library.cert_file is not None)
        ready(library.host, port)
        watchdog = Watchdog(settings.heartbeat_file)
        turn = watchdog.watch("event loop", _TURN_WITHIN_S)
        with watchdog:
            while not stop.is_set():
                turn()
                # Signals and threads set it, which wake no event loop.
                await asyncio.sleep(_POLL_S)
    finally:
        await gateway.close()
        await server.close()


def _make_tls(settings: Settings) -> ssl.SSLContext | None:
    library = settings.library
    if library.cert_file is None or library.key_file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(library.cert_file, library.key_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"CAMPUSGATE_LIBRARY__CERT_FILE, __KEY_FILE cannot be used: {error}") from error
    return context
