"""The edge as a process: settings in, parts put together, everything ended in order."""

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import uuid_utils.compat
from prometheus_client import start_http_server

from access.passages import PassageLog, PassageSync
from access.replica import DirectorySync, Replica
from bus import Connection, kept_client_id
from bus.outbox import Outbox
from bus.outbox_sender import OutboxSender
from campusgate.processes.kept_files import KeptFiles
from campusgate.processes.private_files import keep_private
from campusgate.settings import Settings
from campusgate.wiring.broker import broker_address
from campusgate.wiring.covered_faces import CoveredFaces
from campusgate.wiring.sealer import make_sealer
from database import Sealer
from edge.assembly import assemble
from edge.camera import FeedStatus, mounted, open_camera
from edge.dependencies import Environment, Gate, Vision
from edge.health import availability
from edge.liveness import LivenessScorer
from edge.metrics import Metrics
from edge.outbox import mark_late, receipts_for
from edge.policy import EdgePolicy
from edge.service import EdgeService
from edge.spoof_pictures import SpoofPictures
from gate_controller.computer import disk_free_mb, temperature_c
from messages import (
    GateTopics,
    NonceStore,
    ProcessStatus,
    Signer,
    TrustedKeyFile,
    UnwrittenWatch,
    edge_sender,
    read_private_key,
)
from models.engine import FaceEngine
from models.liveness import LivenessModel
from models.store import ModelMissingError, ModelStore

_ASK_EVERY_S = 0.2
_PURGE_EVERY_S = 600.0
_VOUCHED_FOR_S = 300.0
VOUCHED = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class EdgeOptions:
    """What the command line says. `liveness` None: the cues, and the networks wherever they are installed."""

    camera: str = field(repr=False)
    policy: EdgePolicy
    liveness: bool | None = None
    once: bool = False
    metrics_port: int | None = None


def run_edge(settings: Settings, options: EdgeOptions, stop: threading.Event) -> None:
    """Work until `stop` is set.

    Raises:
        OperatorError: a setting is missing, or a key, a model, a file or the camera's address cannot be used.
    """
    name = settings.require("gate")
    token = settings.require("device_token")
    keep_private(settings.data_dir)
    folder = settings.data_dir / "edge" / name
    camera = mounted(open_camera(options.camera), options.policy.mounting)
    signing_key = read_private_key(settings.require("signing_key_file"))
    controllers = TrustedKeyFile(settings.require("trusted_keys_file"))
    sealer = make_sealer(settings)
    store = ModelStore(settings.cache_dir, settings.model_mirror)
    engine = FaceEngine(store, embedder=settings.embedder, threads=settings.engine_threads)
    engine.warm_up()
    kept = options.policy.spoof_pictures
    # Also where nothing is kept any more: what was kept before goes in its time.
    pictures = SpoofPictures(folder / "spoofs", sealer, days=kept.days, most=kept.most)
    with ExitStack() as stack:
        kept_files = KeptFiles(folder)
        disk = _open_disk(kept_files, sealer, name, engine.model_id, stack)
        clock = VouchedClock(disk.passage_log)
        pictures.by_age = clock.is_vouched_for
        sync = DirectorySync(
            settings.server_url,
            name,
            token,
            disk.replica,
            interval=settings.sync_interval,
            on_time=clock.server_says,
        )
        stack.callback(sync.close)
        topics, boot_id = GateTopics(settings.site, name), uuid_utils.compat.uuid7()
        kept_files.report(disk.outbox, topics, "edge")
        will = availability(topics, boot_id, ProcessStatus.OFFLINE)
        client_id = kept_client_id(f"edge-{settings.site}-{name}", folder / "client-id")
        bus = Connection(broker_address(settings), client_id, will=will)
        service = assemble(
            Gate(
                topics=topics,
                boot_id=boot_id,
                bus=bus,
                signer=Signer(signing_key, edge_sender(name), disk.nonces),
                controller_keys=controllers,
                directory=disk.replica,
                outbox=disk.outbox,
                passage_log=disk.passage_log,
            ),
            Vision(
                camera=camera,
                engine=engine,
                liveness=_liveness(store, options, settings.engine_threads),
                covering=CoveredFaces(),
                keep_picture=pictures.keep if kept.keep else None,
            ),
            _policy(options),
            environment=Environment(
                sync=sync,
                sync_error=lambda: sync.status.error,
                model_refused=lambda: sync.status.model_mismatch,
                machine=lambda: {"temperature_c": temperature_c(), "disk_free_mb": disk_free_mb(folder)},
                metrics=_metrics(options.metrics_port, stack),
                unwritten=UnwrittenWatch({"nonces.db": disk.nonces, "outbox.db": disk.outbox}),
            ),
        )
        sender = OutboxSender(disk.outbox, bus, mark_late=mark_late, needs_receipts=True)
        bus.subscribe(topics.receipts, receipts_for(sender.confirm))
        passages = PassageSync(settings.server_url, name, token, disk.replica, disk.passage_log)
        stack.callback(passages.close)
        _follow_passages(passages, bus, topics, stop, stack)
        bus.start()
        stack.callback(lambda: bus.stop(availability(topics, boot_id, ProcessStatus.STOPPED)))
        sender.start()
        stack.callback(sender.stop)
        service.start()
        stack.callback(service.stop)
        _wait(service, pictures, stop, once=options.once)


