"""The controller of one door: everything that comes in waits in one queue, and one thread turns it into the door."""

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID, uuid4

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from access.passages.log import PassageLog
from bus import Backoff, BrokerAddress, Connection, Outbox, OutboxSender, random_client_id
from gate_controller.card_authentication import CardProof
from gate_controller.card_decision import Directory
from gate_controller.card_handler import CardHandler
from gate_controller.clock import Clock, ClockWatch, SystemClock
from gate_controller.command_handler import CommandHandler
from gate_controller.door import DoorSettings
from gate_controller.door_driver import DoorDriver
from gate_controller.housekeeping import Housekeeping
from gate_controller.inputs import Inputs
from gate_controller.memory import DoorMemory, DoorMemoryError
from gate_controller.passage_recorder import PassageRecorder
from gate_controller.pin_entry import PinEntry
from gate_controller.readers import Presented, Reader
from gate_controller.relays import Relay
from gate_controller.reporter import Reporter, availability, mark_historical
from gate_controller.signals import Signal, TimePassed
from gate_controller.sun import ProofKeys
from gate_controller.taps import TapDesk
from gate_controller.timetable import Timetable
from gate_controller.turnstile import TurnstileSettings
from gate_controller.wiring import carry_out, watch_inputs, watch_reader
from messages import (
    Availability,
    DirectoryHint,
    EventKind,
    GateTopics,
    MalformedMessageError,
    NonceStore,
    PresenceHint,
    ProcessStatus,
    Receipt,
    Signer,
    TrustedKey,
    TwinWatch,
    UnwrittenWatch,
    Verifier,
    controller_sender,
)

log = structlog.get_logger()

ANSWER_WAIT_S = 0.15
"""How long the edge may think about a card before the controller decides alone."""
_QUEUE_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Hardware:
    """What the controller is wired to."""

    relay: Relay
    inputs: Inputs = field(default_factory=Inputs)
    reader: Reader | None = None
    secured: Relay | None = None
    """Energised while this door is closed and locked: the leave of the other door of an interlock."""


@dataclass(frozen=True, slots=True)
class Storage:
    """The controller's files."""

    nonces: NonceStore
    outbox: Outbox
    memory: DoorMemory
    passes: PassageLog = field(default_factory=PassageLog.in_memory)
    """Who passed this zone; without a file it is known until the controller ends."""

    def close(self) -> None:
        """Close all of them."""
        self.nonces.close()
        self.outbox.close()
        self.memory.close()
        self.passes.close()


