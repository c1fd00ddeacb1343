"""The files of one controller."""

from dataclasses import dataclass, field

from access.passages import PassageLog
from bus import Outbox
from gate_controller.memory import DoorMemory
from messages import NonceStore


@dataclass(frozen=True, slots=True)
class Storage:
    """The controller's files."""

    nonces: NonceStore
    outbox: Outbox
    memory: DoorMemory
    passage_log: PassageLog = field(default_factory=PassageLog.in_memory)
    """Who passed this zone; without a file it is known until the controller ends."""

    def close(self) -> None:
        """Close all of them."""
        self.nonces.close()
        self.outbox.close()
        self.memory.close()
        self.passage_log.close()
