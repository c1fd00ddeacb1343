"""The edge as a process: settings in, parts put together, everything ended in order."""

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

import uuid_utils.compat
from prometheus_client import start_http_server

from access.passages import PassageLog, PassageSync
from access.replica import DirectorySync, Replica
from bus import Connection
from bus.outbox import Outbox
from bus.outbox_sender import OutboxSender
from campusgate.processes.confirmed_clock import ConfirmedClock
from campusgate.processes.gate_device import GateDevice, read_gate_device, start_following
from campusgate.processes.kept_files import KeptFiles
from campusgate.processes.watchdog import Watchdog
from campusgate.processes.zone_heartbeats import ZoneHeartbeatHandler
from campusgate.settings import Settings
from campusgate.wiring.broker import make_broker_address
from campusgate.wiring.covered_faces import CoveredFaces
from campusgate.wiring.gate_engines import load_gate_engines
from campusgate.wiring.memory import bound_arenas, give_back_memory
from database import Sealer
from edge.alarm_picture_server import AlarmPictureServer
from edge.alarm_pictures import MOST_WAITING, WAITING_DAYS, AlarmPictures
from edge.assembly import assemble
from edge.camera import FeedStatus, mounted, open_camera
from edge.dependencies import Environment, Gate, Vision
from edge.health import availability
from edge.metrics import Metrics
from edge.outbox import receipts_for
from edge.policy import EdgePolicy
from edge.probe_server import ProbeServer
from edge.sealed_files import SealedFiles
from edge.service import EdgeService
from edge.spoof_pictures import SpoofPictures
from gate_controller.computer import disk_free_mb, temperature_c
from messages import (
    GateTopics,
    NonceStore,
    ProcessStatus,
    Signer,
    SystemClock,
    UnwrittenWatch,
    edge_sender,
    mark_historical,
)
from models.liveness import LivenessModel
from models.store import ModelMissingError, ModelStore

_POLL_S = 0.2
"""How late at most a stop, or the end of a recording, is noticed."""
_TURN_WITHIN_S = 30.0
"""Of each loop: a new directory takes seconds on the slowest machine, and a disk may keep all of them waiting."""
_PURGE_EVERY_S = 600.0
"""Pictures are kept for days."""


@dataclass(frozen=True, slots=True)
class EdgeOptions:
    """What the command line says; without `liveness` neither networks nor cues are asked."""

    camera: str = field(repr=False)
    policy: EdgePolicy
    liveness: bool = True
    once: bool = False
    metrics_port: int | None = None


def run_edge(settings: Settings, options: EdgeOptions, stop: threading.Event) -> None:
    """Work until `stop` is set.

    Raises:
        OperatorError: a setting is missing, or a key, a model, a file or the camera's address cannot be used.
    """
    device = read_gate_device(settings, "edge")
    camera = mounted(open_camera(options.camera), options.policy.mounting)
    bound_arenas()
    store = ModelStore(settings.cache_dir, settings.model_mirror)
    engines = load_gate_engines(store, settings.embedder, threads=settings.engine_threads)
    liveness = _load_liveness(store, options, settings.engine_threads)
    give_back_memory()  # what reading the models took
    topics, boot_id = device.topics, uuid_utils.compat.uuid7()
    with ExitStack() as stack:
        kept = KeptFiles(device.folder)
        files = _open_files(kept, device.sealer, device.gate, engines.runnable, stack)
        kept.report(files.outbox, topics, "edge")
        clock = ConfirmedClock(files.passage_log)
        pictures = _spoof_pictures(device, options.policy, clock)
        sync = DirectorySync(
            settings.server_url,
            device.gate,
            device.token,
            files.replica,
            interval=settings.sync_interval,
            hints_arrive=lambda: bus.connected,
            models=lambda: engines.runnable,
            on_time=clock.accept_server_time,
            verify=device.server_trust,
        )
        stack.callback(sync.close)
        probe_server = ProbeServer(settings.server_url, device.gate, device.token, verify=device.server_trust)
        stack.callback(probe_server.close)
        alarm_pictures = _alarm_pictures(settings, device, sync, clock, stack)
        say = partial(availability, topics, boot_id)
        bus = Connection(
            make_broker_address(settings),
            device.client_id(),
            will=lambda number: say(ProcessStatus.OFFLINE, connection=number),
        )
        service = assemble(
            Gate(
                topics=topics,
                boot_id=boot_id,
                bus=bus,
                signer=Signer(device.signing_key, edge_sender(device.gate), files.nonces),
                controller_keys=device.trusted_keys,
                directory=files.replica,
                outbox=files.outbox,
                passage_log=files.passage_log,
            ),
            Vision(
                camera=camera,
                engines=engines,
                liveness=liveness,
                liveness_networks=liveness.names if liveness is not None else (),
                covering=CoveredFaces(),
                keep_picture=pictures.keep if options.policy.spoof_pictures.keep else None,
            ),
            _policy(options),
            environment=Environment(
                sync=sync,
                sync_error=lambda: sync.status.error,
                model_refused=lambda: sync.status.model_mismatch,
                models_wanted=lambda: sync.status.models_wanted,
                machine=lambda: {"temperature_c": temperature_c(), "disk_free_mb": disk_free_mb(device.folder)},
                metrics=_metrics(options.metrics_port, stack),
                probe_server=probe_server,
                alarm_pictures=alarm_pictures,
                unwritten=UnwrittenWatch({"nonces.db": files.nonces, "outbox.db": files.outbox}),
            ),
        )
        sender = OutboxSender(files.outbox, bus, mark_late=mark_historical, needs_receipts=True)
        bus.subscribe(topics.receipts, receipts_for(sender.confirm))
        passage_sync = PassageSync(
            settings.server_url,
            device.gate,
            device.token,
            files.replica,
            files.passage_log,
            verify=device.server_trust,
        )
        passages_hinted = _follow_passages(passage_sync, bus, topics, stop, stack)
        heartbeats = ZoneHeartbeatHandler(
            settings.site, device.trusted_keys, files.replica, files.passage_log, ask=passages_hinted.set
        )
        bus.subscribe(topics.zone_heartbeat, heartbeats, qos=0)
        watchdog = Watchdog(settings.heartbeat_file)
        service.on_frame_turn = watchdog.watch("frames", _TURN_WITHIN_S)
        service.on_tick = watchdog.watch("housekeeping", _TURN_WITHIN_S)
        bus.on_handler_turn(watchdog.watch("handlers", _TURN_WITHIN_S))
        bus.start()
        stack.callback(lambda: bus.stop(say(ProcessStatus.STOPPED, connection=bus.connection_number)))
        sender.start()
        stack.callback(sender.stop)
        service.start()
        stack.callback(service.stop)
        with watchdog:
            _run_until_stopped(service, pictures, stop, once=options.once)


