"""The controller of one door: everything that comes in waits in one queue, and one thread turns it into the door."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from uuid import UUID, uuid4

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus import SEND_AGAIN_S, Backoff, BrokerAddress, Connection, OutboxSender, Will, random_client_id
from gate_controller.barrier_settings import DoorSettings, TurnstileSettings
from gate_controller.call_loop import CallLoop
from gate_controller.card_authentication import CardAuthenticator
from gate_controller.card_decision import Directory
from gate_controller.card_handler import CardHandler
from gate_controller.clock import ClockWatch
from gate_controller.clock_reporter import ClockReporter
from gate_controller.code_authentication import CodeAuthenticator
from gate_controller.command_handler import CommandHandler
from gate_controller.door_driver import DoorDriver
from gate_controller.hardware import Hardware
from gate_controller.housekeeping import Housekeeping
from gate_controller.input_signals import apply_signal, watch_inputs, watch_reader
from gate_controller.passage_recorder import PassageRecorder
from gate_controller.pending_taps import PendingTaps
from gate_controller.pin_entry import PinEntry
from gate_controller.readers import Presented
from gate_controller.reporter import Reporter, availability
from gate_controller.signals import Signal, TimePassed
from gate_controller.storage import Storage
from gate_controller.sun import ProofKeys
from gate_controller.timetable import Timetable
from messages import (
    Availability,
    Clock,
    DirectoryHint,
    EventKind,
    GateTopics,
    PresenceHint,
    ProcessStatus,
    Receipt,
    Signer,
    SystemClock,
    TrustedKey,
    TwinWatch,
    UnwrittenWatch,
    UsedCode,
    Verifier,
    controller_sender,
    decoding_handler,
    mark_historical,
    newest_only,
)

log = structlog.get_logger()

ANSWER_WAIT_S = 0.15
"""How long the edge may think about a card before the controller decides alone."""


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
        on_directory_hint: Callable[[int], None] | None = None,
        on_passages_hint: Callable[[int], None] | None = None,
        clock: Clock | None = None,
        proof_keys: ProofKeys | None = None,
        answer_wait_s: float = ANSWER_WAIT_S,
        send_again_s: float = SEND_AGAIN_S,
        backoff: Backoff | None = None,
        client_id: str | None = None,
    ) -> None:
        """Prepare; nothing moves before `start`.

        `client_id` is this controller's at the broker over its restarts (`bus.kept_client_id`). `on_directory_hint` is
        called with the revision of a newer directory, `on_passages_hint` with that of the zone's passages.
        """
        self.boot_id: UUID = uuid4()
        self.topics = topics
        self._hardware = hardware
        self._storage = storage
        self._on_directory_hint = on_directory_hint
        self._on_passages_hint = on_passages_hint
        clock = clock or SystemClock()
        self._clock = ClockWatch(clock, storage.memory.latest_time)
        client_id = client_id or random_client_id(f"controller-{topics.site}-{topics.gate}")
        self.bus = Connection(address, client_id, will=self._make_will, backoff=backoff)
        self._outbox_sender = OutboxSender(
            storage.outbox,
            self.bus,
            mark_late=mark_historical,
            needs_receipts=True,
            now=clock.now,
            send_again_s=send_again_s,
        )
        signer = Signer(signing_key, controller_sender(topics.gate), storage.nonces)
        self._reporter = Reporter(topics, self.boot_id, self.bus, storage.outbox, signer)
        self._clock_reporter = ClockReporter(
            self._reporter, self._clock, memory=storage.memory, passage_log=storage.passage_log
        )
        is_open = hardware.inputs.contact is not None and hardware.inputs.contact.active
        self._driver = DoorDriver(
            settings or DoorSettings(),
            hardware.relay,
            storage.memory,
            self._reporter,
            self._clock,
            is_open=is_open,
            passage_recorder=PassageRecorder(
                storage.passage_log, directory, closes=not isinstance(settings, TurnstileSettings)
            ),
            secured=hardware.secured,
        )
        self._taps = PendingTaps()
        self._cards = CardHandler(
            self._driver,
            self._taps,
            self._reporter,
            self._clock,
            directory=directory,
            passage_log=storage.passage_log,
            credential_key=credential_key,
            answer_wait_s=answer_wait_s,
            authenticator=CardAuthenticator(proof_keys, credential_key, storage.memory),
            codes=CodeAuthenticator(trusted, site=topics.site, credential_key=credential_key, memory=storage.memory),
            pins=PinEntry(storage.memory, credential_key),
        )
        verifier = Verifier(trusted, gate=topics.gate, boot_id=self.boot_id, nonces=storage.nonces)
        self._commands = CommandHandler(
            verifier,
            self._driver,
            self._taps,
            self._reporter,
            self._clock,
            decide_again=partial(self._cards.decide_alone, why="repeat"),
        )
        self._housekeeping = Housekeeping(
            self._reporter,
            self._clock,
            memory=storage.memory,
            outbox=storage.outbox,
            bus=self.bus,
            directory=directory,
            passage_log=storage.passage_log,
            unwritten=UnwrittenWatch(
                {"nonces.db": storage.nonces, "outbox.db": storage.outbox, "memory.db": storage.memory}
            ),
        )
        self._timetable = Timetable(directory)
        self._twins = TwinWatch(self.boot_id)
        self._loop = CallLoop(
            topics.gate,
            tick=self._tick,
            until_next_s=self._until_next_s,
            after_each=self._housekeeping.report_unwritten_files,
        )

    def start(self) -> None:
        """Watch the wires, listen to reader and broker.

        Raises:
            ReaderError: the reader cannot be opened.
            CertificateError: the files of TLS cannot be used.
        """
        at, sure = self._clock.read()
        door = self._driver.door
        details = {"clock_sure": sure, "door_open": door.is_open, "mode": door.mode.value}
        self._reporter.record(EventKind.CONTROLLER_STARTED, at, details=details)
        watch_inputs(self._hardware.inputs, self._on_signal)
        watch_reader(self._hardware.reader, self._on_signal)
        self._driver.apply(TimePassed())
        self._loop.start()
        self._subscribe()
        self.bus.start()
        self._outbox_sender.start()
        if self._hardware.reader is not None:
            self._hardware.reader.start(self._on_presented)

    def stop(self) -> None:
        """Lock the door, say goodbye, end every thread and close every file."""
        if self._hardware.reader is not None:
            self._hardware.reader.stop()
        self._loop.stop()
        self._hardware.close()
        at, _ = self._clock.read()
        self._reporter.record(EventKind.CONTROLLER_STOPPED, at)
        self._outbox_sender.stop()
        number = self.bus.connection_number
        self.bus.stop(availability(self.topics, self.boot_id, ProcessStatus.STOPPED, at, connection=number))
        self._storage.close()

    def on_turn(self, hook: Callable[[], None]) -> None:
        """Call `hook` at each turn of the door's one thread, which has one every second at least."""
        self._loop.on_turn = hook

    # What comes in, from any thread.

    def accept_server_time(self, at: datetime) -> None:
        """Take the server's time from an answer that is surely its own (`ClockWatch.accept_server_time`)."""
        self._loop.post(partial(self._accept_server_time, at))

    def _make_will(self, number: int) -> Will:
        return availability(self.topics, self.boot_id, ProcessStatus.OFFLINE, connection=number)

    def _subscribe(self) -> None:
        topics = self.topics
        self.bus.subscribe(topics.command, self._on_command)
        self.bus.subscribe(
            topics.edge_availability, decoding_handler(Availability, newest_only(self._on_edge_availability))
        )
        self.bus.subscribe(topics.availability, decoding_handler(Availability, self._on_own_availability))
        self.bus.subscribe(topics.directory, decoding_handler(DirectoryHint, self._on_directory))
        self.bus.subscribe(topics.receipts, decoding_handler(Receipt, self._on_receipt))
        self.bus.subscribe(topics.used_codes, decoding_handler(UsedCode, self._on_used_code))
        self.bus.subscribe(topics.presence, decoding_handler(PresenceHint, self._on_passages))
        self.bus.on_connect(partial(self._loop.post, self._connected))
        self.bus.on_disconnect(partial(self._loop.post, partial(self._cards.set_edge_online, online=False)))

    def _on_signal(self, signal: Signal) -> None:
        since = self._clock.monotonic()
        self._loop.post(partial(apply_signal, signal, since, self._driver, self._reporter, self._clock))

    def _on_presented(self, presented: Presented) -> None:
        if self._loop.is_full:
            self._cards.handle_missed(presented)
        else:
            self._loop.post(partial(self._cards.handle, presented))

    def _on_command(self, _topic: str, payload: bytes, retained: bool) -> None:
        received_ns = self._clock.monotonic_ns()
        self._loop.post(partial(self._commands.handle, payload, retained=retained, received_ns=received_ns))

    def _on_edge_availability(self, message: Availability, _retained: bool) -> None:
        self._loop.post(partial(self._cards.set_edge_online, online=message.status is ProcessStatus.ONLINE))

    def _on_own_availability(self, message: Availability, retained: bool) -> None:
        if self._twins.heard(message, retained=retained, connections=self.bus.connections):
            log.error("another_controller_answers_for_this_gate", gate=self.topics.gate, boot_id=str(message.boot_id))
            self._loop.post(partial(self._record_twin, message.boot_id))
        if message.status is ProcessStatus.OFFLINE:
            # The will of an earlier connection or life came late, or another one went that bore our name.
            self._loop.post(self._announce)

    def _on_directory(self, hint: DirectoryHint, _retained: bool) -> None:
        if self._on_directory_hint is not None:
            self._on_directory_hint(hint.revision)

    def _on_passages(self, hint: PresenceHint, _retained: bool) -> None:
        if self._on_passages_hint is not None:
            self._on_passages_hint(hint.revision)

    def _on_used_code(self, used: UsedCode, _retained: bool) -> None:
        self._loop.post(partial(self._cards.record_use_elsewhere, used.digest, used.second))

    def _on_receipt(self, receipt: Receipt, _retained: bool) -> None:
        self._outbox_sender.confirm(receipt.ids)

    # On the one thread.

    def _until_next_s(self) -> float:
        parts = (self._housekeeping, self._timetable, self._driver, self._cards)
        nearest = min(part.next_at for part in parts if part.next_at is not None)
        return max(0.0, nearest - self._clock.monotonic())

    def _tick(self) -> None:
        self._cards.tick()
        at, sure = self._clock.read()
        ordered = self._timetable.next_order(at, self._clock.monotonic(), clock_sure=sure)
        # Once a second the relay is driven too: a board that lost power has let go by itself.
        self._driver.apply(ordered or TimePassed())
        self._housekeeping.tick(edge_online=self._cards.edge_online)

    def _connected(self) -> None:
        self._driver.publish_state()
        self._announce()

    def _announce(self) -> None:
        at, _ = self._clock.read()
        self._reporter.announce(at)

    def _record_twin(self, boot_id: UUID) -> None:
        at, _ = self._clock.read()
        details = {"boot_id": str(self.boot_id), "other_boot_id": str(boot_id)}
        self._reporter.record(EventKind.CLONED_CARD, at, reason="controller", details=details)

    def _accept_server_time(self, at: datetime) -> None:
        if self._clock_reporter.accept_server_time(at):
            self._driver.publish_state()
