"""What `campusgate gate` does: one order over a real broker, and the controller's own word on what became of it."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus import BrokerAddress
from campusgate import gate_orders
from campusgate.gate_orders import GateUnknownError, OrderResult, WorkstationBusyError, one_at_a_time, send_order
from messages import Action, DoorStatus, NonceStore, Signer
from tests.gate_controller.conftest import CONTROLLERS, STAFF_KEY, TOPICS


@pytest.fixture
def ask(broker, tmp_path: Path) -> Iterator[Callable[..., OrderResult]]:
    nonces = NonceStore(tmp_path / "workstation.db")

    def order(action: Action, key: Ed25519PrivateKey = STAFF_KEY, typed_ago_s: float = 0.0) -> OrderResult:
        signer = Signer(key, "operations", nonces)
        address = BrokerAddress(port=broker.port)
        return send_order(address, TOPICS, action, signer, CONTROLLERS, age_s=lambda: typed_ago_s)

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
    assert ask(Action.OPEN) == OrderResult(accepted=False, reason="controller_offline")
    gate.controller = None


def test_an_order_that_was_typed_too_long_ago_is_not_sent(gate, operator, ask) -> None:
    """The broker did not answer for a while, the terminal hung, or the computer slept."""
    assert ask(Action.HOLD, typed_ago_s=gate_orders.LIFE_S + 0.1) == OrderResult(accepted=False, reason="expired")
    assert ask(Action.HOLD).accepted
    assert gate.relay.history == [True]


def test_a_command_that_was_stopped_is_as_old_as_when_it_was_typed() -> None:
    command = "from campusgate.processes.process_age import read_process_age_s; input(); print(read_process_age_s())"
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        process.send_signal(signal.SIGCONT)
        age_s = float(process.communicate("\n")[0])
    # The system counts in hundredths of a second.
    assert 0.45 < age_s < time.monotonic() - began + 0.05


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
