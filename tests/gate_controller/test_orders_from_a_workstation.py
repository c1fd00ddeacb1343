"""What `campusgate gate` does: one order over a real broker, and the controller's own word on what became of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus import BrokerAddress
from campusgate import gate_orders
from campusgate.gate_orders import GateUnknownError, Order, WorkstationBusyError, ask_gate, one_at_a_time
from gate_controller.messages import Action, DoorStatus, NonceStore, Signer
from tests.gate_controller.conftest import CONTROLLERS, STAFF_KEY, TOPICS


@pytest.fixture
def ask(broker, tmp_path: Path) -> Iterator[Callable[..., Order]]:
    nonces = NonceStore(tmp_path / "workstation.db")

    def order(action: Action, key: Ed25519PrivateKey = STAFF_KEY) -> Order:
        return ask_gate(BrokerAddress(port=broker.port), TOPICS, action, Signer(key, "operations", nonces), CONTROLLERS)

    yield order
    nonces.close()


def test_an_order_is_done_when_the_controller_says_so(gate, operator, ask) -> None:
    held = ask(Action.HOLD)
    assert (held.accepted, held.reason) == (True, "done")
    operator.state(DoorStatus.HELD_OPEN)
    assert ask(Action.RELEASE).accepted
    operator.state(DoorStatus.LOCKED)


def test_an_order_under_a_key_that_is_not_trusted_is_refused(gate, ask) -> None:
    refused = ask(Action.HOLD, Ed25519PrivateKey.generate())
    assert (refused.accepted, refused.reason) == (False, "bad_signature")
    assert not gate.relay.energised


def test_nothing_is_sent_to_a_controller_that_is_away(gate, operator, ask) -> None:
    gate.controller.stop()
    operator.until(lambda: operator.availability[-1][0].status != "online")
    assert ask(Action.OPEN) == Order(accepted=False, reason="controller_offline")
    gate.controller = None


def test_a_gate_that_never_spoke_is_named(broker, ask, monkeypatch) -> None:
    monkeypatch.setattr(gate_orders, "STATE_S", 0.1)
    with pytest.raises(GateUnknownError, match="gate north of site"):
        ask(Action.OPEN)


def test_orders_of_one_workstation_take_turns(tmp_path: Path, monkeypatch) -> None:
    """A user has one connection at the broker we ship: two at once would throw each other out."""
    with one_at_a_time(tmp_path):
        monkeypatch.setattr(gate_orders, "TTL_MS", 100)
        with pytest.raises(WorkstationBusyError, match="try again"), one_at_a_time(tmp_path):
            pytest.fail("two orders at once")
    with one_at_a_time(tmp_path):
        pass
