"""Where a line is reached: `tcp://HOST:PORT` (a gateway) or `serial:///dev/ttyUSB0` (a port of this machine)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import parse_qsl, urlsplit

from errors import OperatorError

Choice = TypeVar("Choice", bound=StrEnum)

EXAMPLES: Final = "tcp://10.0.3.7:8899 or serial:///dev/ttyUSB0?parity=E"
_LONGEST_WAIT_MS: Final = 10_000
"""A gateway that takes longer would hold up a line of a hundred meters for a quarter of an hour."""


class LineAddressError(OperatorError):
    """The address of a line cannot be used."""


class Parity(StrEnum):
    """The parity bit of a serial port."""

    EVEN = "E"
    ODD = "O"
    NONE = "N"


class Framing(StrEnum):
    """How Modbus is spoken over TCP: as on the wire, or with the header of Modbus TCP."""

    RTU = "rtu"
    MBAP = "mbap"


@dataclass(frozen=True, slots=True)
class TcpLine:
    """A gateway that passes bytes on. `extra_wait_s` is added to each time-out, for one behind a slow network."""

    host: str
    port: int
    framing: Framing = Framing.RTU
    extra_wait_s: float = 0.0

    @property
    def name(self) -> str:
        """The gateway, the same for every way to write its address."""
        return f"tcp-{self.host.lower()}-{self.port}"


@dataclass(frozen=True, slots=True)
class SerialLine:
    """A serial port, 8 data bits; DL/T 645 and CJ/T 188 want even parity and 1 stop bit."""

    device: str
    parity: Parity = Parity.EVEN
    stop_bits: int = 1
    extra_wait_s: float = 0.0
    framing: Framing = Framing.RTU

    @property
    def name(self) -> str:
        """The port."""
        return f"serial-{self.device}"


LineAddress = TcpLine | SerialLine


def parse_address(url: str) -> LineAddress:
    """Return the line that `url` names. Options: `wait_ms`; `framing` (tcp); `parity` and `stop` (serial).

    Raises:
        LineAddressError: it names none, or an option is unknown or cannot be.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _error(url, str(error)) from error
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    extra_wait_s = _whole(url, options, "wait_ms", 0, _LONGEST_WAIT_MS) / 1000
    found: LineAddress
    if parts.scheme == "tcp":
        if not parts.hostname or not port or parts.path not in {"", "/"}:
            raise _error(url, "a gateway has a host and a port")
        framing = _choice(url, options, "framing", Framing, Framing.RTU)
        found = TcpLine(parts.hostname, port, framing, extra_wait_s)
    elif parts.scheme == "serial":
        if parts.netloc or not parts.path.startswith("/"):
            raise _error(url, "a serial port is an absolute path after three slashes")
        parity = _choice(url, options, "parity", Parity, Parity.EVEN)
        stop_bits = _whole(url, options, "stop", 1, 2)
        found = SerialLine(parts.path, parity, stop_bits, extra_wait_s)
    else:
        raise _error(url, "unknown kind of line")
    if options:
        raise _error(url, f"unknown option {next(iter(options))!r}")
    return found


def _error(url: str, reason: str) -> LineAddressError:
    return LineAddressError(f"{url!r} is no address of a line ({reason}); use one such as {EXAMPLES}")


def _choice(url: str, options: dict[str, str], name: str, kinds: type[Choice], default: Choice) -> Choice:
    text = options.pop(name, default.value)
    try:
        return kinds(text)
    except ValueError:
        raise _error(url, f"{name} is one of {', '.join(kinds)}") from None


def _whole(url: str, options: dict[str, str], name: str, lowest: int, highest: int) -> int:
    text = options.pop(name, str(lowest))
    if not (text.isascii() and text.isdecimal() and lowest <= int(text) <= highest):
        raise _error(url, f"{name} is a whole number from {lowest} to {highest}")
    return int(text)
