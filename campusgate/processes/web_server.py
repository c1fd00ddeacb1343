"""An application served until its process is to stop."""

import asyncio
import ssl
import sys
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from errors import OperatorError

_STARTUP_FAILED = 3
"""The exit code of `uvicorn` itself."""
_GRACEFUL_S = 2


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
) -> None:
    """Serve `app` until `stop` is set, or the process gets SIGINT or SIGTERM; `http` speaks HTTP on each connection.

    With `certificate`, a file of it and one of its private key (PEM), what is served is HTTPS.

    Raises:
        ServerCertificateError: the certificate or its key cannot be used.
        SystemExit: it could not begin, as where the port is taken.
    """
    if certificate is not None:
        _require_certificate(*certificate)
    server = uvicorn.Server(
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
        )
    )
    threading.Thread(target=_end, args=(server, stop), name="stop", daemon=True).start()
    server.run()
    if not server.started:
        sys.exit(_STARTUP_FAILED)


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
