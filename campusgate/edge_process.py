"""The edge as a process: settings in, parts put together, everything ended in order."""

import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, is_dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

import uuid_utils.compat
from prometheus_client import start_http_server
from pydantic import TypeAdapter, ValidationError

from access.pass_book import PassBook
from access.presence_sync import PresenceSync
from access.replica import Replica, ReplicaLockedError
from access.sync import DirectorySync
from bus import Connection
from bus.errors import CertificateError
from bus.outbox import Outbox, OutboxError
from bus.postman import Postman
from campusgate.connections import broker_address
from campusgate.covered_faces import CoveredFaces
from campusgate.sealing import make_sealer
from campusgate.settings import Settings
from campusgate.spoof_pictures import SpoofPictures
from edge.assembly import EdgePolicy, assemble
from edge.camera import CameraAddressError, FeedStatus, open_camera
from edge.gallery import WrongCalibrationError
from edge.health import availability
from edge.liveness import LivenessScorer
from edge.metrics import Metrics
from edge.outbox import mark_late, receipts_for
from gate_controller.machine import disk_free_mb, temperature_c
from gate_controller.messages import (
    GateTopics,
    KeyFileError,
    NonceStore,
    NonceStoreError,
    Presence,
    Signer,
    TrustedKeyFile,
    edge_sender,
    read_private_key,
)
from models.engine import FaceEngine
from models.liveness import LivenessModel
from models.store import ModelError, ModelMissingError, ModelStore

EXPECTED_ERRORS = (
    CameraAddressError,
    CertificateError,
    KeyFileError,
    ModelError,
    NonceStoreError,
    OutboxError,
    ReplicaLockedError,
    WrongCalibrationError,
)
"""What a person can mend; their messages say how."""

_ASK_EVERY_S = 0.2
_PURGE_EVERY_S = 3600.0


class PolicyFileError(Exception):
    """The policy file cannot be used; the message says which line or field."""


@dataclass(frozen=True, slots=True)
class EdgeOptions:
    """What the command line says. `liveness` None: the cues, and the networks wherever they are installed."""

    camera: str
    policy: EdgePolicy
    liveness: bool | None = None
    once: bool = False
    metrics_port: int | None = None


def read_policy(path: Path) -> EdgePolicy:
    """Read a gate's policy from TOML; what it does not name keeps its default.

    Raises:
        PolicyFileError: unreadable, no TOML, or a field is wrong.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        for name in _unknown(EdgePolicy, values):
            raise PolicyFileError(f"{path}: {name}: there is no such setting")
        return TypeAdapter(EdgePolicy).validate_python(values)
    except OSError as error:
        raise PolicyFileError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyFileError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise PolicyFileError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _unknown(kind: type, values: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the names in `values` that the dataclass `kind` does not have: a misspelt limit must not be ignored."""
    known = get_type_hints(kind)
    for name, value in values.items():
        if name not in known:
            yield prefix + name
        elif is_dataclass(known[name]) and isinstance(value, dict):
            yield from _unknown(known[name], value, f"{prefix}{name}.")


def run_edge(settings: Settings, options: EdgeOptions, stop: threading.Event) -> None:
    """Work until `stop` is set.

    Raises:
        SettingsError: a setting is missing.
        EXPECTED_ERRORS: a key, a model, a file or the camera's address cannot be used.
    """
    gate = settings.require("gate")
    topics = GateTopics(settings.site, gate)
    folder = settings.data_dir / "edge" / gate
    camera = open_camera(options.camera)
    key = read_private_key(settings.require("signing_key_file"))
    controllers = TrustedKeyFile(settings.require("trusted_keys_file"))
    sealer = make_sealer(settings)
    token = settings.require("device_token")
    store = ModelStore(settings.cache_dir, settings.model_mirror)
    engine = FaceEngine(store, embedder=settings.embedder, threads=settings.engine_threads)
    engine.warm_up()
    kept = options.policy.spoof_pictures
    # Also where nothing is kept any more: what was kept before goes in its time.
    pictures = SpoofPictures(folder / "spoofs", sealer, days=kept.days, most=kept.most)
    with ExitStack() as stack:
        nonces = NonceStore(folder / "nonces.db")
        stack.callback(nonces.close)
        replica = Replica(folder / "replica.db", sealer, gate=gate, model_id=engine.model_id)
        stack.callback(replica.close)
        passes = PassBook(folder / "passes.db", sealer, gate=gate)
        stack.callback(passes.close)
        outbox = Outbox(folder / "outbox.db")
        stack.callback(outbox.close)
        sync = DirectorySync(settings.server_url, gate, token, replica, interval=settings.sync_interval)
        stack.callback(sync.close)
        boot_id = uuid_utils.compat.uuid7()
        will = availability(topics, boot_id, Presence.OFFLINE)
        bus = Connection(broker_address(settings), f"{settings.site}-{gate}-edge", will=will)
        service = assemble(
            topics=topics,
            boot_id=boot_id,
            bus=bus,
            camera=camera,
            engine=engine,
            directory=replica,
            signer=Signer(key, edge_sender(gate), nonces),
            controller_keys=controllers,
            outbox=outbox,
            passes=passes,
            policy=_policy(options),
            liveness=_liveness(store, options, settings.engine_threads),
            covering=CoveredFaces(),
            keep_picture=pictures.keep if options.policy.spoof_pictures.keep else None,
            sync=sync,
            sync_error=lambda: sync.status.error,
            model_refused=lambda: sync.status.model_mismatch,
            machine=lambda: {"temperature_c": temperature_c(), "disk_free_mb": disk_free_mb(folder)},
            metrics=_metrics(options.metrics_port, stack),
        )
        postman = Postman(outbox, bus, mark_late=mark_late, needs_receipts=True)
        bus.subscribe(topics.receipts, receipts_for(postman.confirm))
        presence = PresenceSync(settings.server_url, gate, token, replica, passes)
        stack.callback(presence.close)
        passages = threading.Event()
        bus.subscribe(topics.presence, lambda _topic, _payload, _retained: passages.set())
        bus.on_connect(passages.set)
        threading.Thread(target=presence.run, args=(stop, passages), name="passages", daemon=True).start()
        stack.callback(passages.set)
        bus.start()
        stack.callback(lambda: bus.stop(availability(topics, boot_id, Presence.STOPPED)))
        postman.start()
        stack.callback(postman.stop)
        service.start()
        stack.callback(service.stop)
        purge_at = 0.0
        while not stop.wait(_ASK_EVERY_S):
            if time.monotonic() >= purge_at:
                pictures.purge(datetime.now(UTC))
                purge_at = time.monotonic() + _PURGE_EVERY_S
            if options.once and service.camera.status is FeedStatus.ENDED:
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
