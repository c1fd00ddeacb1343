"""`campusgate meters` itself, started as a process, beside a server that has only a plan and takes readings."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from benchmarks.metering_readers import plan_for
from benchmarks.metering_wire import Wire
from benchmarks.process_usage import peak_mb, processor_s
from metering.reader_contract import OrdersOut, ReadingsIn, ReadingsOut

_LONGEST_S: Final = 300.0
_MODEL: Final = "dlt645-2007-combined"
"""It has no daily freeze: only the energy is asked for."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """All meters that answer read once: from the plan to the last of them."""

    seconds: float
    cpu_s: float
    peak_mb: float


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, plan: str) -> None:
        self.plan = plan
        self.planned_at: datetime | None = None
        self.readings: dict[int, datetime] = {}
        self.wrong: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The process has been ended: its last question needs no answer."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.endswith("/plan"):
            self.server.planned_at = self.server.planned_at or datetime.now(UTC)
            self._answer(self.server.plan)
        else:
            time.sleep(1.0)
            self._answer(OrdersOut().model_dump_json())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.path.endswith("/readings"):
            self._answer("{}")
            return
        readings = ReadingsIn.model_validate_json(body).readings
        for one in readings:
            if one.digits != one.meter.int - 1:
                self.server.wrong.append(f"meter {one.meter} was read as {one.digits}")
            self.server.readings.setdefault(one.meter.int, one.at)
        self._answer(ReadingsOut(stored=len(readings), unchanged=0, in_review=0).model_dump_json())

    def _answer(self, text: str) -> None:
        content = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def read_cycle(wire: Wire, ports: Sequence[int], folder: Path) -> Cycle:
    """Let the process read until the server has a reading of every meter that answers.

    Raises:
        RuntimeError: it took too long, or a reading was wrong.
    """
    server = _Server(plan_for(wire, ports, _MODEL).model_dump_json())
    threading.Thread(target=server.serve_forever, args=(0.05,), name="server", daemon=True).start()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAMPUSGATE_")}
    environment = kept | {
        "CAMPUSGATE_SERVER_URL": f"http://127.0.0.1:{server.server_port}",
        "CAMPUSGATE_DEVICE_TOKEN": "of-a-benchmark",
        "CAMPUSGATE_DATA_DIR": str(folder),
        "CAMPUSGATE_METERS__SET_CLOCKS": "false",
    }
    command = [sys.executable, "-m", "campusgate", "meters"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end_s = time.monotonic() + _LONGEST_S
        while len(server.readings) < wire.answering:
            if time.monotonic() > end_s or process.poll() is not None:
                raise RuntimeError(f"{len(server.readings)} of {wire.answering} meters were read")
            time.sleep(0.1)
        memory_mb, cpu_s = peak_mb(process.pid), processor_s(process.pid)
    finally:
        process.terminate()
        process.wait()
        server.shutdown()
        server.server_close()
    if server.wrong or server.planned_at is None:
        raise RuntimeError(f"{len(server.wrong)} wrong readings, as: {server.wrong[:1]}")
    return Cycle((max(server.readings.values()) - server.planned_at).total_seconds(), cpu_s, memory_mb)