class VouchedClock:
    """Whether the server told the same time as this machine's clock a short while ago."""

    def __init__(self, passage_log: PassageLog) -> None:
        self._passage_log = passage_log
        self._vouched_s = float("-inf")

    def server_says(self, at: datetime) -> None:
        """Compare, and bring down what was noted while this clock was ahead."""
        now = datetime.now(UTC)
        if abs(now - at) <= VOUCHED:
            self._vouched_s = time.monotonic()
            self._passage_log.redate(now)

    def is_vouched_for(self) -> bool:
        """Whether something may be erased by this machine's clock."""
        return time.monotonic() - self._vouched_s <= _VOUCHED_FOR_S


@dataclass(frozen=True, slots=True)
class _Disk:
    """What an edge keeps over a restart."""

    nonces: NonceStore
    replica: Replica
    passage_log: PassageLog
    outbox: Outbox


def _open_disk(kept: KeptFiles, sealer: Sealer, gate: str, model_id: str, stack: ExitStack) -> _Disk:
    nonces = kept.open("nonces.db", NonceStore, lost="numbers_of_commands")
    stack.callback(nonces.close)
    replica = kept.open(
        "replica.db",
        lambda path: Replica(path, sealer, gate=gate, model_id=model_id),
        lost="directory_until_fetched",
    )
    stack.callback(replica.close)
    passage_log = kept.open("passes.db", lambda path: PassageLog(path, sealer, gate=gate), lost="who_passed_here")
    stack.callback(passage_log.close)
    outbox = kept.open("outbox.db", Outbox, lost="events_not_sent")
    stack.callback(outbox.close)
    return _Disk(nonces, replica, passage_log, outbox)


def _follow_passages(
    passages: PassageSync, bus: Connection, topics: GateTopics, stop: threading.Event, stack: ExitStack
) -> None:
    """Ask for the zone's passages when the bus connects, when the server hints at some, and now and then."""
    hinted = threading.Event()
    bus.subscribe(topics.presence, lambda _topic, _payload, _retained: hinted.set())
    bus.on_connect(hinted.set)
    threading.Thread(target=passages.run, args=(stop, hinted), name="passages", daemon=True).start()
    stack.callback(hinted.set)


def _wait(service: EdgeService, pictures: SpoofPictures, stop: threading.Event, *, once: bool) -> None:
    """Return when `stop` is set, or when a recording has ended that is to be seen once."""
    purge_at = 0.0
    while not stop.wait(_ASK_EVERY_S):
        if time.monotonic() >= purge_at:
            pictures.purge(datetime.now(UTC))
            purge_at = time.monotonic() + _PURGE_EVERY_S
        if once and service.camera.status is FeedStatus.ENDED:
            return


def _policy(options: EdgeOptions) -> EdgePolicy:
    """Return the policy; `--no-liveness` also means that nobody looks for prints and screens."""
    if options.liveness is not False:
        return options.policy
    recognition = options.policy.recognition
    silenced = replace(recognition.liveness, networks=False, cues=False)
    return replace(options.policy, recognition=replace(recognition, liveness=silenced))


def _liveness(store: ModelStore, options: EdgeOptions, threads: int) -> LivenessScorer | None:
    if options.liveness is False or not options.policy.recognition.liveness.networks:
        return None
    try:
        return LivenessModel(store, threads=threads)
    except ModelMissingError:
        if options.liveness:
            raise
        return None


def _metrics(port: int | None, stack: ExitStack) -> Metrics:
    metrics = Metrics()
    if port is not None:
        server, _ = start_http_server(port, addr="127.0.0.1", registry=metrics.registry)
        stack.callback(server.shutdown)
    return metrics
