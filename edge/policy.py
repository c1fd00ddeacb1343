"""Everything that can be tuned at one gate; the edge's policy file has these names."""

from dataclasses import dataclass, field

from access.policy import Direction
from edge.camera import ConditionLimits, Mounting, ReconnectPolicy
from edge.gallery import SiteCalibration
from edge.ongoing_passages import PassagePolicy
from edge.recognition import RecognitionPolicy


@dataclass(frozen=True, slots=True)
class SpoofPicturePolicy:
    """Whether a picture of a false face is kept, for how many days, and how many at most."""

    keep: bool = False
    days: int = 7
    most: int = 200

    def __post_init__(self) -> None:
        if not (1 <= self.days <= 90 and 1 <= self.most <= 10_000):
            raise ValueError("pictures of false faces are kept for 1 to 90 days, and 1 to 10,000 of them")


@dataclass(frozen=True, slots=True)
class EdgePolicy:
    """Everything that can be tuned at one gate."""

    fpir: float = 0.01
    """The rate at which a stranger's single frame may match somebody; the vote makes it rarer still."""
    calibration: SiteCalibration | None = None
    """Measured on this campus (`campusgate faces calibrate`); None: the model's own."""
    command_ttl_ms: int = 3_000
    """Life of a command; after it no door opens any more."""
    direction: Direction = Direction.ENTRY
    recognition: RecognitionPolicy = field(default_factory=RecognitionPolicy)
    passage: PassagePolicy = field(default_factory=PassagePolicy)
    mounting: Mounting = field(default_factory=Mounting)
    """How the camera hangs; everybody upside down looks like a false face."""
    condition: ConditionLimits = field(default_factory=ConditionLimits)
    reconnect: ReconnectPolicy = field(default_factory=ReconnectPolicy)
    spoof_pictures: SpoofPicturePolicy = field(default_factory=SpoofPicturePolicy)
    """Nothing is kept unless the campus says so here."""
