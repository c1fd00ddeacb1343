"""A broker in a process of its own: Mosquitto where it is installed, else the embedded one."""

import contextlib
import multiprocessing
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def running_broker(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the broker's name and its port on the loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    mosquitto = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if mosquitto is None:
        yield from _embedded(port)
        return
    configuration = folder / "mosquitto.conf"
    lines = (f"listener {port} 127.0.0.1", "allow_anonymous true", "persistence false", "set_tcp_nodelay true")
    configuration.write_text("\n".join((*lines, "log_dest none", "")))
    process = subprocess.Popen([mosquitto, "-c", str(configuration)])
    try:
        _wait_for(port)
        yield "mosquitto", port
    finally:
        process.terminate()
        process.wait(10)


def _embedded(port: int) -> Iterator[tuple[str, int]]:
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    process = context.Process(target=_serve, args=(port, stop), daemon=True)
    process.start()
    try:
        _wait_for(port)
        yield "embedded", port
    finally:
        stop.set()
        process.join(10)


def _serve(port: int, stop: threading.Event) -> None:
    from bus.embedded import EmbeddedBroker

    with EmbeddedBroker(port=port):
        stop.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + 15
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("the broker does not listen")
