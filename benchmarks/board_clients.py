"""Open walls and boards: many connections of server-sent events in a process, which note what came and when."""

import asyncio
import re
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.doubles.processes import PROCESSES, quiet

PASSAGE = re.compile(rb'^data: \{"sequence":(\d+),.*?"at":"([^"]+)"')
"""An event in a stream: its number in the journal, and when it happened."""
_OPENED_EACH_S = 0.01
_START_S = 120.0


@dataclass(frozen=True, slots=True)
class Opened:
    """One page: where its stream is, and the cookies of whoever opened it."""

    path: str
    cookies: str


@dataclass(slots=True)
class Seen:
    """What one page was sent: sequence numbers, and seconds from the gate's clock to here."""

    sequences: "array[int]" = field(default_factory=lambda: array("Q"))
    delays_s: "array[float]" = field(default_factory=lambda: array("d"))
    bytes: int = 0
    is_live: bool = False
    ended: str | None = None
    """Why it ended by itself, where it did."""


class ClientsProcess:
    """Pages that are open in a process of their own."""

    def __init__(self, url: str, pages: Sequence[Opened]) -> None:
        self._pipe, other = PROCESSES.Pipe()
        self._process: BaseProcess = PROCESSES.Process(target=_run, args=(other, url, tuple(pages)), daemon=True)

    def wait_live(self) -> None:
        """Return when every page has been sent all there was to tell.

        Raises:
            RuntimeError: not within the time.
        """
        if not self._pipe.poll(_START_S):
            raise RuntimeError("the pages were not opened in time")
        self._pipe.recv()

    def stop(self) -> list[Seen]:
        """Close the pages, and return what each has seen."""
        self._pipe.send(None)
        found: list[Seen] = self._pipe.recv()
        return found

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()


def _run(pipe: Pipe, url: str, pages: Sequence[Opened]) -> None:
    quiet()
    asyncio.run(_open_all(pipe, url, pages))


async def _open_all(pipe: Pipe, url: str, pages: Sequence[Opened]) -> None:
    seen = [Seen() for _ in pages]
    following = []
    for page, one in zip(pages, seen, strict=True):
        following.append(asyncio.create_task(_follow(url, page, one)))
        await asyncio.sleep(_OPENED_EACH_S)
    while not all(one.is_live for one in seen):
        if failed := [one.ended for one in seen if one.ended]:
            raise RuntimeError(failed[0])
        await asyncio.sleep(0.05)
    pipe.send(None)
    await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    pipe.send(seen)


async def _follow(url: str, page: Opened, seen: Seen) -> None:
    """Read one stream. Each part of it begins and ends with whole lines, so the framing of HTTP stands between them."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    try:
        reader, writer = await asyncio.open_connection(host, port)
        head = f"GET {page.path} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {page.cookies}\r\n\r\n"
        writer.write(head.encode())
        status = await reader.readline()
        if b" 200 " not in status:
            seen.ended = status.decode().strip()
            return
        rest = b""
        while part := await reader.read(262_144):
            now = time.time()
            seen.bytes += len(part)
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                if found := PASSAGE.match(line):
                    seen.sequences.append(int(found[1]))
                    seen.delays_s.append(now - datetime.fromisoformat(found[2].decode()).timestamp())
                elif line == b"event: up_to_date":
                    seen.is_live = True
        seen.ended = "the server closed the stream"
    except OSError as error:
        seen.ended = str(error)
