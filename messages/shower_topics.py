"""The topics of a shower's controller: `campusgate/SITE/showers/DEVICE/TOPIC`.

`DEVICE` is the controller's id, as its token has it: so whoever may speak on a topic is known without a look into the
database.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from messages.topics import ROOT, TopicError, require_topic_names

SERVER_SENDER = "server"
"""The name under which showers trust the server's key."""


class ShowerTopic(StrEnum):
    """The last level of a topic: what is said there, by whom, and whether it stays (retained)."""

    REPORTS = "reports"
    """Signed steps of sessions, by the controller; each again until its answer came."""
    ANSWERS = "answers"
    """Signed answers to reports, by the server."""
    HEARTBEATS = "heartbeats"
    """Signed: how the controller is, and the sessions whose end the server has not acknowledged."""
    HEARTBEAT_ANSWERS = "heartbeat-answers"
    """Signed: price, limits and cadence, and what is acknowledged, by the server."""
    AVAILABILITY = "availability"
    """Whether the controller is there. Retained, last will."""


@dataclass(frozen=True, slots=True)
class ShowerTopics:
    """The topics of one shower.

    >>> ShowerTopics("main", UUID(int=1)).of(ShowerTopic.REPORTS)
    'campusgate/main/showers/00000000-0000-0000-0000-000000000001/reports'
    """

    site: str
    device: UUID

    def __post_init__(self) -> None:
        """Refuse a site that would change the shape of the topic.

        Raises:
            TopicError: it holds anything but lower-case letters, digits and hyphens.
        """
        require_topic_names(self.site)

    def of(self, topic: ShowerTopic) -> str:
        """Return the whole topic that ends in `topic`."""
        return f"{ROOT}/{self.site}/showers/{self.device}/{topic.value}"


def every_shower(site: str, topic: ShowerTopic) -> str:
    """Return the filter that matches the topic ending in `topic` of every shower of `site`."""
    require_topic_names(site)
    return f"{ROOT}/{site}/showers/+/{topic.value}"


def parse_shower_topic(topic: str) -> tuple[ShowerTopics, ShowerTopic]:
    """Return the shower of a whole topic, and its last level.

    Raises:
        TopicError: it is not the topic of a shower.
    """
    parts = topic.split("/")
    if len(parts) != 5 or parts[0] != ROOT or parts[2] != "showers" or parts[4] not in set(ShowerTopic):
        raise TopicError(f"not the topic of a shower: {topic[:200]!r}")
    try:
        device = UUID(parts[3])
    except ValueError as error:
        raise TopicError(f"not the topic of a shower: {topic[:200]!r}") from error
    return ShowerTopics(parts[1], device), ShowerTopic(parts[4])


def shower_sender(device: UUID) -> str:
    """Return the name under which the shower's controller `device` signs."""
    return f"shower:{device}"
