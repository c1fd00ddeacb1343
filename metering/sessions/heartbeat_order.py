"""Which heartbeat of a controller is news: one that is played back must not let a dead controller seem alive."""

import threading
from collections import deque
from dataclasses import dataclass, field
from uuid import UUID

from messages.metering import DeviceHeartbeat

_REMEMBERED_BOOTS = 8


@dataclass(slots=True)
class _Latest:
    boot_id: UUID
    seq: int
    earlier: deque[UUID] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_BOOTS))


class HeartbeatOrder:
    """The latest heartbeat of each controller since the server's start. Safe for threads.

    After a restart of the server the first one heard counts; of what it says nothing has an effect twice.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: dict[UUID, _Latest] = {}

    def is_new(self, heartbeat: DeviceHeartbeat) -> bool:
        """Tell whether it is of this start of the controller and later than all before, or of a new start."""
        with self._lock:
            latest = self._latest.get(heartbeat.device)
            if latest is None:
                return True
            if heartbeat.boot_id == latest.boot_id:
                return heartbeat.seq > latest.seq
            return heartbeat.boot_id not in latest.earlier

    def taken(self, heartbeat: DeviceHeartbeat) -> None:
        """Note that it was taken."""
        with self._lock:
            latest = self._latest.setdefault(heartbeat.device, _Latest(heartbeat.boot_id, heartbeat.seq))
            if heartbeat.boot_id != latest.boot_id:
                latest.earlier.append(latest.boot_id)
                latest.boot_id = heartbeat.boot_id
            latest.seq = heartbeat.seq
