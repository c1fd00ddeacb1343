"""The CRT-571 card dispenser on its serial line (9600 bits/s, eight bits, no parity, one stop bit).

A command that moves a card is never sent twice on a guess: out of the gate without a card inside means one from the
stacker, which nobody has booked. It is repeated only where the dispenser says that it did not understand it, or that it
was not started. Where no answer comes, whoever asked looks at the state.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from card_dispensing.contract import Fault, Stacker
from card_dispensing.dispenser import DispenserError, DispenserState, Position
from card_dispensing.frames import (
    Answer,
    BinLevel,
    CardPlace,
    Command,
    Control,
    Damaged,
    Done,
    ErrorCode,
    Frame,
    FrameError,
    FrameReader,
    Refused,
    StackerLevel,
    Status,
    build_command,
    read_answer,
    read_card_uid,
)

log = structlog.get_logger()

_CARD_KINDS: Final = b"\x41\x42"
"""Type A is tried before type B."""
_FAULTS: Final = {
    ErrorCode.JAM: Fault.JAM,
    ErrorCode.MOVED_BY_HAND: Fault.MOVED_BY_HAND,
    ErrorCode.MOVED_BY_HAND_BEFORE: Fault.MOVED_BY_HAND,
    ErrorCode.MOVED_WHILE_RECYCLING: Fault.MOVED_BY_HAND,
    ErrorCode.STACKER_EMPTY: Fault.NO_CARDS,
    ErrorCode.BIN_COUNTER_FULL: Fault.BIN_FULL,
    ErrorCode.CARD_NOT_ACTIVATED: Fault.UNREADABLE,
}
_POSITIONS: Final = {
    CardPlace.NONE: Position.NONE,
    CardPlace.GATE: Position.GATE,
    CardPlace.READER: Position.READER,
}
_STACKERS: Final = {
    StackerLevel.EMPTY: Stacker.EMPTY,
    StackerLevel.FEW: Stacker.FEW,
    StackerLevel.ENOUGH: Stacker.ENOUGH,
}


class Line(Protocol):
    """An open serial line."""

    def read(self, most: int, *, wait_s: float = 0.0) -> bytes:
        """Return what has arrived, nothing if nothing does within `wait_s`.

        Raises:
            OSError: the line is gone.
        """
        ...

    def write(self, data: bytes) -> int:
        """Write as much as fits; return how much.

        Raises:
            OSError: the line is gone.
        """
        ...


@dataclass(frozen=True, slots=True)
class Timing:
    """How long is waited, in seconds, and how often a frame that arrived damaged is sent, both ways."""

    received_s: float = 5.0
    """For the byte that says that a command has arrived."""
    moved_s: float = 20.0
    """For the answer: a card that slips is tried again by the dispenser itself."""
    gap_s: float = 3.0
    """Between two bytes of a frame; after it the frame counts as damaged."""
    sent_s: float = 2.0
    tries: int = 3


class Crt571:
    """A CRT-571 at one end of a line."""

    def __init__(
        self,
        line: Line,
        *,
        address: int = 0,
        timing: Timing | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Speak over `line`; nothing is sent yet."""
        self._line = line
        self._address = address
        self._timing = timing or Timing()
        self._monotonic = monotonic
        self._frames = FrameReader()
        self._waiting: list[Control | Frame | Damaged] = []

    def start(self) -> None:
        """Make it ready; a card that is inside stays where it is, and none is taken in at the gate."""
        self._do(Command.START_AND_LEAVE, is_repeatable=True)
        self._do(Command.FORBID_ENTRY, is_repeatable=True)

    def read_state(self) -> DispenserState:
        """Return how it is now."""
        return _read_state(self._do(Command.STATUS, is_repeatable=True).status)

    def look(self) -> DispenserState | None:
        """Return how it is without starting it; None where it has not been started since it has power."""
        answer = self._ask(Command.STATUS, b"", is_repeatable=True)
        if isinstance(answer, Done):
            return _read_state(answer.status)
        if answer.known is ErrorCode.NOT_STARTED:
            return None
        raise _make_error(Command.STATUS, answer)

    def take_card(self) -> None:
        """Move a card from the stacker to the reader."""
        answer = self._do(Command.TO_RF_READER)
        if answer.status.place is not CardPlace.READER:
            raise DispenserError(Fault.CARD_MISSING, "none at the reader after the move")

    def read_uid(self) -> str:
        """Return the UID of the card at the reader, in upper-case hexadecimal."""
        answer = self._do(Command.ACTIVATE_RF, _CARD_KINDS, is_repeatable=True)
        try:
            return read_card_uid(answer.data)
        except FrameError as error:
            raise DispenserError(Fault.UNREADABLE, str(error)) from error

    def hand_out(self) -> None:
        """Move the card that is inside out of the gate; never one from the stacker."""
        self._require_card()
        self._do(Command.OUT_OF_GATE)

    def discard(self) -> None:
        """Move the card that is inside into the bin; never one from the stacker."""
        self._require_card()
        self._do(Command.TO_BIN)

    def _require_card(self) -> None:
        if self.read_state().position is Position.NONE:
            raise DispenserError(Fault.CARD_MISSING, "none inside before the move")

    def _do(self, command: Command, data: bytes = b"", *, is_repeatable: bool = False) -> Done:
        answer = self._ask(command, data, is_repeatable=is_repeatable)
        if not isinstance(answer, Done) and answer.known is ErrorCode.NOT_STARTED and command is not _START:
            log.info("dispenser_started_anew", command=command.name)
            self._do(_START, is_repeatable=True)
            if command in _NEEDS_A_CARD:
                self._require_card()  # It may have been taken meanwhile, and the command would draw another one.
            answer = self._ask(command, data, is_repeatable=is_repeatable)
        if isinstance(answer, Done):
            return answer
        raise _make_error(command, answer)

    def _ask(self, command: Command, data: bytes, *, is_repeatable: bool) -> Answer:
        try:
            for left in reversed(range(self._timing.tries)):
                answer, was_understood = self._exchange(command, data)
                if answer is not None:
                    return answer
                if not left or (was_understood is not False and not is_repeatable):
                    break
        except OSError as error:
            raise DispenserError(Fault.NO_ANSWER, f"the line is gone: {error.strerror or error}") from error
        raise DispenserError(Fault.NO_ANSWER, f"no answer to {command.name}")

    def _exchange(self, command: Command, data: bytes) -> tuple[Answer | None, bool | None]:
        """Send a command once; return its answer, and whether it was understood (None: not known)."""
        self._drop_what_waits()
        self._send(build_command(self._address, command, data))
        received = self._next_control(self._timing.received_s)
        if received is not Control.ACK:
            self._send(bytes([Control.EOT]))
            return None, False if received is Control.NAK else None
        ends = self._monotonic() + self._timing.moved_s
        damaged = 0
        while (found := self._next(ends)) is not None:
            if found is Control.EOT:
                return None, True
            if isinstance(found, Control):
                continue
            answer = None if found is Damaged.FRAME else self._read(found)
            if answer is not None and answer.command == command.value:
                self._send(bytes([Control.ACK]))
                return answer, True
            if answer is None:
                damaged += 1
                if damaged >= self._timing.tries:
                    break
                self._send(bytes([Control.NAK]))
        self._send(bytes([Control.EOT]))
        return None, True

    def _read(self, frame: Frame) -> Answer | None:
        if frame.address != self._address:
            return None
        try:
            return read_answer(frame.text)
        except FrameError as error:
            log.warning("dispenser_not_understood", why=str(error))
            return None

    def _next_control(self, wait_s: float) -> Control | None:
        ends = self._monotonic() + wait_s
        while (found := self._next(ends)) is not None:
            if isinstance(found, Control):
                return found
        return None

    def _next(self, ends: float) -> Control | Frame | Damaged | None:
        """Return what comes next, or None if nothing does until `ends`."""
        while not self._waiting:
            left_s = ends - self._monotonic()
            if left_s <= 0:
                return None
            came = self._line.read(256, wait_s=min(left_s, self._timing.gap_s) if self._frames.is_amid else left_s)
            if not came and self._frames.is_amid:
                self._frames.clear()
                return Damaged.FRAME
            self._waiting += self._frames.feed(came)
        return self._waiting.pop(0)

    def _drop_what_waits(self) -> None:
        """Forget answers to what was given up."""
        while self._line.read(256):
            pass
        self._frames.clear()
        self._waiting.clear()

    def _send(self, data: bytes) -> None:
        ends = self._monotonic() + self._timing.sent_s
        while data:
            data = data[self._line.write(data) :]
            if data and self._monotonic() > ends:
                raise OSError("the line takes nothing")


def _read_state(status: Status) -> DispenserState:
    return DispenserState(_POSITIONS[status.place], _STACKERS[status.stacker], status.bin is BinLevel.FULL)


def _make_error(command: Command, answer: Refused) -> DispenserError:
    fault = Fault.DEFECT if answer.known is None else _FAULTS.get(answer.known, Fault.DEFECT)
    return DispenserError(fault, f"{command.name}: error {answer.code}")


_START: Final = Command.START_AND_LEAVE
_NEEDS_A_CARD: Final = frozenset({Command.OUT_OF_GATE, Command.TO_BIN})
"""Without one inside they draw one from the stacker."""
