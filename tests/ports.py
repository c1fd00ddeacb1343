"""Ports for servers that tests start themselves and may start again."""

import itertools
import os
import random
import socket
from collections.abc import Iterator

_FIRST, _EACH, _WORKERS = 16_000, 1_000, 16
"""Below the ports that systems give to outgoing connections: between a stop and the next start nobody gets it."""


def _own_ports() -> Iterator[int]:
    # Worked out when the first is asked for: workers of xdist are forked from one process that has imported this.
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
    start = random.SystemRandom().randrange(_EACH)
    for number in itertools.count():
        yield _FIRST + worker * _EACH + (start + number) % _EACH


_ports = _own_ports()


def free_port() -> int:
    """A port of the loopback address that nobody listens on, and that no other test gets soon."""
    for port in itertools.islice(_ports, _EACH):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")
