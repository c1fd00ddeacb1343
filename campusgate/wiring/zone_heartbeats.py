"""From settings to what tells gates how their zones stand."""

from collections.abc import Callable

from bus import Connection
from campusgate.settings import Settings
from database import Database
from messages import read_private_key
from operations.zone_heartbeats import ZoneHeartbeats


def make_zone_heartbeats(
    settings: Settings, bus: Connection, database: Database, *, clock_believed: Callable[[], bool]
) -> ZoneHeartbeats | None:
    """Return what says it, or None where the server has no key of its own: then gates ask.

    Raises:
        KeyFileError: the key cannot be used.
    """
    if settings.signing_key_file is None:
        return None
    key = read_private_key(settings.signing_key_file)
    return ZoneHeartbeats(bus, settings.site, database, key, clock_believed=clock_believed)
