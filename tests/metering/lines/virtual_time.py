"""An event loop whose time passes at once when nobody has anything to do; sockets and ports in it are real."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

_IN_THE_KERNEL_S = 0.0005
"""Bytes that were sent on this machine are there by then."""


class _Selector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.time_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            return super().select(None)
        ready = super().select(_IN_THE_KERNEL_S)
        if not ready:
            self.time_s += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time` begins with zero."""

    def __init__(self) -> None:
        self._passing = _Selector()
        super().__init__(self._passing)

    def time(self) -> float:
        return self._passing.time_s


class VirtualClock:
    """The wall clock of a virtual loop."""

    def __init__(self, start: datetime) -> None:
        self.start = start

    def __call__(self) -> datetime:
        return self.start.astimezone(UTC) + timedelta(seconds=asyncio.get_running_loop().time())


def run_virtually(story: Callable[[], Awaitable[None]]) -> None:
    """Run `story` to its end."""

    async def whole() -> None:
        await story()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(whole())
