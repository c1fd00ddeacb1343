"""An application served until its process is to stop."""

import asyncio
import socket
import ssl
import sys
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from campusgate.processes.watchdog import Watchdog
from errors import OperatorError

_STARTUP_FAILED = 3
"""The exit code of `uvicorn` itself."""
_GRACEFUL_S = 2
_TURN_WITHIN_S = 20.0
"""Of the event loop, which has one ten times a second."""


class ServerCertificateError(OperatorError):
    """The server's certificate or its key cannot be used."""


def serve(
    app: FastAPI,
    host: str,
    port: int,
    stop: threading.Event,
    *,
    http: type[asyncio.Protocol] | str = "auto",
    certificate: tuple[Path, Path] | None = None,
    watchdog: Watchdog | None = None,
) -> None:
    """Serve `app` until `stop` is set, or the process gets SIGINT or SIGTERM; `http` speaks HTTP on each connection.

    With `certificate`, a file of it and one of its private key (PEM), what is served is HTTPS. `watchdog` is told when
    it is served, and looks at the event loop, too.

    Raises:
        ServerCertificateError: the certificate or its key cannot be used.
        SystemExit: it could not begin, as where the port is taken.
    """
    if certificate is not None:
        _require_certificate(*certificate)
    server = _WatchedServer(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            # The app does it, by its setting; uvicorn would believe whatever comes from this machine.
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACEFUL_S,
            http=http,
            ssl_certfile=certificate[0] if certificate else None,
            ssl_keyfile=certificate[1] if certificate else None,
        ),
        watchdog or Watchdog(),
    )
    threading.Thread(target=_end, args=(server, stop), name="stop", daemon=True).start()
    server.run()
    if not server.started:
        sys.exit(_STARTUP_FAILED)


class _WatchedServer(uvicorn.Server):
    """Tells a watchdog that it has begun, that its loop turns, and that it ends."""

    def __init__(self, config: uvicorn.Config, watchdog: Watchdog) -> None:
        super().__init__(config)
        self._watchdog = watchdog
        self._turn = watchdog.watch("event loop", _TURN_WITHIN_S)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._watchdog.begin()

    async def on_tick(self, counter: int) -> bool:
        self._turn()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._watchdog.end()
        await super().shutdown(sockets)


def _end(server: uvicorn.Server, stop: threading.Event) -> None:
    stop.wait()
    server.should_exit = True


def _require_certificate(certificate: Path, key: Path) -> None:
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise ServerCertificateError(
            f"the server's certificate {certificate} or its key {key} cannot be used: {error}; "
            "CAMPUSGATE_SERVER_CERT_FILE and CAMPUSGATE_SERVER_KEY_FILE name them"
        ) from error
