"""A serial port as raw bytes, without any further library: what OSDP and line readers speak over."""

import fcntl
import os
import select
import termios
import tty
from pathlib import Path

from gate_controller.readers import ReaderError

SPEEDS = {
    9600: termios.B9600,
    19200: termios.B19200,
    38400: termios.B38400,
    57600: termios.B57600,
    115200: termios.B115200,
}


class SerialPort:
    """An open port: eight bits, no parity, one stop bit, nothing interpreted."""

    def __init__(self, path: Path, speed: int = 9600) -> None:
        """Open it.

        Raises:
            ReaderError: it cannot be opened, another process of ours has it, or it cannot be set to this speed.
        """
        if speed not in SPEEDS:
            raise ReaderError(f"{path}: no speed {speed}; there are {', '.join(map(str, SPEEDS))}")
        try:
            self._file = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            raise ReaderError(f"{path} cannot be opened: {error.strerror}") from error
        try:
            # Two processes would get each other's answers.
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise ReaderError(f"{path} is used by another process: end it, or name another port") from error
        try:
            # What waits is kept: whoever reads it tells that it was dropped.
            tty.setraw(self._file, termios.TCSANOW)
            attributes = termios.tcgetattr(self._file)
            attributes[4] = attributes[5] = SPEEDS[speed]
            termios.tcsetattr(self._file, termios.TCSANOW, attributes)
        except termios.error as error:
            os.close(self._file)
            raise ReaderError(f"{path} is no serial port: {error}") from error

    def read(self, most: int, *, wait_s: float = 0.0) -> bytes:
        """Return what has arrived, nothing if nothing does within `wait_s`.

        Raises:
            OSError: the port is gone.
        """
        if not select.select([self._file], [], [], wait_s)[0]:
            return b""
        data = os.read(self._file, most)
        if not data:
            raise OSError("the port was unplugged")
        return data

    def write(self, data: bytes) -> int:
        """Write as much as fits; return how much.

        Raises:
            OSError: the port is gone.
        """
        try:
            return os.write(self._file, data)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        """Give it back."""
        os.close(self._file)
