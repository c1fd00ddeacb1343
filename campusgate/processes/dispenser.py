"""The process at a kiosk's card dispenser: settings in, line and server put together, everything ended in order."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import structlog

from campusgate.processes.watchdog import Watchdog
from campusgate.settings import Settings, SettingsError
from campusgate.wiring.server_link import make_server_trust
from card_dispensing.handing_out import CardIssuer
from card_dispensing.registry import DISPENSERS
from card_dispensing.server_client import ServerClient
from gate_controller.readers import ReaderError
from gate_controller.readers.serial_port import SerialPort

log = structlog.get_logger()

POLL_S: Final = 1.0
"""How long at most somebody waits until the dispenser begins."""
_TURN_WITHIN_S: Final = 300.0
"""A turn may wait for several movements of a card and several answers of the server."""


class ReopenedLine:
    """A serial line that is opened when it is first used, and again after it was lost."""

    def __init__(self, path: Path, bits_per_s: int) -> None:
        """Open nothing yet."""
        self._path = path
        self._bits_per_s = bits_per_s
        self._port: SerialPort | None = None

    def read(self, most: int, *, wait_s: float = 0.0) -> bytes:
        """Return what has arrived, nothing if nothing does within `wait_s`.

        Raises:
            OSError: the line cannot be used now.
        """
        try:
            return self._opened().read(most, wait_s=wait_s)
        except OSError:
            self.close()
            raise

    def write(self, data: bytes) -> int:
        """Write as much as fits; return how much.

        Raises:
            OSError: the line cannot be used now.
        """
        try:
            return self._opened().write(data)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Give it back."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def _opened(self) -> SerialPort:
        if self._port is None:
            try:
                self._port = SerialPort(self._path, self._bits_per_s)
            except ReaderError as error:
                raise OSError(str(error)) from error
        return self._port


def run_dispenser(
    settings: Settings,
    stop: threading.Event,
    ready: Callable[[], None] = lambda: None,
    *,
    poll_s: float = POLL_S,
) -> None:
    """Hand out cards as the server says until `stop` is set; `ready` is called before the first look.

    Raises:
        OperatorError: a setting is missing or cannot be used.
    """
    dispenser = settings.dispenser
    if dispenser.device is None:
        raise SettingsError("CAMPUSGATE_DISPENSER__DEVICE: name the serial port of the card dispenser")
    driver = DISPENSERS.get(dispenser.driver)
    if driver is None:
        known = ", ".join(DISPENSERS)
        raise SettingsError(f"CAMPUSGATE_DISPENSER__DRIVER: there is no {dispenser.driver!r}; there are {known}")
    with ExitStack() as stack:
        line = ReopenedLine(dispenser.device, driver.bits_per_s)
        stack.callback(line.close)
        server = ServerClient(settings.server_url, settings.require("device_token"), verify=make_server_trust(settings))
        stack.callback(server.close)
        issuer = CardIssuer(driver.open(line, dispenser.address), server)
        watchdog = Watchdog(settings.heartbeat_file)
        turn = watchdog.watch("dispenser", _TURN_WITHIN_S)
        ready()
        with watchdog:
            while not stop.is_set():
                issuer.turn()
                turn()
                stop.wait(poll_s)
