"""The one connection of a line: bytes out, bytes in, and nobody else on it.

A gateway with two clients gives both of them both answers. So each line is claimed for this machine before it is
opened, under a name in the kernel that ends with the process that holds it.
"""

import asyncio
import contextlib
import os
import socket
import termios
import tty
from collections.abc import Callable
from typing import Final, Protocol, cast

from errors import OperatorError
from metering.lines.address import LineAddress, Parity, SerialLine, TcpLine

CONNECT_WITHIN_S: Final = 5.0
_SPEEDS: Final = {
    300: termios.B300,
    600: termios.B600,
    1_200: termios.B1200,
    2_400: termios.B2400,
    4_800: termios.B4800,
    9_600: termios.B9600,
    19_200: termios.B19200,
    38_400: termios.B38400,
    57_600: termios.B57600,
    115_200: termios.B115200,
}
_CHUNK: Final = 4096


class LineLostError(Exception):
    """The gateway or the port cannot be reached, or is gone."""


class LineInUseError(OperatorError):
    """Another reader on this machine has the line."""


class LineSpeedError(OperatorError):
    """A serial port has no such speed."""


class Connection(Protocol):
    """An open line."""

    def write(self, data: bytes) -> None:
        """Send; nothing is reported, an answer is what counts."""

    def close(self) -> None:
        """Hang up and let others have the line."""


OnBytes = Callable[[bytes], None]
OnLost = Callable[[], None]


async def open_connection(address: LineAddress, bits_per_s: int, on_bytes: OnBytes, on_lost: OnLost) -> Connection:
    """Open the line; `on_bytes` is called with what comes in, `on_lost` once when it ends by itself.

    Raises:
        LineLostError: the gateway or the port does not open.
        LineInUseError: another reader has it.
        LineSpeedError: the port has no such speed.
    """
    claim = _claim(address.name)
    try:
        if isinstance(address, TcpLine):
            return await _open_tcp(address, claim, on_bytes, on_lost)
        return _SerialConnection(address, bits_per_s, claim, on_bytes, on_lost)
    except BaseException:
        claim.close()
        raise


def _claim(name: str) -> socket.socket:
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0campusgate-line-{name}")
    except OSError as error:
        claim.close()
        raise LineInUseError(
            f"the line {name} is read by another process, or stands in the plan twice; two readers would get each"
            " other's answers"
        ) from error
    return claim


async def _open_tcp(address: TcpLine, claim: socket.socket, on_bytes: OnBytes, on_lost: OnLost) -> Connection:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            _, connection = await loop.create_connection(
                lambda: _TcpConnection(claim, on_bytes, on_lost), address.host, address.port
            )
    except (OSError, TimeoutError) as error:
        raise LineLostError(f"the gateway {address.host}:{address.port} does not answer: {error}") from error
    return connection


class _TcpConnection(asyncio.BufferedProtocol):
    """With a buffer of its own: asyncio's plain protocol makes one of 256 kB for each answer of 24 bytes."""

    def __init__(self, claim: socket.socket, on_bytes: OnBytes, on_lost: OnLost) -> None:
        self._claim = claim
        self._on_bytes = on_bytes
        self._on_lost: OnLost | None = on_lost
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray(_CHUNK)

    def get_buffer(self, sizehint: int) -> bytearray:
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._on_bytes(bytes(self._buffer[:nbytes]))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer: socket.socket = transport.get_extra_info("socket")
        # A gateway that lost its power says nothing: the kernel asks it, and gives up within a minute.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)

    def connection_lost(self, _error: Exception | None) -> None:
        self._claim.close()
        if self._on_lost is not None:
            self._on_lost()

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Hang up at once: what was not delivered must not be delivered later."""
        self._on_lost = None
        self._claim.close()
        if self._transport is not None:
            self._transport.abort()


class _SerialConnection:
    def __init__(
        self, address: SerialLine, bits_per_s: int, claim: socket.socket, on_bytes: OnBytes, on_lost: OnLost
    ) -> None:
        speed = _SPEEDS.get(bits_per_s)
        if speed is None:
            raise LineSpeedError(f"a serial port has no {bits_per_s} bit/s; it has {', '.join(map(str, _SPEEDS))}")
        try:
            self._file = os.open(address.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            raise LineLostError(f"the serial port {address.device} does not open: {error.strerror}") from error
        try:
            _configure(self._file, address, speed)
        except (OSError, termios.error) as error:
            os.close(self._file)
            raise LineLostError(f"{address.device} cannot be set up as a serial port: {error}") from error
        self._claim = claim
        self._on_bytes, self._on_lost = on_bytes, on_lost
        self._unsent = b""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._file, self._read)

    def write(self, data: bytes) -> None:
        self._unsent += data
        self._write_some()

    def close(self) -> None:
        if self._file < 0:
            return
        self._loop.remove_reader(self._file)
        self._loop.remove_writer(self._file)
        with contextlib.suppress(termios.error):
            # Otherwise closing waits until a port whose other end is gone took everything.
            termios.tcflush(self._file, termios.TCIOFLUSH)
        os.close(self._file)
        self._file = -1
        self._claim.close()

    def _read(self) -> None:
        try:
            data = os.read(self._file, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._on_bytes(data)
        else:
            self._lose()

    def _write_some(self) -> None:
        try:
            written = os.write(self._file, self._unsent)
        except BlockingIOError:
            written = 0
        except OSError:
            self._loop.call_soon(self._lose)
            return
        self._unsent = self._unsent[written:]
        if self._unsent:
            self._loop.add_writer(self._file, self._write_some)
        else:
            self._loop.remove_writer(self._file)

    def _lose(self) -> None:
        if self._file >= 0:
            self.close()
            self._on_lost()


def _configure(file: int, address: SerialLine, speed: int) -> None:
    tty.setraw(file, termios.TCSANOW)
    attributes = termios.tcgetattr(file)
    control = attributes[2] & ~(termios.PARENB | termios.PARODD | termios.CSTOPB | termios.CSIZE | termios.CRTSCTS)
    control |= termios.CS8 | termios.CLOCAL | termios.CREAD
    if address.parity is not Parity.NONE:
        control |= termios.PARENB
        # A byte with a wrong parity bit becomes a zero byte, which the sum then finds.
        attributes[0] |= termios.INPCK
    if address.parity is Parity.ODD:
        control |= termios.PARODD
    if address.stop_bits == 2:
        control |= termios.CSTOPB
    attributes[2], attributes[4], attributes[5] = control, speed, speed
    termios.tcsetattr(file, termios.TCSANOW, attributes)
    termios.tcflush(file, termios.TCIOFLUSH)
