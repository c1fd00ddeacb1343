"""The client of the signed-command protocol, with a bus in memory and clocks in the test's hands."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from messages import (
    Ack,
    Action,
    CommandEffect,
    GateTopics,
    Method,
    NonceStore,
    NotSent,
    ProcessStatus,
    Refusal,
    Signer,
    TrustedKey,
    Verifier,
    controller_sender,
)
from messages.command_client import LEAST_TTL_MS, Answer, CommandClient, NotSentError
from messages.controller_watch import ControllerView
from tests.messages.memory_bus import MemoryBus

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
NORTH, SOUTH = GateTopics("main", "north"), GateTopics("main", "south")
BOOT = uuid4()
KEYS = {gate: Ed25519PrivateKey.generate() for gate in ("north", "south")}
ASKER = Ed25519PrivateKey.generate()
TRUSTED = {controller_sender(gate): TrustedKey(key.public_key()) for gate, key in KEYS.items()}
TRUSTED["edge:north"] = TrustedKey(ASKER.public_key())
WAIT_S = 3.0


@dataclass
class Bench:
    """A client, the controllers it knows of, and what it was answered."""

    folder: Path
    bus: MemoryBus = field(default_factory=MemoryBus)
    now: datetime = NOW
    seconds: float = 1000.0
    controllers: dict[str, ControllerView] = field(
        default_factory=lambda: {gate: ControllerView(BOOT, ProcessStatus.ONLINE) for gate in KEYS}
    )
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.nonces = NonceStore(self.folder / "asker.db")
        self.client = CommandClient(
            self.bus,
            "main",
            Signer(ASKER, "edge:north", self.nonces),
            TRUSTED,
            lambda gate: self.controllers.get(gate, ControllerView()),
            now=lambda: self.now,
            monotonic_s=lambda: self.seconds,
            answer_wait_s=WAIT_S,
        )
        self.client.listen()

    def send(self, gate: str = "north", *, ttl_ms: Callable[[], int] = lambda: 3000, action=Action.OPEN) -> UUID:
        return self.client.send(
            gate, action, method=Method.STAFF, reason="staff", ttl_ms=ttl_ms, on_answer=self.answers.append
        )

    def ack(
        self,
        command_id: UUID | None,
        topics: GateTopics = NORTH,
        *,
        key: Ed25519PrivateKey | None = None,
        sender: str | None = None,
        retained: bool = False,
        **changes,
    ) -> None:
        fields = {"gate": topics.gate, "accepted": True, "boot_id": BOOT, "at": self.now}
        ack = Ack(command_id=command_id, **{**fields, **changes})
        signer = Signer(key or KEYS[topics.gate], sender or controller_sender(topics.gate), self.nonces)
        self.bus.say(topics.ack, signer.sign(ack), retained=retained)

    @property
    def effects(self) -> list[CommandEffect]:
        return [answer.effect for answer in self.answers]


@pytest.fixture
def bench(tmp_path: Path):
    bench = Bench(tmp_path)
    yield bench
    bench.nonces.close()


def test_a_command_is_signed_for_the_boot_and_answered_once(bench: Bench, tmp_path: Path) -> None:
    command_id = bench.send()
    [(topic, payload)] = bench.bus.published
    nonces = NonceStore(tmp_path / "controller.db")
    verifier = Verifier({"edge:north": TrustedKey(ASKER.public_key())}, gate="north", boot_id=BOOT, nonces=nonces)
    command = verifier.verify(payload, retained=False, now=NOW)
    nonces.close()
    assert (topic, command.id, command.issued_at, command.ttl_ms) == (NORTH.command, command_id, NOW, 3000)

    bench.seconds += 0.25
    bench.ack(command_id)
    bench.ack(command_id)
    [answer] = bench.answers
    assert (answer.command_id, answer.effect, answer.code) == (command_id, CommandEffect.DONE, "done")
    assert answer.answered_s - answer.sent_s == 0.25
    bench.seconds += 100
    bench.client.expire()
    bench.client.give_up([command_id])
    assert len(bench.answers) == 1


@pytest.mark.parametrize("refusal", [Refusal.STALE, "a_code_of_tomorrow"])
def test_a_refusal_keeps_its_code(bench: Bench, refusal: str) -> None:
    bench.ack(bench.send(), accepted=False, refusal=refusal)
    [answer] = bench.answers
    assert (answer.effect, answer.code) == (CommandEffect.REFUSED, str(refusal))


def test_answers_out_of_order_find_their_commands(bench: Bench) -> None:
    first, second, south = bench.send(), bench.send(), bench.send("south")
    bench.ack(south, SOUTH, accepted=False, refusal=Refusal.DOOR_CLOSED)
    bench.ack(second)
    bench.ack(first)
    assert [answer.command_id for answer in bench.answers] == [south, second, first]
    assert bench.effects == [CommandEffect.REFUSED, CommandEffect.DONE, CommandEffect.DONE]
    assert [command.nonce for command in bench.bus.commands] == sorted(command.nonce for command in bench.bus.commands)


FOREIGN: dict[str, dict[str, object]] = {
    "another command": {"command_id": uuid4()},
    "no command": {"command_id": None},
    "kept by the broker": {"retained": True},
    "another boot": {"boot_id": uuid4()},
    "another gate": {"topics": SOUTH},
    "a wrong signature": {"key": Ed25519PrivateKey.generate()},
    "a stranger": {"sender": "controller:east"},
    "the controller of another gate": {"key": KEYS["south"], "sender": controller_sender("south")},
    "whoever asked": {"key": ASKER, "sender": "edge:north"},
}


@pytest.mark.parametrize("how", FOREIGN.values(), ids=FOREIGN)
def test_what_is_no_answer_ends_nothing_and_hides_no_answer(bench: Bench, how: dict[str, object]) -> None:
    command_id = bench.send()
    bench.ack(**{"command_id": command_id, **how})
    bench.bus.say(NORTH.ack, b"yes")
    unsigned = Ack(command_id=command_id, gate="north", accepted=True, boot_id=BOOT, at=NOW)
    bench.bus.say(NORTH.ack, unsigned.encode())
    assert bench.answers == []
    bench.ack(command_id, accepted=False, refusal=Refusal.DOOR_FAULT)
    assert bench.effects == [CommandEffect.REFUSED]


def test_a_late_answer_counts_no_more(bench: Bench) -> None:
    command_id = bench.send()
    bench.seconds += WAIT_S
    bench.client.expire()
    assert bench.answers == []
    bench.seconds += 0.001
    bench.ack(command_id)
    assert bench.answers == []
    bench.client.expire()
    [answer] = bench.answers
    assert (answer.effect, answer.code, answer.energised_s) == (CommandEffect.NO_ANSWER, "no_answer", None)
    bench.ack(command_id)
    assert len(bench.answers) == 1


def test_whoever_waits_no_longer_is_told_of_no_answer(bench: Bench) -> None:
    waited, other = bench.send(), bench.send()
    bench.client.give_up([waited, uuid4()])
    bench.ack(waited)
    bench.ack(other)
    assert [(one.command_id, one.effect) for one in bench.answers] == [
        (waited, CommandEffect.NO_ANSWER),
        (other, CommandEffect.DONE),
    ]


@pytest.mark.parametrize("jump", [timedelta(days=-3650), timedelta(days=3650)])
def test_a_jump_of_the_wall_clock_ends_no_wait(bench: Bench, jump: timedelta) -> None:
    command_id = bench.send()
    bench.now += jump
    bench.client.expire()
    assert bench.answers == []
    bench.ack(command_id)
    assert bench.effects == [CommandEffect.DONE]


def test_nonces_rise_while_the_wall_clock_falls(bench: Bench) -> None:
    bench.send()
    bench.now -= timedelta(days=1)
    bench.send()
    first, second = bench.bus.commands
    assert second.nonce > first.nonce
    assert second.issued_at < first.issued_at


@pytest.mark.parametrize("status", [ProcessStatus.OFFLINE, ProcessStatus.STOPPED])
def test_a_controller_that_is_away_is_not_asked(bench: Bench, status: ProcessStatus) -> None:
    bench.controllers["north"] = ControllerView(BOOT, status)
    with pytest.raises(NotSentError, match=f"the controller is {status.value}") as caught:
        bench.send()
    assert (caught.value.reason, caught.value.effect) == (NotSent.CONTROLLER_OFFLINE, CommandEffect.UNREACHABLE)
    assert bench.bus.published == []


def test_a_controller_that_never_spoke_is_not_asked(bench: Bench) -> None:
    with pytest.raises(NotSentError) as caught:
        bench.send("west")
    assert (caught.value.reason, caught.value.effect) == (NotSent.CONTROLLER_UNKNOWN, CommandEffect.UNREACHABLE)


def test_a_controller_of_which_only_the_boot_is_known_is_asked(bench: Bench) -> None:
    """In an emergency a guess is better than none."""
    bench.controllers["north"] = ControllerView(BOOT)
    bench.ack(bench.send())
    assert bench.effects == [CommandEffect.DONE]


@pytest.mark.parametrize("state", ["not connected", "lost while publishing"])
def test_without_a_broker_nothing_is_sent_and_nothing_follows(bench: Bench, state: str) -> None:
    bench.bus.connected, bench.bus.breaks = state != "not connected", state != "not connected"
    with pytest.raises(NotSentError) as caught:
        bench.send()
    assert (caught.value.reason, caught.value.effect) == (NotSent.NO_BROKER, CommandEffect.UNREACHABLE)
    bench.bus.connected, bench.bus.breaks = True, False
    bench.seconds += 100
    bench.client.expire()
    assert (bench.bus.published, bench.answers) == ([], [])


@pytest.mark.parametrize("left_ms", [0, -5000, LEAST_TTL_MS - 1])
def test_what_is_not_wanted_any_more_is_not_sent(bench: Bench, left_ms: int) -> None:
    with pytest.raises(NotSentError) as caught:
        bench.send(ttl_ms=lambda: left_ms)
    assert (caught.value.reason, caught.value.effect) == (NotSent.TOO_LATE, CommandEffect.EXPIRED)
    assert bench.bus.published == []


def test_the_life_is_asked_for_after_the_time_was_read(bench: Bench) -> None:
    """A process that stands still in between sends a command that the gate finds stale."""

    def stand_still() -> int:
        bench.now += timedelta(minutes=1)
        return 500

    bench.send(ttl_ms=stand_still)
    [command] = bench.bus.commands
    assert (command.issued_at, command.ttl_ms) == (NOW, 500)


def test_only_a_relay_on_this_machine_tells_when_it_was_energised(bench: Bench) -> None:
    for energised_s in (1000.1, 999.9, 1000.3, 5.0):
        command_id = bench.send()
        bench.seconds += 0.2
        bench.ack(command_id, energised_ns=round(energised_s * 1e9))
        bench.seconds = 1000.0
    assert [answer.energised_s for answer in bench.answers] == [1000.1, None, None, None]
