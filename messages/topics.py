"""The topics of a gate: `campusgate/SITE/gates/GATE/TOPIC`."""

import re
from dataclasses import dataclass
from enum import StrEnum

from errors import OperatorError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
ROOT = "campusgate"


class TopicError(OperatorError, ValueError):
    """The text is not the topic of a gate or a shower, or a name in it is not allowed."""


def require_topic_names(*names: str) -> None:
    """Refuse names that would change the shape of a topic.

    Raises:
        TopicError: a name holds anything but lower-case letters, digits and hyphens.
    """
    for name in names:
        if not _NAME.fullmatch(name):
            raise TopicError(f"{name!r} cannot stand in a topic; use lower-case letters, digits and hyphens")


class Topic(StrEnum):
    """The last level of a topic: what is said there, by whom, and whether it stays (retained)."""

    COMMAND = "command"
    """Signed commands to the controller, by edge and operations. Never retained, never queued."""
    ACK = "ack"
    """Signed answers of the controller to commands."""
    STATE = "state"
    """The door as it is, by the controller. Retained."""
    AVAILABILITY = "availability"
    """Whether the controller is there. Retained, last will."""
    EDGE_AVAILABILITY = "edge-availability"
    """Whether the edge is there. Retained, last will."""
    EVENTS = "events"
    """What happened, by controller and edge; at least once."""
    TAPS = "taps"
    """A card was presented, by the controller to the edge."""
    HEALTH = "health"
    """Figures of controller and edge."""
    FEEDBACK = "feedback"
    """What a screen at the gate tells the person in front, by the edge. Never retained."""
    DIRECTORY = "directory"
    """A newer directory waits for this gate, by the server."""
    RECEIPTS = "receipts"
    """Which events the server has stored, by the server."""
    PRESENCE = "presence"
    """Somebody passed another gate of the zone, by the server."""
    ZONE_HEARTBEAT = "zone-heartbeat"
    """How the passages of the gate's zone stand, signed by the server, every ten seconds. Never retained."""
    USED_CODES = "used-codes"
    """A virtual card's code opened another gate, by the server. Never retained."""


@dataclass(frozen=True, slots=True)
class GateTopics:
    """The topics of one gate.

    >>> GateTopics("main", "north").command
    'campusgate/main/gates/north/command'
    """

    site: str
    gate: str

    def __post_init__(self) -> None:
        """Refuse names that would change the shape of the topic.

        Raises:
            TopicError: a name holds anything but lower-case letters, digits and hyphens.
        """
        require_topic_names(self.site, self.gate)

    def of(self, topic: Topic) -> str:
        """Return the whole topic that ends in `topic`."""
        return f"{ROOT}/{self.site}/gates/{self.gate}/{topic.value}"

    @property
    def command(self) -> str:
        """Commands to the controller."""
        return self.of(Topic.COMMAND)

    @property
    def ack(self) -> str:
        """Answers of the controller."""
        return self.of(Topic.ACK)

    @property
    def state(self) -> str:
        """The retained state of the door."""
        return self.of(Topic.STATE)

    @property
    def availability(self) -> str:
        """Whether the controller is there."""
        return self.of(Topic.AVAILABILITY)

    @property
    def edge_availability(self) -> str:
        """Whether the edge is there."""
        return self.of(Topic.EDGE_AVAILABILITY)

    @property
    def events(self) -> str:
        """What happened."""
        return self.of(Topic.EVENTS)

    @property
    def taps(self) -> str:
        """Cards presented."""
        return self.of(Topic.TAPS)

    @property
    def health(self) -> str:
        """Figures."""
        return self.of(Topic.HEALTH)

    @property
    def feedback(self) -> str:
        """What to tell the person in front."""
        return self.of(Topic.FEEDBACK)

    @property
    def directory(self) -> str:
        """Hints of a newer directory."""
        return self.of(Topic.DIRECTORY)

    @property
    def receipts(self) -> str:
        """Which events are stored."""
        return self.of(Topic.RECEIPTS)

    @property
    def presence(self) -> str:
        """Hints of passages at other gates."""
        return self.of(Topic.PRESENCE)

    @property
    def zone_heartbeat(self) -> str:
        """How the passages of the zone stand."""
        return self.of(Topic.ZONE_HEARTBEAT)

    @property
    def used_codes(self) -> str:
        """Codes that were used elsewhere."""
        return self.of(Topic.USED_CODES)


def every_gate(site: str, topic: Topic) -> str:
    """Return the filter that matches the topic ending in `topic` of every gate of `site`."""
    require_topic_names(site)
    return f"{ROOT}/{site}/gates/+/{topic.value}"


def parse_topic(topic: str) -> tuple[GateTopics, Topic]:
    """Return the gate of a whole topic, and its last level.

    Raises:
        TopicError: it is not the topic of a gate.
    """
    parts = topic.split("/")
    if len(parts) != 5 or parts[0] != ROOT or parts[2] != "gates" or parts[4] not in set(Topic):
        raise TopicError(f"not the topic of a gate: {topic[:200]!r}")
    return GateTopics(parts[1], parts[3]), Topic(parts[4])


def controller_sender(gate: str) -> str:
    """Return the name under which the controller of `gate` signs."""
    return f"controller:{gate}"


def edge_sender(gate: str) -> str:
    """Return the name under which the edge of `gate` signs."""
    return f"edge:{gate}"
