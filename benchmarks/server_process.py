"""The server of `campusgate serve` over a database that is there, in a process of its own whose cost is counted.

No models are loaded: payments and pages never look at a face. No broker answers, so nothing comes from gates.
"""

import base64
import contextlib
import hashlib
import multiprocessing
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import httpx

from campusgate.demo.campus import free_port
from tests.doubles.processes import quiet

CREDENTIAL_KEY = hashlib.sha256(b"the credentials of a benchmark").digest()
TOKEN_SECRET = hashlib.sha256(b"the tokens of a benchmark").digest()
_START_S = 300.0


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A server that answers at `url`."""

    url: str
    pid: int


@contextlib.contextmanager
def serving(folder: Path, database_url: str, *, template_key: bytes | None = None) -> Iterator[ServerProcess]:
    """Serve a database that has its tables, until the end of the block; `template_key` sealed what it holds.

    Raises:
        RuntimeError: the server ended by itself, or does not answer.
    """
    port = free_port()
    # Spawned, not forked by a server: its time counts among that of this process's children.
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(folder, database_url, port, template_key or os.urandom(32)), daemon=True
    )
    process.start()
    try:
        server = ServerProcess(f"http://127.0.0.1:{port}", process.pid or 0)
        until = time.monotonic() + _START_S
        while True:
            with contextlib.suppress(httpx.TransportError):
                # Whatever it says of itself: without a broker it is not all well.
                httpx.get(f"{server.url}/health", timeout=30, trust_env=False)
                break
            if process.exitcode is not None or time.monotonic() > until:
                raise RuntimeError("the server does not answer")
            time.sleep(0.05)
        yield server
    finally:
        process.terminate()
        process.join(10)
        if process.is_alive():
            process.kill()
            process.join()


def _serve(folder: Path, database_url: str, port: int, template_key: bytes) -> None:
    import threading

    from campusgate.processes.garbage import pause_collection

    with pause_collection():
        from campusgate.processes.server.app import make_app
        from campusgate.processes.server.assembly import assemble
        from campusgate.settings import MqttSettings, Settings
        from database import Database
        from enrollment.quality import Checker
        from models.engine import FaceEngine
        from web.connections import make_bounded_connection

    quiet()
    settings = Settings(
        data_dir=folder,
        database_url=database_url,
        mqtt=MqttSettings(port=free_port()),
        token_secret=_as_text(TOKEN_SECRET),
        template_key=_as_text(template_key),
        credential_key=_as_text(CREDENTIAL_KEY),
    )
    # The directory asks the engine for nothing but the name of its model.
    engine = cast("FaceEngine", SimpleNamespace(model_id="made-up-1"))
    database = Database(database_url, credential_key=CREDENTIAL_KEY)
    app = make_app(assemble(settings, engine, Checker(engine), database=database))
    http = make_bounded_connection()
    try:
        from campusgate.processes.web_server import serve
    except ModuleNotFoundError:
        # A checkout of November 2026 or earlier, measured by `benchmarks.against`.
        import uvicorn

        uvicorn.run(app, host="127.0.0.1", port=port, http=http, log_config=None, access_log=False)
    else:
        serve(app, "127.0.0.1", port, threading.Event(), http=http)


def _as_text(key: bytes) -> str:
    return base64.b64encode(key).decode()
