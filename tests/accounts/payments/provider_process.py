"""A payment provider in a process of its own: it answers HTTP, and does what a test tells it through a pipe."""

import threading
from collections.abc import Callable
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

from campusgate.demo.providers.serving import Provider, open_server


def serve(pipe: Connection, make: Callable[[datetime], Provider]) -> None:
    """Run a provider and do what comes by the pipe, until that is closed."""
    provider, lock = make(pipe.recv()), threading.Lock()
    server = open_server(provider, lock)
    pipe.send((server.server_port, provider.introduce()))
    while True:
        try:
            name, now, given, named = pipe.recv()
        except EOFError:
            return
        with lock:
            provider.now = now
            if name == "set":
                vars(provider).update(named)
                pipe.send(None)
            elif name == "get":
                pipe.send(getattr(provider, given[0]))
            else:
                pipe.send(getattr(provider, name)(*given, **named))


class ProviderProcess:
    """The test's end of the pipe."""

    clock: Callable[[], datetime]

    def __init__(self, pipe: Connection, now: datetime) -> None:
        self._pipe = pipe
        pipe.send(now)
        self.port, self.introduction = pipe.recv()

    def do(self, name: str, *given: Any, **named: Any) -> Any:
        """Have the provider do something at the test's time."""
        self._pipe.send((name, self.clock(), given, named))
        return self._pipe.recv()

    def set(self, **values: Any) -> None:
        self.do("set", **values)

    def keep_time(self) -> None:
        self.set()

    def lose_answers(self, count: int) -> None:
        self.set(lost=count)
