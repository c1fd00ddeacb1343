"""OSDP readers through libosdp: encrypted (secure channel), supervised, with light and sound.

Only the secure channel is spoken: a reader without the key, or with the key everybody knows (SCBK-D), stays silent.
"""

import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import structlog
from osdp import (
    Capability,
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
from pydantic import Field

from access.reasons import Reason
from gate_controller.inputs.reported import ReportedInput
from gate_controller.readers import Dropped, Read, Reader, ReaderError, Reading, ReadingResult, Unreadable
from gate_controller.readers.keypad import Keypad
from gate_controller.readers.numbers import NumberFormat
from gate_controller.readers.options import DeviceOptions
from gate_controller.readers.osdp_cards import parse_card_event
from gate_controller.readers.osdp_line import LineWatch, SerialChannel, WatchedChannel
from gate_controller.readers.texts import parse_typed

__all__ = ["OsdpReader", "SerialChannel", "parse_card_event", "read_key"]

log = structlog.get_logger()

KEY_BYTES = 16
_WELL_KNOWN_KEY = bytes(range(0x30, 0x40))
"""SCBK-D: for installation only."""
START_S = 5.0
"""How long a reader may take to come up before it counts as lost."""
_POLL_S = 0.2
"""How long to wait for an event before the line is looked after: `stop` and losses are noticed so soon."""
_CALL_S, _CALL_AGAIN_S = 0.5, 3.0
"""How soon a reader that was lost is called, and how often; libosdp by itself waits up to five minutes."""
_PATIENCE_S = 2.0
"""One lost reply costs the line for a second; a reader that is back by then was not lost."""
_ASKS_FOR_MORE = {Reason.PIN_REQUIRED, Reason.FACE_REQUIRED, Reason.SECOND_PERSON_AWAITED}
"""Reasons that ask for something more instead of sending away."""
_PRESENTED = (Event.CardRead, Event.KeyPress)
_CODES = {Command.Status: 0x64, Command.LED: 0x69, Command.Buzzer: 0x6A}
"""What libosdp's commands are on the line."""
_CAPABILITIES = {Command.LED: Capability.LEDControl, Command.Buzzer: Capability.AudibleControl}


class OsdpOptions(DeviceOptions):
    """Where an OSDP reader is, and its key."""

    address: int = Field(default=0, ge=0, le=126)
    key_file: Path | None = None
    """The reader's own key (SCBK)."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """An event of the reader, and whether it was known to be of this moment when it arrived."""

    event: Mapping[str, Any]
    fresh: bool
    at_ns: int


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


class OsdpReader(Reader):
    """One reader on one line, with its keypad and tamper switch."""

    def __init__(
        self,
        channel: Channel,
        key: bytes,
        *,
        address: int = 0,
        numbers: NumberFormat | None = None,
        start_s: float = START_S,
    ) -> None:
        """Prepare; `start` begins to talk."""
        self.tamper = ReportedInput()
        self._channel = channel
        self._address = address
        self._numbers = numbers
        self._start_s = start_s
        self._arrivals: queue.Queue[_Arrival | Literal["began_anew", "settled"]] = queue.Queue()
        self._watch = LineWatch(self._arrivals.put)
        self._panel = ControlPanel(
            [PDInfo(address, WatchedChannel(channel, self._watch), scbk=key, flags=[LibFlag.EnforceSecure])],
            log_level=LogLevel.Critical,
            event_handler=self._arrived,
        )
        self._fault: Callable[[str | None], None] = lambda _fault: None
        self._keypad = Keypad(enter="\r", clear="\x7f")
        self._dropped = 0
        self._call_at = time.monotonic() + start_s
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def watch_fault(self, changed: Callable[[str | None], None]) -> None:
        """Call `changed` with `lost` when the reader is silent or not secure, with None when it is back."""
        self._fault = changed

    def start(self, read: Read) -> None:
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

    @property
    def ready(self) -> bool:
        """Whether a card that is shown now is read: the reader is secure, and what it had kept is dropped."""
        return self._watch.settled and self.secure

    def _arrived(self, _number: int, event: Mapping[str, Any]) -> int:
        """Queue an event on libosdp's own thread, where it is known what was said on the line just before."""
        heard_at = self._watch.heard_at or 0.0
        self._arrivals.put(_Arrival(event, self._watch.settled, int(heard_at * 1e9)))
        return 0

    def _run(self, read: Read) -> None:
        patience_until = time.monotonic() + self._start_s
        lost: bool | None = None
        while not self._stopping.is_set():
            try:
                self._handle(self._arrivals.get(timeout=_POLL_S), read)
            except queue.Empty:
                pass
            except Exception:
                # What a reader sends is not ours to trust; the next card must be read all the same.
                log.exception("osdp_event_failed")
            self._call_again()
            is_lost = not self.secure
            if not is_lost:
                patience_until = time.monotonic() + _PATIENCE_S
            if is_lost != lost and (not is_lost or time.monotonic() >= patience_until):
                if lost is not None or is_lost:
                    self._fault("lost" if is_lost else None)
                lost = is_lost

    def _call_again(self) -> None:
        """Begin anew with a reader that is silent: libosdp does so when it is switched off and on."""
        if not self._panel.is_pd_enabled(self._address):
            self._panel.enable_pd(self._address)
        elif self._panel.is_online(self._address):
            self._call_at = time.monotonic() + _CALL_S
        elif time.monotonic() >= self._call_at:
            self._call_at = time.monotonic() + _CALL_AGAIN_S
            self._panel.disable_pd(self._address)

    def _handle(self, arrival: _Arrival | Literal["began_anew", "settled"], read: Read) -> None:
        if arrival == "began_anew":
            # Neither the rest of a PIN nor a light for somebody who has left may come after a line that was away.
            self._dropped += 1 if self._keypad.discard() else 0
            self._panel.flush_commands(self._address)
        elif arrival == "settled":
            self._settled(read)
        else:
            # libosdp keeps a copy of each event for `get_event`.
            self._panel.get_event(self._address, timeout=0)
            if arrival.event["event"] not in _PRESENTED:
                self._status(arrival.event)
            elif arrival.fresh:
                self._presented(arrival, read)
            else:
                self._dropped += 1

    def _settled(self, read: Read) -> None:
        """Report what was dropped, and ask about the housing: what it told a line that failed is lost."""
        number, self._dropped = self._dropped, 0
        if number:
            read(Dropped(number, "line_lost"))
        self._submit({"command": Command.Status, "type": StatusReportType.Local})

    def _status(self, event: Mapping[str, Any]) -> None:
        if event["event"] == Event.Status and event["type"] == StatusReportType.Local:
            self.tamper.report(bool(event["report"][0]))

    def _presented(self, arrival: _Arrival, read: Read) -> None:
        if arrival.event["event"] == Event.CardRead:
            self._read(parse_card_event(arrival.event, self._numbers), arrival, read)
            return
        for key in bytes(arrival.event["data"]):
            if (typed := self._keypad.press(chr(key), arrival.at_ns / 1e9)) is not None:
                self._read(parse_typed(typed), arrival, read)

    def _read(self, found: Reading | Unreadable | None, arrival: _Arrival, read: Read) -> None:
        if found is not None:
            read(replace(found, read_ns=arrival.at_ns, answer=self._show))

    def _show(self, result: ReadingResult) -> None:
        """Green and one tone, or red and three; amber and one tone while more is to be shown."""
        is_welcome = result.granted or result.reason in _ASKS_FOR_MORE
        colour = CommandLEDColor.Red
        if is_welcome:
            colour = CommandLEDColor.Green if result.granted else CommandLEDColor.Amber
        light = {"command": Command.LED, "reader": 0, "led_number": 0, "control_code": 2, "temporary": True}
        light |= {"on_color": colour, "off_color": CommandLEDColor.Black}
        light |= {"on_count": 10, "off_count": 0, "timer_count": 20}
        tone = {"command": Command.Buzzer, "reader": 0, "control_code": 2, "on_count": 1, "off_count": 1}
        self._submit(light)
        self._submit(tone | {"rep_count": 1 if is_welcome else 3})

    def _submit(self, command: Mapping[str, Any]) -> None:
        """Give a command to the reader, unless it cannot carry it out: to libosdp a refused command is a lost line."""
        kind = command["command"]
        if _CODES[kind] in self._watch.refused:
            return
        capability = _CAPABILITIES.get(kind)
        if capability is None or all(self._panel.check_capability(self._address, capability)):
            self._panel.submit_command(self._address, dict(command))


def open_osdp_reader(options: OsdpOptions) -> OsdpReader | None:
    """Return the reader, None where the options name no device and key.

    Raises:
        ReaderError: the key cannot be used.
    """
    if options.device is None or options.key_file is None:
        return None
    channel = SerialChannel(options.device, options.speed)
    return OsdpReader(channel, read_key(options.key_file), address=options.address, numbers=options.numbers)
