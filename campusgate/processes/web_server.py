"""An application served until its process is to stop."""

import asyncio
import sys
import threading

import uvicorn
from fastapi import FastAPI

_STARTUP_FAILED = 3
"""The exit code of `uvicorn` itself."""
_GRACEFUL_S = 2


def serve(
    app: FastAPI, host: str, port: int, stop: threading.Event, *, http: type[asyncio.Protocol] | str = "auto"
) -> None:
    """Serve `app` until `stop` is set, or the process gets SIGINT or SIGTERM; `http` speaks HTTP on each connection.

    Raises:
        SystemExit: it could not begin, as where the port is taken.
    """
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
        )
    )
    threading.Thread(target=_end, args=(server, stop), name="stop", daemon=True).start()
    server.run()
    if not server.started:
        sys.exit(_STARTUP_FAILED)


def _end(server: uvicorn.Server, stop: threading.Event) -> None:
    stop.wait()
    server.should_exit = True
