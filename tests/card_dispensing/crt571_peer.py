"""A CRT-571 at the other end of a pseudo-terminal, in a process of its own, written from the wire alone.

It holds cards, moves them, and can jam, be empty, have a full bin, say nothing, damage what it sends, lose an answer,
have a card pulled out of it, and lose its power.
"""

import os
import pty
import select
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests import forked
from tests.waiting import PATIENCE_S

UIDS = tuple(f"04D15BE5E0{number:04X}" for number in range(1, 65))
GIVEN_UP = b"\x04"
MOVES = {b"22": "take", b"23": "bin", b"29": "out", b"20": "hold"}


@dataclass
class Machine:
    """What is inside, and what is wrong with it."""

    cards: list[str] = field(default_factory=lambda: list(UIDS))
    inside: str | None = None
    at_gate: bool = False
    out: list[str] = field(default_factory=list)
    bin: list[str] = field(default_factory=list)
    bin_full: bool = False
    started: bool = False
    silent: bool = False
    unreadable: bool = False
    complain: str = ""
    """The error that it answers each command with."""
    jam: str = ""
    """The move at which it jams, each time."""
    lose: str = ""
    """The move that it does without an answer, once."""
    quits: str = ""
    """The move that it does and then says it gave up, once."""
    pull: str = ""
    """The move in which somebody pulls the card out, once: it says so."""
    flip: int = 0
    """How many answers it damages."""
    refuse: int = 0
    """How many commands it takes for damaged."""
    chop: bool = False
    """It sends byte by byte."""
    spoil: str = ""
    """The move whose answer it damages however often it sends it, once."""
    hold: str = ""
    """The move, or `read`, at which it stands still: it says that the command has arrived, and nothing more."""
    held: int = 0
    """How often it stood still."""
    moves: list[str] = field(default_factory=list)

    def status(self) -> bytes:
        place = b"0" if self.inside is None else b"1" if self.at_gate else b"2"
        level = b"0" if not self.cards else b"1" if len(self.cards) < 5 else b"2"
        return place + level + (b"1" if self.bin_full else b"0")

    def answer(self, command: bytes, data: bytes) -> bytes:  # noqa: PLR0911
        """The text of the answer; empty for none."""
        if command[:1] == b"0":
            self.started = True
            if command == b"01" and self.inside:
                self._bin()
            return b"P" + command + self.status()
        if self.complain:
            return b"N" + command + self.complain.encode()
        if not self.started:
            return b"N" + command + b"B0"
        if self.hold and self.hold == ("read" if command == b"`0" else MOVES.get(command)):
            self.held += 1
            return b""
        if command in (b"10", b"30", b"31"):
            return b"P" + command + self.status()
        if command == b"`0":
            if data != b"AB":
                return b"N" + command + b"04"
            if self.inside is None or self.at_gate or self.unreadable:
                return b"N" + command + b"61"
            uid = bytes.fromhex(self.inside)
            return b"P" + command + self.status() + b"M\x44\x00" + bytes([len(uid)]) + uid + b"\x00"
        if (move := MOVES.get(command)) is None:
            return b"N" + command + b"00"
        return self._move(move, command)

    def _move(self, move: str, command: bytes) -> bytes:
        self.moves.append(move)
        if self.inside is None:
            if not self.cards:
                return b"N" + command + b"A0"
            # As the real one does: from the stacker, whatever the move is.
            self.inside = self.cards.pop(0)
            self.at_gate = False
        if self.jam == move:
            return b"N" + command + b"10"
        if self.pull == move:
            self.pull = ""
            self.out.append(self.inside)
            self.inside = None
            return b"N" + command + b"16"
        if move == "take":
            self.at_gate = False
        elif move == "hold":
            self.at_gate = True
        elif move == "out":
            self.out.append(self.inside)
            self.inside = None
        else:
            self._bin()
        if self.spoil == move:
            self.spoil, self.flip = "", 3
        if self.quits == move:
            self.quits = ""
            return GIVEN_UP
        if self.lose == move:
            self.lose = ""
            return b""
        return b"P" + command + self.status()

    def _bin(self) -> None:
        assert self.inside is not None
        self.bin.append(self.inside)
        self.inside = None


def main(pipe: Connection) -> None:
    """Say where the pseudo-terminal is, then be the dispenser until the pipe is closed."""
    ours, theirs = pty.openpty()  # theirs stays open: the line outlives whoever speaks over it
    tty.setraw(theirs)
    machine, heard, last = Machine(), bytearray(), b""
    pipe.send(os.ttyname(theirs))
    while True:
        readable, _, _ = select.select([ours, pipe], [], [])
        if pipe in readable:
            try:
                order = pipe.recv()
            except EOFError:
                return
            for name, value in order.items():
                setattr(machine, name, value)
            pipe.send(machine)
        if ours in readable:
            heard += os.read(ours, 4096)
            while heard and not machine.silent:
                if heard[0] == 0x15:  # send it again
                    del heard[0]
                    _send(ours, machine, last)
                elif heard[0] != 0xF2:
                    del heard[0]
                elif len(heard) < 4 or len(heard) < 6 + int.from_bytes(heard[2:4], "big"):
                    break
                else:
                    length = 6 + int.from_bytes(heard[2:4], "big")
                    frame, heard = bytes(heard[:length]), heard[length:]
                    last = _obey(ours, machine, frame) or last
            if machine.silent:
                heard.clear()


def _obey(line: int, machine: Machine, frame: bytes) -> bytes:
    check = 0
    for byte in frame[:-1]:
        check ^= byte
    if check != frame[-1] or frame[-2] != 3 or frame[4] != 0x43 or machine.refuse:
        machine.refuse = max(0, machine.refuse - 1)
        os.write(line, b"\x15")
        return b""
    os.write(line, b"\x06")
    text = machine.answer(frame[5:7], frame[7:-2])
    if text == GIVEN_UP:
        os.write(line, text)
    if text in (b"", GIVEN_UP):
        return b""
    answer = b"\xf2" + frame[1:2] + len(text).to_bytes(2, "big") + text + b"\x03"
    check = 0
    for byte in answer:
        check ^= byte
    answer += bytes([check])
    _send(line, machine, answer)
    return answer


def _send(line: int, machine: Machine, answer: bytes) -> None:
    if machine.flip:
        machine.flip -= 1
        answer = answer[:6] + bytes([answer[6] ^ 0x40]) + answer[7:]
    if machine.chop:
        for byte in answer:
            os.write(line, bytes([byte]))
    else:
        os.write(line, answer)


@dataclass
class Peer:
    """Our end of it."""

    path: Path
    _pipe: Connection

    def set(self, **order: Any) -> Machine:
        """Change the machine, and look at it."""
        self._pipe.send(order)
        assert self._pipe.poll(PATIENCE_S), "the peer says nothing"
        machine: Machine = self._pipe.recv()
        return machine

    @property
    def machine(self) -> Machine:
        return self.set()


@contextmanager
def running_peer() -> Iterator[Peer]:
    """Start it in a process of its own."""
    with forked.running(main) as (_, pipe):
        assert pipe.poll(PATIENCE_S), "the peer did not start"
        yield Peer(Path(pipe.recv()), pipe)
