"""Commands of staff on their way to many gates."""

import queue
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from database import new_id
from messages import (
    Action,
    Availability,
    Command,
    CommandEffect,
    DoorState,
    NonceStore,
    ProcessStatus,
    SignedMessage,
    Signer,
    Topic,
    every_gate,
)
from operations import dispatch
from operations.board import Board
from operations.dispatch import ANSWER_WAIT_S, Dispatcher

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
GATES = [f"gate-{number}" for number in range(20)]


def board_of(gates: list[str]) -> Board:
    board = Board()
    for gate in gates:
        boot = new_id()
        online = Availability(gate=gate, status=ProcessStatus.ONLINE, boot_id=boot)
        board.availability(online, source="controller", heard_at=NOW)
        door = DoorState(
            gate=gate, boot_id=boot, sequence=1, at=NOW, state="locked", unlocked=False, door_open=False, mode="normal"
        )
        board.door(door, heard_at=NOW)
    return board


@pytest.mark.parametrize(("left_s", "lives_ms"), [(None, 3000), (60.0, 3000), (1.5, 1500), (0.05, None), (0.0, None)])
def test_no_command_outlives_the_wish_for_it(broker, connect, tmp_path, left_s, lives_ms) -> None:
    heard: queue.Queue[int] = queue.Queue()

    def on_command(_topic: str, payload: bytes, _retained: bool) -> None:
        heard.put(Command.decode(SignedMessage.decode(payload).body.encode()).ttl_ms)

    connect(broker, "gates").subscribe(every_gate("main", Topic.COMMAND), on_command)
    signer = Signer(Ed25519PrivateKey.generate(), "staff", NonceStore(tmp_path / "nonces.db"))
    dispatcher = Dispatcher(connect(broker, "orders"), "main", signer, {}, board_of(["north"]), answer_wait_s=0)
    [result] = dispatcher.send(["north"], Action.OPEN, None if left_s is None else lambda: left_s)
    dispatcher.send(["north"], Action.LOCK)
    assert result.effect is (CommandEffect.EXPIRED if lives_ms is None else CommandEffect.NO_ANSWER)
    # The last is of the command to lock, before which one that had to be sent has come.
    expected = [3000] if lives_ms is None else [lives_ms, 3000]
    assert [heard.get(timeout=10) for _ in expected] == expected


def test_a_gate_that_did_not_answer_moves_no_more() -> None:
    """As long as staff wait for the answer, so long does a command live: told of none, they can rely on it."""
    assert dispatch._TTL_MS == ANSWER_WAIT_S * 1000


def test_orders_given_at_once_reach_every_gate_in_the_order_of_their_nonces(broker, connect, tmp_path) -> None:
    heard: dict[str, list[int]] = defaultdict(list)
    everything = threading.Event()
    orders = 6

    def on_command(_topic: str, payload: bytes, _retained: bool) -> None:
        command = Command.decode(SignedMessage.decode(payload).body.encode())
        heard[command.gate].append(command.nonce)
        if sum(map(len, heard.values())) == orders * len(GATES):
            everything.set()

    connect(broker, "gates").subscribe(every_gate("main", Topic.COMMAND), on_command)
    signer = Signer(Ed25519PrivateKey.generate(), "staff", NonceStore(tmp_path / "nonces.db"))
    dispatcher = Dispatcher(connect(broker, "orders"), "main", signer, {}, board_of(GATES), answer_wait_s=0)
    with ThreadPoolExecutor(orders) as staff:
        results = list(staff.map(lambda _: dispatcher.send(GATES, Action.OPEN), range(orders)))
    assert everything.wait(10)
    assert {one.effect for result in results for one in result} == {CommandEffect.NO_ANSWER}
    # A gate refuses a nonce below one it has seen: an order that was overtaken would be lost there.
    assert {gate: sorted(nonces) for gate, nonces in heard.items()} == heard
