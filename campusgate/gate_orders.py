"""One order to one gate from the command line: hear how the gate is, sign, send, wait for the signed answer."""

import fcntl
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bus import BrokerAddress, Connection, NotConnectedError, random_client_id
from errors import OperatorError
from messages import Action, CommandEffect, GateTopics, Method, NotSent, Signer, TrustedKey
from messages.command_client import Answer, CommandClient, NotSentError
from messages.controller_watch import ControllerWatch

CONNECT_S = 5.0
STATE_S = 3.0
TTL_MS = 5000
LIFE_S = 10.0
"""An order that was typed longer ago is not signed any more: somebody may have given it up, or the terminal hung."""
_LOCK_POLL_S = 0.05


class GateUnknownError(OperatorError):
    """Nothing is known of the gate, so no order can be made for it."""


class WorkstationBusyError(OperatorError):
    """Another process of this workstation gives an order, and did not end in time."""


@dataclass(frozen=True, slots=True)
class OrderResult:
    """What became of an order."""

    accepted: bool
    reason: str
    """`done`, the code of the controller's refusal, or why there was none."""
    answered_in_ms: float | None = None

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait, as long as an order lives, until no other process of this workstation gives one.

    A user may have one connection at the broker, and a gate obeys no command with a lower nonce than it has seen: two
    orders at once would throw each other out, or overtake each other.

    Raises:
        WorkstationBusyError: another order was still on its way.
    """
    until = time.monotonic() + TTL_MS / 1000
    with (folder / "orders.lock").open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise WorkstationBusyError(
                        "another order of this workstation is still on its way; nothing was sent, try again"
                    ) from None
                time.sleep(_LOCK_POLL_S)
        yield


def send_order(
    address: BrokerAddress,
    topics: GateTopics,
    action: Action,
    signer: Signer,
    controllers: Mapping[str, TrustedKey],
    *,
    age_s: Callable[[], float],
) -> OrderResult:
    """Send one order and wait for the controller's signed answer, no longer than the order lives.

    `age_s` tells how long ago it was typed; it is asked last thing before the order is signed.

    Raises:
        BusError: no broker, or it refuses us.
        GateUnknownError: the gate has never said how it is.
    """
    bus = Connection(address, random_client_id("staff"))
    bus.start()
    try:
        bus.wait_connected(CONNECT_S)
        watch = ControllerWatch(bus, topics)
        watch.listen()
        client = CommandClient(
            bus,
            topics.site,
            signer,
            controllers,
            lambda _gate: watch.view,
            now=lambda: datetime.now(UTC),
            monotonic_s=time.monotonic,
            answer_wait_s=TTL_MS / 1000,
        )
        client.listen(topics.gate)
        if not watch.wait_known(STATE_S):
            raise GateUnknownError(
                f"gate {topics.gate} of site {topics.site} has never said how it is; is its controller running?"
            )
        return _send(client, topics.gate, action, age_s)
    finally:
        bus.stop()


def _send(client: CommandClient, gate: str, action: Action, age_s: Callable[[], float]) -> OrderResult:
    answered: Future[Answer] = Future()
    try:
        command_id = client.send(
            gate,
            action,
            method=Method.STAFF,
            reason=Method.STAFF.value,
            ttl_ms=lambda: TTL_MS if age_s() <= LIFE_S else 0,
            on_answer=answered.set_result,
        )
    except NotSentError as error:
        if error.reason is NotSent.NO_BROKER:
            raise NotConnectedError(str(error)) from error
        is_late = error.effect is CommandEffect.EXPIRED
        return OrderResult(accepted=False, reason=error.effect.value if is_late else error.reason.value)
    wait([answered], TTL_MS / 1000)
    client.give_up([command_id])
    answer = answered.result()
    if answer.effect is CommandEffect.NO_ANSWER:
        return OrderResult(accepted=False, reason=answer.code)
    return OrderResult(
        answer.effect is CommandEffect.DONE, answer.code, answered_in_ms=(answer.answered_s - answer.sent_s) * 1000
    )
