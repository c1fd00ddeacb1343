"""The controller as a process: settings and the door's file in, hardware and parts put together, ended in order."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from access.passages import PassageLog, PassageSync
from access.replica import DirectorySync, Replica
from bus import Outbox
from campusgate.processes.gate_device import read_gate_device, start_following
from campusgate.processes.kept_files import KeptFiles
from campusgate.processes.watchdog import Watchdog
from campusgate.processes.zone_heartbeats import ZoneHeartbeatHandler
from campusgate.settings import Settings
from campusgate.wiring.broker import make_broker_address
from database import Sealer
from gate_controller.door_file import DoorFile
from gate_controller.door_hardware import open_hardware
from gate_controller.memory import DoorMemory
from gate_controller.readers import Reader
from gate_controller.readers.lines import LineReader
from gate_controller.readers.several import SeveralReaders
from gate_controller.service import GateController
from gate_controller.storage import Storage
from gate_controller.sun import read_proof_keys
from messages import NonceStore

_TURN_WITHIN_S = 20.0
"""A disk or a relay board may keep the door waiting for some seconds."""


def run_controller(
    settings: Settings, file: DoorFile, stop: threading.Event, ready: Callable[[int | None], None]
) -> None:
    """Keep the door until `stop` is set; `ready` is called with the reader's port once it is watched.

    Raises:
        OperatorError: a setting is missing, or a key, a file, a pin or a port cannot be used.
    """
    device = read_gate_device(settings, "controller")
    credential_key = settings.require_key("credential_key")
    with ExitStack() as stack:
        kept = KeptFiles(device.folder)
        files = _open_files(kept, device.sealer, device.gate, stack)
        kept.report(files.outbox, device.topics, "controller")
        directory_hinted, passages_hinted = threading.Event(), threading.Event()
        hardware = open_hardware(file, stack)
        controller = GateController(
            device.topics,
            make_broker_address(settings),
            hardware,
            Storage(files.nonces, files.outbox, files.memory, files.passage_log),
            signing_key=device.signing_key,
            trusted=device.trusted_keys,
            credential_key=credential_key,
            settings=file.settings,
            directory=files.replica,
            on_directory_hint=lambda _revision: directory_hinted.set(),
            on_passages_hint=lambda _revision: passages_hinted.set(),
            answer_wait_s=file.answer_wait_ms / 1000,
            client_id=device.client_id(),
            proof_keys=read_proof_keys(proof) if (proof := file.cards.proof_key_file) is not None else None,
        )
        # A hint may have been missed while there was no connection.
        controller.bus.on_connect(directory_hinted.set)
        controller.bus.on_connect(passages_hinted.set)
        heartbeats = ZoneHeartbeatHandler(
            settings.site, device.trusted_keys, files.replica, files.passage_log, ask=passages_hinted.set
        )
        controller.bus.subscribe(device.topics.zone_heartbeat, heartbeats, qos=0)
        watchdog = Watchdog(settings.heartbeat_file)
        controller.on_turn(watchdog.watch("door", _TURN_WITHIN_S))
        controller.bus.on_handler_turn(watchdog.watch("handlers", _TURN_WITHIN_S))
        controller.start()
        stack.callback(controller.stop)
        sync = DirectorySync(
            settings.server_url,
            device.gate,
            device.token,
            files.replica,
            interval=settings.sync_interval,
            hints_arrive=lambda: controller.bus.connected,
            credential_key=credential_key,
            on_time=controller.accept_server_time,
            verify=device.server_trust,
        )
        start_following("directory", sync, stop, directory_hinted, stack)
        passage_sync = PassageSync(
            settings.server_url,
            device.gate,
            device.token,
            files.replica,
            files.passage_log,
            verify=device.server_trust,
        )
        start_following("passages", passage_sync, stop, passages_hinted, stack)
        ready(_port(hardware.reader))
        with watchdog:
            stop.wait()


@dataclass(frozen=True, slots=True)
class _Files:
    """What a controller keeps over a restart; the controller closes all but the replica."""

    nonces: NonceStore
    replica: Replica
    passage_log: PassageLog
    outbox: Outbox
    memory: DoorMemory


def _open_files(kept: KeptFiles, sealer: Sealer, gate: str, stack: ExitStack) -> _Files:
    replica = kept.open(
        "replica.db", lambda path: Replica(path, sealer, gate=gate, view="cards"), lost="directory_until_fetched"
    )
    stack.callback(replica.close)
    passage_log = kept.open("passes.db", lambda path: PassageLog(path, sealer, gate=gate), lost="who_passed_here")
    nonces = kept.open("nonces.db", NonceStore, lost="spent_commands_of_earlier_boots")
    outbox = kept.open("outbox.db", Outbox, lost="events_not_sent")
    memory = kept.open("memory.db", DoorMemory, lost="lock_orders_wrong_pins_card_counters_time")
    if any(fault.file == "memory.db" and fault.lost for fault in kept.faults):
        memory.counters_lost()
    return _Files(nonces, replica, passage_log, outbox, memory)


def _port(reader: Reader | None) -> int | None:
    """Return the port of readers that speak lines, once it is listened on."""
    readers = reader.readers if isinstance(reader, SeveralReaders) else (reader,)
    return next((one.port for one in readers if isinstance(one, LineReader)), None)
