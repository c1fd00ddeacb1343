"""The controller as a process: settings and the door's file in, hardware and parts put together, ended in order."""

import threading
from collections.abc import Callable
from contextlib import ExitStack

from access.passages import PassageLog, PassageSync
from access.replica import DirectorySync, Replica
from bus import Outbox, kept_client_id
from campusgate.door_file import DoorFile
from campusgate.door_hardware import build
from campusgate.processes.kept_files import KeptFiles
from campusgate.processes.private_files import keep_private
from campusgate.settings import Settings
from campusgate.wiring.broker import broker_address
from campusgate.wiring.sealer import make_sealer
from database import Sealer
from gate_controller.memory import DoorMemory
from gate_controller.readers import Reader
from gate_controller.readers.lines import LineReader
from gate_controller.readers.several import SeveralReaders
from gate_controller.service import GateController
from gate_controller.storage import Storage
from gate_controller.sun import read_proof_keys
from messages import (
    GateTopics,
    NonceStore,
    TrustedKeyFile,
    read_private_key,
)


def run_controller(
    settings: Settings, file: DoorFile, stop: threading.Event, ready: Callable[[int | None], None]
) -> None:
    """Keep the door until `stop` is set; `ready` is called with the reader's port once it is watched.

    Raises:
        OperatorError: a setting is missing, or a key, a file, a pin or a port cannot be used.
    """
    gate = settings.require("gate")
    keep_private(settings.data_dir)
    folder = settings.data_dir / "controller" / gate
    key = read_private_key(settings.require("signing_key_file"))
    trusted = TrustedKeyFile(settings.require("trusted_keys_file"))
    credential_key = settings.require_key("credential_key")
    sealer = make_sealer(settings)
    token = settings.require("device_token")
    with ExitStack() as stack:
        kept = KeptFiles(folder)
        replica = kept.open(
            "replica.db", lambda path: Replica(path, sealer, gate=gate, view="cards"), lost="directory_until_fetched"
        )
        stack.callback(replica.close)
        storage, passage_log = _storage(kept, sealer, gate)
        wake, passages = threading.Event(), threading.Event()
        hardware = build(file, stack)
        controller = GateController(
            GateTopics(settings.site, gate),
            broker_address(settings),
            hardware,
            storage,
            signing_key=key,
            trusted=trusted,
            credential_key=credential_key,
            settings=file.settings,
            directory=replica,
            on_directory_hint=lambda _revision: wake.set(),
            on_passages_hint=lambda _revision: passages.set(),
            answer_wait_s=file.answer_wait_ms / 1000,
            client_id=kept_client_id(f"controller-{settings.site}-{gate}", folder / "client-id"),
            proof_keys=read_proof_keys(proof) if (proof := file.cards.proof_key_file) is not None else None,
        )
        kept.report(storage.outbox, controller.topics, "controller")
        # A hint may have been missed while there was no connection.
        controller.bus.on_connect(wake.set)
        controller.bus.on_connect(passages.set)
        controller.start()
        stack.callback(controller.stop)
        sync = DirectorySync(
            settings.server_url,
            gate,
            token,
            replica,
            interval=settings.sync_interval,
            credential_key=credential_key,
            on_time=controller.accept_server_time,
        )
        stack.callback(sync.close)
        passage_sync = PassageSync(settings.server_url, gate, token, replica, passage_log)
        stack.callback(passage_sync.close)
        threads = [
            threading.Thread(target=sync.run, args=(stop, wake), name="directory", daemon=True),
            threading.Thread(target=passage_sync.run, args=(stop, passages), name="passages", daemon=True),
        ]
        for thread in threads:
            thread.start()
        ready(_port(hardware.reader))
        stop.wait()
        wake.set()
        passages.set()
        for thread in threads:
            thread.join()


def _port(reader: Reader | None) -> int | None:
    """Return the port of readers that speak lines, once it is listened on."""
    readers = reader.readers if isinstance(reader, SeveralReaders) else (reader,)
    return next((one.port for one in readers if isinstance(one, LineReader)), None)


def _storage(kept: KeptFiles, sealer: Sealer, gate: str) -> tuple[Storage, PassageLog]:
    passage_log = kept.open("passes.db", lambda path: PassageLog(path, sealer, gate=gate), lost="who_passed_here")
    nonces = kept.open("nonces.db", NonceStore, lost="spent_commands_of_earlier_boots")
    outbox = kept.open("outbox.db", Outbox, lost="events_not_sent")
    memory = kept.open("memory.db", DoorMemory, lost="lock_orders_wrong_pins_card_counters_time")
    if any(fault.file == "memory.db" and fault.lost for fault in kept.faults):
        memory.counters_lost()
    return Storage(nonces, outbox, memory, passage_log), passage_log
