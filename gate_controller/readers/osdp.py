"""OSDP readers through libosdp: encrypted (secure channel), supervised, with light and sound.

Only the secure channel is spoken: a reader without the key, or with the key everybody knows (SCBK-D), stays silent.
"""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import structlog
from osdp import (
    CardFormat,
    Channel,
    Command,
    CommandLEDColor,
    ControlPanel,
    Event,
    LibFlag,
    LogLevel,
    PDInfo,
    StatusReportType,
)

from gate_controller.inputs.told import ToldInput
from gate_controller.readers import Outcome, Reader, ReaderError, Reading
from gate_controller.readers.keypad import Keypad
from gate_controller.readers.serial_port import SerialPort
from gate_controller.readers.texts import reading_of
from gate_controller.readers.wiegand import WiegandError, decode

log = structlog.get_logger()

_T = TypeVar("_T", bytes, int)

KEY_BYTES = 16
_WELL_KNOWN_KEY = bytes(range(0x30, 0x40))
"""SCBK-D: for installation only."""
START_S = 5.0
"""How long a reader may take to come up before it counts as lost."""
_LOOK_S = 0.2
_REOPEN_S = 1.0
_CALL_AGAIN_S = 3.0
"""How often a silent reader is called; libosdp by itself waits up to five minutes."""
_GOES_ON = {"pin_required", "face_required", "second_person_awaited"}
"""Reasons that ask for something more instead of sending away."""


class SerialChannel(Channel):  # type: ignore[misc]  # libosdp brings no types
    """A serial port for libosdp. One that is missing, also at start, is tried again; meanwhile nothing arrives."""

    def __init__(self, path: Path, speed: int = 9600) -> None:
        """Name the port; it is opened when libosdp first reads or writes."""
        super().__init__()
        self._path, self._speed = path, speed
        self._port: SerialPort | None = None
        self._again_at = 0.0

    def read(self, most: int) -> bytes:
        """Return what has arrived."""
        return self._with_port(lambda port: port.read(most), b"")

    def write(self, data: bytes) -> int:
        """Write; return how much."""
        return self._with_port(lambda port: port.write(data), len(data))

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Give the port back."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def _with_port(self, do: Callable[[SerialPort], _T], otherwise: _T) -> _T:
        try:
            if self._port is None:
                if time.monotonic() < self._again_at:
                    return otherwise
                self._again_at = time.monotonic() + _REOPEN_S
                self._port = SerialPort(self._path, self._speed)
            return do(self._port)
        except (OSError, ReaderError):
            self.close()
            return otherwise


