"""A gate with nobody before it: processor time and memory of its edge, memory of its controller.

    python -m benchmarks.gate_rest [--seconds S] [--json]

Both are the real commands, with a real broker and a network camera made of software that shows an empty corridor with
the grain of a sensor, 640 × 480, 20 frames a second. No server answers, as in an outage. What is counted is from
`/proc`, once the processes have settled.
"""

import argparse
import base64
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.brokers import running_broker
from benchmarks.command_process import CommandProcess, as_environment
from benchmarks.process_usage import processor_s, resident_kb
from benchmarks.report import Report, budget, present
from campusgate.demo.camera import FilmCamera
from campusgate.demo.campus import free_port
from messages import make_private_key

_GATE = "north"
_SETTLED_S = 4.0
"""Until connections stand, models are loaded and warm, and what starting took is behind."""
_DOOR = """[relay]
driver = "simulated"
pin = 17
"""


def measure(seconds: float) -> Report:
    """Let both processes stand for `seconds`."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="campusgate-rest-")))
        broker, port = stack.enter_context(running_broker(folder))
        camera = stack.enter_context(FilmCamera())
        environment = _settings(folder, port)
        door = folder / "door.toml"
        door.write_text(_DOOR, encoding="utf-8")
        command = ["controller", "--door", str(door)]
        controller = stack.enter_context(CommandProcess(command, environment, folder / "controller.log")).pid
        edge = stack.enter_context(CommandProcess(["edge", camera.url], environment, folder / "edge.log")).pid
        _wait_until_it_sees(folder / "edge.log")
        _wait_until_it_rests(edge)
        began, used = time.monotonic(), processor_s(edge)
        time.sleep(seconds)
        passed = time.monotonic() - began
        share = (processor_s(edge) - used) / passed
        figures: dict[str, Any] = {
            "broker": broker,
            "edge_percent_of_a_core": 100 * share,
            "edge_processor_a_second_ms": 1000 * share,
            "edge_resident_mb": resident_kb(edge) / 1024,
            "controller_resident_mb": resident_kb(controller) / 1024,
        }
    return Report(
        "gate_rest",
        figures,
        [
            budget("edge with nobody in view, percent of a core,", 100 * share, "at most", 10),
            budget("edge's memory, MB,", figures["edge_resident_mb"], "at most", 280),
            budget("controller's memory, MB,", figures["controller_resident_mb"], "at most", 85),
        ],
    )


def _settings(folder: Path, broker_port: int) -> Mapping[str, str]:
    """Return the environment of a gate's processes."""
    key, trusted = folder / "gate.pem", folder / "trusted.json"
    make_private_key(key)
    trusted.write_text("{}", encoding="utf-8")
    return as_environment(
        {
            "gate": _GATE,
            "data_dir": folder / "data",
            "mqtt": {"port": broker_port},
            "server_url": f"http://127.0.0.1:{free_port()}",
            "device_token": "nobody-asks-for-it",
            "signing_key_file": key,
            "trusted_keys_file": trusted,
            "template_key": base64.b64encode(os.urandom(32)).decode(),
            "credential_key": base64.b64encode(os.urandom(32)).decode(),
        }
    )


def _wait_until_it_sees(log: Path) -> None:
    """Wait until the edge says that its camera runs; on a machine that is very busy it may take a minute to start."""
    end = time.monotonic() + 120
    while "camera_running" not in log.read_text(encoding="utf-8"):
        if time.monotonic() > end:
            raise RuntimeError(f"the edge sees nothing: {log.read_text(encoding='utf-8')[-500:]}")
        time.sleep(0.2)


def _wait_until_it_rests(pid: int) -> None:
    """Wait until a process's memory has not grown by a megabyte for `_SETTLED_S` seconds, at most a minute."""
    end, since, before = time.monotonic() + 60, time.monotonic(), 0
    while time.monotonic() - since < _SETTLED_S and time.monotonic() < end:
        time.sleep(0.2)
        with contextlib.suppress(StopIteration):  # it is starting
            now = resident_kb(pid)
            if abs(now - before) > 1024:
                since, before = time.monotonic(), now


def main() -> int:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.gate_rest", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    return present(measure(arguments.seconds), as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
