"""What whoever starts an edge gives it: the gate, what it sees with, and what runs beside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from access.passages import PassageLog
from bus.outbox import Outbox
from bus.port import Bus
from edge.alarm_pictures import AlarmPictures
from edge.camera import Camera
from edge.covering import CoveringMeasure
from edge.engines import Engines
from edge.face_handler import KeepPicture
from edge.gallery import Directory, Threshold
from edge.health import Figure
from edge.liveness import LivenessScorer
from edge.metrics import Metrics
from edge.probe_sender import Server
from edge.service import Sync
from messages import GateTopics, Signer, TrustedKey, UnwrittenWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The gate that an edge serves: how to speak there, who is believed, and what is kept on its disk."""

    topics: GateTopics
    boot_id: UUID
    bus: Bus
    signer: Signer
    controller_keys: Mapping[str, TrustedKey]
    """Whose acknowledgements count."""
    directory: Directory
    outbox: Outbox
    passage_log: PassageLog = field(default_factory=PassageLog.in_memory)
    """Who passed this zone; by default it is known until the edge ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vision:
    """What an edge sees with."""

    camera: Camera
    engines: Engines
    threshold: Threshold | None = None
    """Instead of the calibrated ones."""
    liveness: LivenessScorer | None = None
    """The networks; without them only the cues speak against a face."""
    liveness_networks: tuple[str, ...] = ()
    """Their names, for the health report."""
    covering: CoveringMeasure | None = None
    """Tells masks and dark glasses; without it nobody is asked to take them off."""
    keep_picture: KeepPicture | None = None
    """Keeps what a false face showed; without it nothing is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What runs beside an edge."""

    sync: Sync | None = None
    """Keeps the directory in step; without it the directory is as it was given."""
    sync_error: Callable[[], str | None] = lambda: None
    """Why the last synchronisation failed, None after a success."""
    model_refused: Callable[[], bool] = lambda: False
    """Whether the directory is of a model that this edge does not run."""
    models_wanted: Callable[[], Sequence[str]] = tuple
    """The models that the server would have this edge run."""
    machine: Callable[[], Mapping[str, Figure]] = dict
    """Figures of the computer, for the health report."""
    metrics: Metrics = field(default_factory=Metrics)
    probe_server: Server | None = None
    """Takes second photos of whoever consented to them; without it none is offered."""
    alarm_pictures: AlarmPictures | None = None
    """Takes the camera's picture when something raises an alarm; without it none is taken."""
    unwritten: UnwrittenWatch = field(default_factory=lambda: UnwrittenWatch({}))
    """Files that cannot be written."""