def read_key(path: Path) -> bytes:
    """Read a reader's key (SCBK): 32 hexadecimal digits, in a file that nobody else can read.

    Raises:
        ReaderError: unreadable, readable for others, no such key, or the one everybody knows.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise ReaderError(f"{path} can be read by others: chmod 600 {path}")
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise ReaderError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ReaderError(f"{path} holds a key of 32 hexadecimal digits") from error
    if len(key) != KEY_BYTES:
        raise ReaderError(f"{path} holds a key of 32 hexadecimal digits")
    if key == _WELL_KNOWN_KEY:
        raise ReaderError(f"{path} holds the installation key that everybody knows: make one for this reader")
    return key


def card_reading(event: Mapping[str, Any]) -> Reading | None:
    """Return the card in a CardRead event: raw bytes as they are, Wiegand frames by their number; None for none."""
    data, length = bytes(event["data"]), int(event.get("length") or 8 * len(event["data"]))
    if event["format"] == CardFormat.Wiegand:
        bits = [data[index // 8] >> (7 - index % 8) & 1 for index in range(min(length, 8 * len(data)))]
        try:
            return Reading(decode(bits))
        except WiegandError as error:
            log.warning("card_unreadable", error=str(error))
            return None
    if (text := data.decode("ascii", errors="replace")).isprintable() and "picc_data" in text:
        return reading_of(text)
    return Reading(data[: (length + 7) // 8].hex().upper()) if data else None


class OsdpReader(Reader):
    """One reader on one line, with its keypad and tamper switch."""

    def __init__(self, channel: Channel, key: bytes, *, address: int = 0, start_s: float = START_S) -> None:
        """Prepare; `start` begins to talk."""
        self.tamper = ToldInput()
        self._channel = channel
        self._address = address
        self._start_s = start_s
        flags = [LibFlag.EnforceSecure]
        self._panel = ControlPanel([PDInfo(address, channel, scbk=key, flags=flags)], log_level=LogLevel.Critical)
        self._fault: Callable[[str | None], None] = lambda _fault: None
        self._keypad = Keypad(enter="\r", clear="\x7f")
        self._is_asked, self._knows_status = False, True
        self._call_at = time.monotonic() + start_s
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def watch_fault(self, changed: Callable[[str | None], None]) -> None:
        """Call `changed` with `lost` when the reader is silent or not secure, with None when it is back."""
        self._fault = changed

    def start(self, read: Callable[[Reading], None]) -> None:
        """Talk to the reader from now on."""
        self._panel.start()
        self._thread = threading.Thread(target=self._run, args=(read,), name="osdp", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Talk no more."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self._panel.stop()
        if isinstance(self._channel, SerialChannel):
            self._channel.close()

    @property
    def secure(self) -> bool:
        """Whether the secure channel is up."""
        return bool(self._panel.is_sc_active(self._address))

    def _run(self, read: Callable[[Reading], None]) -> None:
        patience_until = time.monotonic() + self._start_s
        lost: bool | None = None
        was_secure = False
        while not self._stopping.is_set():
            event = self._panel.get_event(self._address, timeout=_LOOK_S)
            if event is not None:
                try:
                    self._take(event, read)
                except Exception:
                    # What a reader sends is not ours to trust; the next card must be read all the same.
                    log.exception("osdp_event_failed")
            self._call_again()
            is_lost = not self.secure
            if was_secure is is_lost:
                was_secure = not is_lost
                self._ask_about_housing(was_secure)
            if is_lost != lost and (not is_lost or time.monotonic() >= patience_until):
                if lost is not None or is_lost:
                    self._fault("lost" if is_lost else None)
                lost = is_lost

    def _call_again(self) -> None:
        """Begin anew with a reader that is silent: libosdp does so when it is switched off and on."""
        if not self._panel.is_pd_enabled(self._address):
            self._panel.enable_pd(self._address)
        elif self._panel.is_online(self._address):
            self._call_at = time.monotonic() + _CALL_AGAIN_S
        elif time.monotonic() >= self._call_at:
            self._call_at = time.monotonic() + _CALL_AGAIN_S
            self._panel.disable_pd(self._address)

    def _ask_about_housing(self, is_secure: bool) -> None:
        """Ask a reader that came back whether its housing is closed: what it told a line that failed is lost.

        To libosdp a refused command is a lost line, so a reader that left the question unanswered is not asked again.
        """
        if not is_secure:
            self._knows_status = self._knows_status and not self._is_asked
        elif self._knows_status:
            question = {"command": Command.Status, "type": StatusReportType.Local}
            self._is_asked = bool(self._panel.submit_command(self._address, question))

    def _take(self, event: Mapping[str, Any], read: Callable[[Reading], None]) -> None:
        if event["event"] == Event.CardRead:
            self._read(card_reading(event), read)
        elif event["event"] == Event.KeyPress:
            for key in bytes(event["data"]):
                if (typed := self._keypad.press(chr(key))) is not None:
                    self._read(reading_of(typed, "code"), read)
        elif event["event"] == Event.Status and event["type"] == StatusReportType.Local:
            self._is_asked = False
            self.tamper.tell(bool(event["report"][0]))

    def _read(self, reading: Reading | None, read: Callable[[Reading], None]) -> None:
        if reading is not None:
            read(Reading(reading.value, reading.kind, read_ns=reading.read_ns, answer=self._show))

    def _show(self, outcome: Outcome) -> None:
        """Green and one tone, or red and three; amber and one tone while more is to be shown."""
        goes_on = outcome.granted or outcome.reason in _GOES_ON
        colour = CommandLEDColor.Red
        if goes_on:
            colour = CommandLEDColor.Green if outcome.granted else CommandLEDColor.Amber
        light = {"command": Command.LED, "reader": 0, "led_number": 0, "control_code": 2, "temporary": True}
        light |= {"on_color": colour, "off_color": CommandLEDColor.Black}
        light |= {"on_count": 10, "off_count": 0, "timer_count": 20}
        tone = {"command": Command.Buzzer, "reader": 0, "control_code": 2, "on_count": 1, "off_count": 1}
        self._panel.submit_command(self._address, light)
        self._panel.submit_command(self._address, tone | {"rep_count": 1 if goes_on else 3})
