"""Which heartbeat of a controller is news: one that is played back must not let a dead controller seem alive.

And whether two controllers speak for one shower, as after an SD card was copied: two starts that both go on.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from uuid import UUID

from messages.metering import DeviceHeartbeat

_REMEMBERED_BOOTS = 8
_NO_ACCIDENT = 2
"""Heartbeats of a start that another had followed. A single one may have been late at the broker."""


@dataclass(slots=True)
class _Latest:
    boot_id: UUID
    seq: int
    earlier: OrderedDict[UUID, int] = field(default_factory=OrderedDict)
    """The starts before, each with its latest heartbeat."""
    went_on: int = 0
    """Heartbeats of earlier starts that nobody had heard before."""


class HeartbeatOrder:
    """The latest heartbeat of each controller since the server's start. Safe for threads.

    After a restart of the server the first one heard counts; of what it says nothing has an effect twice.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: dict[UUID, _Latest] = {}

    @property
    def twice(self) -> frozenset[UUID]:
        """The showers in whose name two controllers speak."""
        with self._lock:
            return frozenset(device for device, latest in self._latest.items() if latest.went_on >= _NO_ACCIDENT)

    def is_new(self, heartbeat: DeviceHeartbeat) -> bool:
        """Tell whether it is of this start of the controller and later than all before, or of a new start."""
        with self._lock:
            latest = self._latest.get(heartbeat.device)
            if latest is None:
                return True
            if heartbeat.boot_id == latest.boot_id:
                return heartbeat.seq > latest.seq
            return heartbeat.boot_id not in latest.earlier

    def is_past(self, heartbeat: DeviceHeartbeat) -> bool:
        """Tell whether one that is newer was taken, for controllers that do not count their heartbeats as well."""
        with self._lock:
            latest = self._latest.get(heartbeat.device)
            if latest is None:
                return False
            if heartbeat.boot_id == latest.boot_id:
                return heartbeat.seq < latest.seq
            return heartbeat.boot_id in latest.earlier

    def taken(self, heartbeat: DeviceHeartbeat) -> None:
        """Note that it was taken."""
        with self._lock:
            latest = self._latest.setdefault(heartbeat.device, _Latest(heartbeat.boot_id, heartbeat.seq))
            if heartbeat.boot_id != latest.boot_id:
                latest.earlier[latest.boot_id] = latest.seq
                if len(latest.earlier) > _REMEMBERED_BOOTS:
                    latest.earlier.popitem(last=False)
                latest.boot_id = heartbeat.boot_id
            latest.seq = heartbeat.seq

    def is_second_voice(self, heartbeat: DeviceHeartbeat) -> bool:
        """Note one that is not new; True once for each shower, when a start goes on that another had followed."""
        with self._lock:
            latest = self._latest.get(heartbeat.device)
            known = None if latest is None else latest.earlier.get(heartbeat.boot_id)
            if latest is None or known is None or heartbeat.seq <= known:
                return False
            latest.earlier[heartbeat.boot_id] = heartbeat.seq
            latest.went_on += 1
            return latest.went_on == _NO_ACCIDENT
