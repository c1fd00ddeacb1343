"""Whether somebody else speaks in one's own name: an SD card that was copied makes two controllers of one gate."""

from uuid import UUID

from messages.status import Availability, ProcessStatus


class TwinWatch:
    """Listens to the availability that carries one's own name."""

    def __init__(self, boot_id: UUID) -> None:
        self._boot_id = boot_id
        self._takeovers = 0
        self._told: set[UUID] = set()

    def heard(self, message: Availability, *, retained: bool, connections: int) -> bool:
        """Return True, once for each boot, when another process is online in our name.

        `connections`: how often we have connected. What the broker kept from before our first presence may be our own
        last life; what it keeps at later connections took our place, and twice is no accident.
        """
        if message.boot_id == self._boot_id or message.status is not ProcessStatus.ONLINE:
            return False
        if retained:
            if connections < 2:
                return False
            self._takeovers += 1
            if self._takeovers < 2:
                return False
        if message.boot_id in self._told:
            return False
        self._told.add(message.boot_id)
        return True
