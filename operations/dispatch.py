"""Staff commands on their way: one action to many gates at once, and what became of it at each."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from bus.port import Bus
from messages import Action, CommandEffect, Method, Signer, TrustedKey
from messages.command_client import Answer, CommandClient, NotSentError
from messages.controller_watch import ControllerView
from operations.board import Board

ANSWER_WAIT_S = 3.0
"""As long as a command lives: when staff are told that a gate did not answer, it will not move later either."""
_TTL_MS = round(ANSWER_WAIT_S * 1000)


@dataclass(frozen=True, slots=True)
class GateResult:
    """The effect at one gate; `detail` is the refusal's code or what was missing."""

    gate: str
    effect: CommandEffect
    detail: str | None = None
    command: UUID | None = None
    """What was sent; the gate's events name it."""


@dataclass(frozen=True, slots=True)
class _Sent:
    gate: str
    command_id: UUID
    answer: "Future[Answer]"


class Dispatcher:
    """Sends staff commands to any gate of the site and waits for the signed answers. Safe for threads."""

    def __init__(
        self,
        bus: Bus,
        site: str,
        signer: Signer,
        controllers: Mapping[str, TrustedKey],
        board: Board,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        answer_wait_s: float = ANSWER_WAIT_S,
        turn: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Subscribe to the acknowledgements of every gate.

        `bus` is best a connection of its own, so that answers never wait behind events; `controllers` are the keys that
        acknowledgements must carry, by sender. `turn` is held while commands are signed and sent: other servers that
        sign in the same name wait for it.
        """
        self._board = board
        self._turn = turn
        self._answer_wait_s = answer_wait_s
        self._sending = threading.Lock()
        """Two orders reach every gate in the same order, so that all of them end as the later one says."""
        self._client = CommandClient(
            bus,
            site,
            signer,
            controllers,
            self._controller_of,
            now=now,
            monotonic_s=time.monotonic,
            answer_wait_s=answer_wait_s,
        )
        self._client.listen()

    def send(
        self,
        gates: Iterable[str],
        action: Action,
        left_s: Callable[[], float] | None = None,
        *,
        extended: bool = False,
    ) -> list[GateResult]:
        """Send `action` to all `gates` at once, and return the effect at each, in the same order.

        `left_s` tells for how many seconds it is still wanted: it is asked last thing before each command is signed,
        and no command outlives it. None: it is wanted now, whatever it waited for.
        """
        with self._sending, self._turn():
            sent = [self._send(gate, action, left_s, extended=extended) for gate in dict.fromkeys(gates)]
        waiting = [one for one in sent if isinstance(one, _Sent)]
        wait([one.answer for one in waiting], self._answer_wait_s)
        self._client.give_up(one.command_id for one in waiting)
        return [_result(one.gate, one.answer.result()) if isinstance(one, _Sent) else one for one in sent]

    def _send(
        self, gate: str, action: Action, left_s: Callable[[], float] | None, *, extended: bool
    ) -> _Sent | GateResult:
        """Return the command that was sent to a gate, or why there was none."""
        answer: Future[Answer] = Future()
        try:
            command_id = self._client.send(
                gate,
                action,
                method=Method.STAFF,
                reason=Method.STAFF.value,
                ttl_ms=lambda: _TTL_MS if left_s is None else min(_TTL_MS, int(left_s() * 1000)),
                on_answer=answer.set_result,
                extended=extended,
            )
        except NotSentError as error:
            return GateResult(gate, error.effect, None if error.effect is CommandEffect.EXPIRED else str(error))
        return _Sent(gate, command_id, answer)

    def _controller_of(self, gate: str) -> ControllerView:
        view = self._board.view(gate)
        if view is None:
            return ControllerView()
        return ControllerView(None if view.door is None else view.door.boot_id, view.controller)


def _result(gate: str, answer: Answer) -> GateResult:
    return GateResult(gate, answer.effect, None if answer.refusal is None else str(answer.refusal), answer.command_id)
