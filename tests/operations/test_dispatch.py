"""Commands of staff on their way to many gates."""

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from database import new_id
from gate_controller.messages import (
    Action,
    Availability,
    Channel,
    Command,
    DoorState,
    NonceStore,
    Presence,
    SignedMessage,
    Signer,
    every_gate,
)
from operations.board import Board
from operations.dispatch import Dispatcher, Effect

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
GATES = [f"gate-{number}" for number in range(20)]


def board_of(gates: list[str]) -> Board:
    board = Board()
    for gate in gates:
        boot = new_id()
        online = Availability(gate=gate, status=Presence.ONLINE, boot_id=boot)
        board.availability(online, source="controller", heard_at=NOW)
        door = DoorState(
            gate=gate, boot_id=boot, sequence=1, at=NOW, state="locked", unlocked=False, door_open=False, mode="normal"
        )
        board.door(door, heard_at=NOW)
    return board


def test_orders_given_at_once_reach_every_gate_in_the_order_of_their_nonces(broker, connect, tmp_path) -> None:
    heard: dict[str, list[int]] = defaultdict(list)
    everything = threading.Event()
    orders = 6

    def on_command(_topic: str, payload: bytes, _retained: bool) -> None:
        command = Command.decode(SignedMessage.decode(payload).body.encode())
        heard[command.gate].append(command.nonce)
        if sum(map(len, heard.values())) == orders * len(GATES):
            everything.set()

    connect(broker, "gates").subscribe(every_gate("main", Channel.COMMAND), on_command)
    signer = Signer(Ed25519PrivateKey.generate(), "staff", NonceStore(tmp_path / "nonces.db"))
    dispatcher = Dispatcher(connect(broker, "orders"), "main", signer, {}, board_of(GATES), answer_wait_s=0)
    with ThreadPoolExecutor(orders) as staff:
        results = list(staff.map(lambda _: dispatcher.send(GATES, Action.OPEN), range(orders)))
    assert everything.wait(10)
    assert {one.effect for result in results for one in result} == {Effect.NO_ANSWER}
    # A gate refuses a nonce below one it has seen: an order that was overtaken would be lost there.
    assert {gate: sorted(nonces) for gate, nonces in heard.items()} == heard