class GateController:
    """One door. `start` returns at once and needs no broker; `stop` leaves the door locked."""

    def __init__(
        self,
        topics: GateTopics,
        address: BrokerAddress,
        hardware: Hardware,
        storage: Storage,
        *,
        signing_key: Ed25519PrivateKey,
        trusted: Mapping[str, TrustedKey],
        credential_key: bytes,
        settings: DoorSettings | TurnstileSettings | None = None,
        directory: Directory | None = None,
        on_hint: Callable[[int], None] | None = None,
        on_presence: Callable[[int], None] | None = None,
        clock: Clock | None = None,
        proof_keys: ProofKeys | None = None,
        answer_wait_s: float = ANSWER_WAIT_S,
        backoff: Backoff | None = None,
        client_id: str | None = None,
    ) -> None:
        """Prepare; nothing moves before `start`.

        `client_id` is this controller's at the broker over its restarts (`bus.kept_client_id`). `on_hint` is called
        with the revision of a newer directory, `on_presence` with that of the zone's passages.
        """
        self.boot_id: UUID = uuid4()
        self.topics = topics
        self._hardware = hardware
        self._storage = storage
        self._on_hint = on_hint
        self._on_presence = on_presence
        clock = clock or SystemClock()
        self._clock = ClockWatch(clock, storage.memory.latest_time)
        will = availability(topics, self.boot_id, ProcessStatus.OFFLINE)
        client_id = client_id or random_client_id(f"controller-{topics.site}-{topics.gate}")
        self.bus = Connection(address, client_id, will=will, backoff=backoff)
        self._postman = OutboxSender(
            storage.outbox, self.bus, mark_late=mark_historical, needs_receipts=True, now=clock.now
        )
        signer = Signer(signing_key, controller_sender(topics.gate), storage.nonces)
        self._reporter = Reporter(topics, self.boot_id, self.bus, storage.outbox, signer)
        self._clock.when_unsure = self._clock_unsure
        is_open = hardware.inputs.contact is not None and hardware.inputs.contact.active
        self._keeper = DoorDriver(
            settings or DoorSettings(),
            hardware.relay,
            storage.memory,
            self._reporter,
            self._clock,
            is_open=is_open,
            passages=PassageRecorder(storage.passes, directory, closes=not isinstance(settings, TurnstileSettings)),
            secured=hardware.secured,
        )
        self._taps = TapDesk()
        self._cards = CardHandler(
            self._keeper,
            self._taps,
            self._reporter,
            self._clock,
            directory=directory,
            book=storage.passes,
            credential_key=credential_key,
            answer_wait_s=answer_wait_s,
            proof=CardProof(proof_keys, credential_key, storage.memory),
            pins=PinEntry(storage.memory, credential_key),
        )
        verifier = Verifier(trusted, gate=topics.gate, boot_id=self.boot_id, nonces=storage.nonces)
        self._commands = CommandHandler(
            verifier,
            self._keeper,
            self._taps,
            self._reporter,
            self._clock,
            decide_again=partial(self._cards.decide_alone, why="repeat"),
        )
        self._house = Housekeeping(
            self._reporter,
            self._clock,
            memory=storage.memory,
            outbox=storage.outbox,
            bus=self.bus,
            directory=directory,
            passes=storage.passes,
            unwritten=UnwrittenWatch(
                {"nonces.db": storage.nonces, "outbox.db": storage.outbox, "memory.db": storage.memory}
            ),
        )
        self._timetable = Timetable(directory)
        self._twins = TwinWatch(self.boot_id)
        self._calls: queue.Queue[Callable[[], object] | None] = queue.Queue(_QUEUE_LIMIT)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch the wires, listen to reader and broker.

        Raises:
            ReaderError: the reader cannot be opened.
            CertificateError: the files of TLS cannot be used.
        """
        at, sure = self._clock.look()
        door = self._keeper.door
        details = {"clock_sure": sure, "door_open": door.is_open, "mode": door.mode.value}
        self._reporter.event(EventKind.CONTROLLER_STARTED, at, details=details)
        watch_inputs(self._hardware.inputs, self._signal)
        watch_reader(self._hardware.reader, self._signal)
        self._keeper.apply(TimePassed())
        self._thread = threading.Thread(target=self._run, name=f"door-{self.topics.gate}", daemon=True)
        self._thread.start()
        self.bus.subscribe(self.topics.command, self._on_command)
        self.bus.subscribe(self.topics.edge_availability, self._on_edge)
        self.bus.subscribe(self.topics.availability, self._on_own_name)
        self.bus.subscribe(self.topics.directory, self._on_directory)
        self.bus.subscribe(self.topics.receipts, self._on_receipt)
        self.bus.subscribe(self.topics.presence, self._on_passages)
        self.bus.on_connect(partial(self._post, self._connected))
        self.bus.on_disconnect(partial(self._post, partial(self._cards.edge_changed, online=False)))
        self.bus.start()
        self._postman.start()
        if self._hardware.reader is not None:
            self._hardware.reader.start(self._presented)

    def stop(self) -> None:
        """Lock the door, say goodbye, end every thread and close every file."""
        if self._hardware.reader is not None:
            self._hardware.reader.stop()
        if self._thread is not None:
            self._calls.put(None)
            self._thread.join()
        self._hardware.inputs.close()
        self._hardware.relay.close()
        if self._hardware.secured is not None:
            self._hardware.secured.close()
        at, _ = self._clock.look()
        self._reporter.event(EventKind.CONTROLLER_STOPPED, at)
        self._postman.stop()
        self.bus.stop(availability(self.topics, self.boot_id, ProcessStatus.STOPPED, at))
        self._storage.close()

    # What comes in, from any thread.

    def server_says(self, at: datetime) -> None:
        """Take the server's time from an answer that is surely its own (`ClockWatch.vouched`)."""
        self._post(partial(self._vouched, at))

    def _post(self, call: Callable[[], object]) -> None:
        try:
            self._calls.put_nowait(call)
        except queue.Full:
            log.error("controller_queue_full", gate=self.topics.gate)

    def _signal(self, signal: Signal) -> None:
        since = self._clock.seconds()
        self._post(partial(carry_out, signal, since, self._keeper, self._reporter, self._clock))

    def _presented(self, presented: Presented) -> None:
        if self._calls.full():
            self._cards.missed(presented)
        else:
            self._post(partial(self._cards.read, presented))

    def _on_command(self, _topic: str, payload: bytes, retained: bool) -> None:
        received_ns = self._clock.monotonic_ns()
        self._post(partial(self._commands.take, payload, retained=retained, received_ns=received_ns))

    def _on_edge(self, _topic: str, payload: bytes, _retained: bool) -> None:
        try:
            online = Availability.decode(payload).status is ProcessStatus.ONLINE
        except MalformedMessageError as error:
            log.warning("edge_availability_malformed", gate=self.topics.gate, error=str(error))
            return
        self._post(partial(self._cards.edge_changed, online=online))

    def _on_own_name(self, _topic: str, payload: bytes, retained: bool) -> None:
        try:
            message = Availability.decode(payload)
        except MalformedMessageError as error:
            log.warning("availability_malformed", gate=self.topics.gate, error=str(error))
            return
        if self._twins.heard(message, retained=retained, connections=self.bus.connections):
            log.error("another_controller_answers_for_this_gate", gate=self.topics.gate, boot_id=str(message.boot_id))
            self._post(partial(self._twin, message.boot_id))

    def _on_directory(self, _topic: str, payload: bytes, _retained: bool) -> None:
        try:
            hint = DirectoryHint.decode(payload)
        except MalformedMessageError as error:
            log.warning("directory_hint_malformed", gate=self.topics.gate, error=str(error))
            return
        if self._on_hint is not None:
            self._on_hint(hint.revision)

    def _on_passages(self, _topic: str, payload: bytes, _retained: bool) -> None:
        try:
            hint = PresenceHint.decode(payload)
        except MalformedMessageError as error:
            log.warning("presence_hint_malformed", gate=self.topics.gate, error=str(error))
            return
        if self._on_presence is not None:
            self._on_presence(hint.revision)

    def _on_receipt(self, _topic: str, payload: bytes, _retained: bool) -> None:
        try:
            self._postman.confirm(Receipt.decode(payload).ids)
        except MalformedMessageError as error:
            log.warning("receipt_malformed", gate=self.topics.gate, error=str(error))

    # The one thread.

    def _run(self) -> None:
        while True:
            try:
                call = self._calls.get(timeout=self._until_next())
            except queue.Empty:
                call = self._tick
            if call is None:
                return
            try:
                call()
                if self._until_next() <= 0:
                    self._tick()
                self._house.look_at_files()
            except Exception:
                # The door must go on: the next card and the fire alarm come through the same loop.
                log.exception("controller_failed", gate=self.topics.gate)

    def _until_next(self) -> float:
        deadlines = [self._house.next_at, self._timetable.next_at, self._keeper.next_at, self._cards.next_at]
        nearest = min(deadline for deadline in deadlines if deadline is not None)
        return max(0.0, nearest - self._clock.seconds())

    def _tick(self) -> None:
        self._cards.tick()
        at, sure = self._clock.look()
        ordered = self._timetable.look(at, self._clock.seconds(), clock_sure=sure)
        # Once a second the relay is looked at too: a board that lost power has let go by itself.
        self._keeper.apply(ordered or TimePassed())
        self._house.tick(edge_online=self._cards.edge_online)

    def _connected(self) -> None:
        at, _ = self._clock.look()
        self._keeper.tell()
        self._reporter.present(at)

    def _twin(self, boot_id: UUID) -> None:
        at, _ = self._clock.look()
        details = {"boot_id": str(self.boot_id), "other_boot_id": str(boot_id)}
        self._reporter.event(EventKind.CLONED_CARD, at, reason="controller", details=details)

    def _clock_unsure(self, at: datetime, until: datetime) -> None:
        behind_s = (until - at).total_seconds()
        details: dict[str, float | str | bool | None] = {
            "behind_s": behind_s,
            "since": at.isoformat(),
            "until": until.isoformat(),
        }
        self._reporter.event(EventKind.CLOCK_UNSURE, at, details=details)

    def _vouched(self, server_at: datetime) -> None:
        given_up = self._clock.vouched(server_at)
        if given_up is None:
            return
        now, _ = self._clock.look()
        # What was kept under the wrong time would count until that time is reached.
        self._storage.passes.redate(now)
        try:
            self._storage.memory.redate(now)
        except DoorMemoryError as error:
            log.error("time_not_remembered", error=str(error))
        self._reporter.event(EventKind.CLOCK_RESTORED, now, details={"given_up": given_up.isoformat()})
        self._keeper.tell()
