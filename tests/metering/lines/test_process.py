"""`campusgate meters` as a process: it stops when told, and what it had written outlives its being killed."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from campusgate.demo.simulated_lines import simulated_gateway
from campusgate.demo.simulated_meters import SimulatedLine
from metering.reader_contract import Plan
from tests.metering.lines.contract_server import TOKEN, ContractServer
from tests.metering.lines.site import CAMPUS, meters, plan_for
from tests.notify_socket import NotifySocket
from tests.served import served
from tests.waiting import PATIENCE_S, until


@contextmanager
def line_of(count: int) -> Iterator[tuple[SimulatedLine, str]]:
    """A gateway in a thread of its own."""
    line = SimulatedLine(meters(count), zone=CAMPUS, now=lambda: datetime.now(UTC))
    urls: list[str] = []
    ready, end = threading.Event(), threading.Event()

    async def serve() -> None:
        async with simulated_gateway(line) as gateway:
            urls.append(gateway.url)
            ready.set()
            await asyncio.to_thread(end.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        yield line, urls[0]
    finally:
        end.set()
        thread.join()


@contextmanager
def process(server_url: str, folder: Path, token: str = TOKEN, **more: str) -> Iterator["subprocess.Popen[str]"]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAMPUSGATE_")}
    environment = kept | {
        "CAMPUSGATE_SERVER_URL": server_url,
        "CAMPUSGATE_DEVICE_TOKEN": token,
        "CAMPUSGATE_DATA_DIR": str(folder),
        **more,
    }
    command = [sys.executable, "-m", "campusgate", "meters"]
    running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def test_it_reads_is_killed_goes_on_from_its_file_and_stops_when_told(tmp_path: Path, supervisor: NotifySocket) -> None:
    with line_of(6) as (line, url):
        plan = Plan(revision="1", cycle_s=1, lines=(plan_for(line.meters.values(), url),))
        with served(ContractServer(plan)) as server:
            with process(server.url, tmp_path) as running:
                until(lambda: len(server.readings) >= 6)
                server.failing = 503
                until(lambda: line.received >= 24)
                running.kill()
            before = list(server.readings)
            server.failing = None
            asked = line.received
            with process(server.url, tmp_path, NOTIFY_SOCKET=supervisor.address) as running:
                # What lay in the file comes first.
                until(lambda: len(server.readings) >= len(before) + 6)
                until(lambda: line.received > asked)
                supervisor.wait_for("READY=1", "WATCHDOG=1")
                running.send_signal(signal.SIGTERM)
                out, err = running.communicate(timeout=PATIENCE_S)
            assert (running.returncode, out) == (0, "meters are read\n"), err
            supervisor.wait_for("STOPPING=1")
            times = [reading.at for reading in server.readings]
            assert times == sorted(times)
            assert oct((tmp_path / "meters" / "unsent.db").stat().st_mode)[-3:] == "600"