@dataclass(frozen=True, slots=True)
class _Files:
    """What an edge keeps over a restart."""

    nonces: NonceStore
    replica: Replica
    passage_log: PassageLog
    outbox: Outbox


def _open_files(kept: KeptFiles, sealer: Sealer, gate: str, models: tuple[str, ...], stack: ExitStack) -> _Files:
    nonces = kept.open("nonces.db", NonceStore, lost="numbers_of_commands")
    stack.callback(nonces.close)
    replica = kept.open(
        "replica.db",
        lambda path: Replica(path, sealer, gate=gate, models=models),
        lost="directory_until_fetched",
    )
    stack.callback(replica.close)
    passage_log = kept.open("passes.db", lambda path: PassageLog(path, sealer, gate=gate), lost="who_passed_here")
    stack.callback(passage_log.close)
    outbox = kept.open("outbox.db", Outbox, lost="events_not_sent")
    stack.callback(outbox.close)
    return _Files(nonces, replica, passage_log, outbox)


def _spoof_pictures(device: GateDevice, policy: EdgePolicy, clock: ConfirmedClock) -> SpoofPictures:
    """Return the kept pictures, also where none is kept any more: those of before are erased in their time."""
    kept = policy.spoof_pictures
    pictures = SpoofPictures(device.folder / "spoofs", device.sealer, days=kept.days, most=kept.most)
    pictures.by_age = clock.is_confirmed
    return pictures


def _alarm_pictures(
    settings: Settings, device: GateDevice, sync: DirectorySync, clock: ConfirmedClock, stack: ExitStack
) -> AlarmPictures:
    """Return what takes pictures of alarms, as soon as the server says of which."""
    server = AlarmPictureServer(settings.server_url, device.gate, device.token, verify=device.server_trust)
    stack.callback(server.close)
    folder = device.folder / "alarm-pictures"
    waiting = SealedFiles(folder, device.sealer, b"alarm-picture:", days=WAITING_DAYS, most=MOST_WAITING)
    waiting.by_age = clock.is_confirmed
    return AlarmPictures(server, waiting, SystemClock(), wanted=lambda: sync.status.pictured_events)


def _follow_passages(
    sync: PassageSync, bus: Connection, topics: GateTopics, stop: threading.Event, stack: ExitStack
) -> threading.Event:
    """Ask for the zone's passages when the bus connects, when hinted at, and now and then; return what makes it ask."""
    hinted = threading.Event()
    bus.subscribe(topics.presence, lambda _topic, _payload, _retained: hinted.set())
    bus.on_connect(hinted.set)
    start_following("passages", sync, stop, hinted, stack)
    return hinted


def _run_until_stopped(service: EdgeService, pictures: SpoofPictures, stop: threading.Event, *, once: bool) -> None:
    """Return when `stop` is set, or when a recording has ended that is to be seen once."""
    purge_at = 0.0
    while not stop.wait(_POLL_S):
        if time.monotonic() >= purge_at:
            pictures.purge(datetime.now(UTC))
            purge_at = time.monotonic() + _PURGE_EVERY_S
        if once and service.camera.status is FeedStatus.ENDED:
            return


def _policy(options: EdgeOptions) -> EdgePolicy:
    """Return the policy; `--no-liveness` also means that nobody looks for prints and screens."""
    if options.liveness:
        return options.policy
    recognition = options.policy.recognition
    silenced = replace(recognition.liveness, networks=False, cues=False)
    return replace(options.policy, recognition=replace(recognition, liveness=silenced))


def _load_liveness(store: ModelStore, options: EdgeOptions, threads: int) -> LivenessModel | None:
    """Return the networks, None where the policy or the command line does without."""
    if not options.liveness or not options.policy.recognition.liveness.networks:
        return None
    try:
        return LivenessModel.load(store, threads=threads)
    except ModelMissingError as error:
        raise ModelMissingError(
            f"{error} (a gate that shall do without it, and let in most prints, says so in its policy file:"
            " networks = false below [recognition.liveness])"
        ) from error


def _metrics(port: int | None, stack: ExitStack) -> Metrics:
    metrics = Metrics()
    if port is not None:
        server, _ = start_http_server(port, addr="127.0.0.1", registry=metrics.registry)
        stack.callback(server.shutdown)
    return metrics
