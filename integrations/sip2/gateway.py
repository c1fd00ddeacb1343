"""The gateway: takes connections of library systems, and answers each from the campus's server.

A library system signs in (93) with the name of a desk and that desk's token; the gateway keeps neither. Whoever signs
in under no name uses the gateway's own desk, if it has one. Questions whose answer is not known now are not answered:
the library system asks again, and then says itself that it is off line.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

import structlog

from integrations.sip2 import answers, frames
from integrations.sip2.frames import CheckSumError, FrameError, Message
from integrations.sip2.patrons import Patron, PatronServer, ServerAwayError, TokenRefusedError

log = structlog.get_logger()

_LONGEST_SILENCE_S: Final = 600.0
"""A library system asks for the state (99) every few minutes while nobody stands at it."""
_LONGEST_FRAME_S: Final = 30.0
"""From its first byte to its last; to take an answer, likewise."""
_MOST_CONNECTIONS: Final = 64


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """How patrons are known and texts are written; `token` is of the gateway's own desk."""

    patrons: Literal["uid", "number"]
    encoding: Literal["utf-8", "gb18030"]
    institution: str = ""
    token: str | None = field(default=None, repr=False)
    longest_silence_s: float = _LONGEST_SILENCE_S
    most_connections: int = _MOST_CONNECTIONS


class Gateway:
    """Listens, and has a task for each connection."""

    def __init__(self, server: PatronServer, options: GatewayOptions, clock: Callable[[], datetime]) -> None:
        """Take whom to ask, and the campus's time."""
        self._server, self._options, self._clock = server, options, clock
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> int:
        """Listen; return the port.

        Raises:
            OSError: nobody can listen there.
        """
        self._listener = await asyncio.start_server(
            self._connected, host, port, ssl=tls, ssl_handshake_timeout=10 if tls else None
        )
        return int(self._listener.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Take no more connections, and end those there are."""
        if self._listener is not None:
            self._listener.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= self._options.most_connections:
            log.warning("library_refused", why="too_many_connections")
            writer.close()
            return
        self._connections.add(task)
        try:
            await _Connection(self._server, self._options, self._clock).serve(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()


class _Connection:
    """One library system: who it is, and what it was answered last."""

    def __init__(self, server: PatronServer, options: GatewayOptions, clock: Callable[[], datetime]) -> None:
        self._server, self._options, self._clock = server, options, clock
        self._token = options.token
        self._last = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one question after the other, until the connection ends, is silent too long or says no frames."""
        async for frame in self._read(reader):
            try:
                answer = await self._answer(frame)
            except TokenRefusedError:
                log.warning("library_refused", why="no_desk")
                return
            if answer:
                writer.write(answer)
                try:
                    async with asyncio.timeout(_LONGEST_FRAME_S):
                        await writer.drain()
                except (TimeoutError, OSError):
                    return

    async def _read(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        """Yield frames without their ends, whether peers end them with CR, LF or both."""
        begun = b""
        while True:
            patience_s = _LONGEST_FRAME_S if begun else self._options.longest_silence_s
            try:
                async with asyncio.timeout(patience_s):
                    part = await reader.read(frames.LONGEST)
            except (TimeoutError, OSError):
                return
            if not part:
                return
            *whole, begun = (begun + part).replace(b"\n", frames.END).split(frames.END)
            for frame in whole:
                if frame.strip(b"\0 "):
                    yield frame
            if len(begun) > frames.LONGEST:
                log.warning("library_refused", why="frame_too_long")
                return

    async def _answer(self, frame: bytes) -> bytes:
        try:
            question = frames.decode(frame, self._options.encoding)
        except CheckSumError:
            return frames.encode(Message("96"), self._options.encoding)
        except FrameError as error:
            log.info("library_asked_something_else", why=str(error))
            return b""
        if question.code == "97":
            return self._last
        try:
            answer = await self._say(question)
        except ServerAwayError:
            return b""
        self._last = frames.encode(answer, self._options.encoding) if answer is not None else b""
        return self._last

    async def _say(self, question: Message) -> Message | None:
        now = self._clock()
        match question.code:
            case "93":
                return answers.answer_login(question, is_known=await self._sign_in(question.get("CO")))
            case "99":
                there = await self._is_server_there()
                institution = self._options.institution
                return answers.answer_status(question, institution=institution, is_server_there=there, now=now)
            case "35":
                return answers.answer_end(question, now=now)
            case "23" | "63":
                return answers.answer_patron(question, await self._find(question), now=now)
        return None

    async def _sign_in(self, token: str) -> bool:
        try:
            await self._server.check_token(token)
        except TokenRefusedError:
            return False
        self._token = token
        return True

    async def _is_server_there(self) -> bool:
        try:
            await self._server.check_token(self._token or "")
        except ServerAwayError:
            return False
        return True

    async def _find(self, question: Message) -> Patron:
        find = self._server.find_by_uid if self._options.patrons == "uid" else self._server.find_by_number
        return await find(self._token or "", question.get("AA").strip(), question.get("AD"))
