"""What is known of the gate computer itself: how warm it is, how much disk is left."""

import os
from pathlib import Path

_THERMAL = Path("/sys/class/thermal")


def temperature_c(thermal: Path = _THERMAL) -> float | None:
    """Return the warmest of the kernel's thermal zones in degrees Celsius, None where there is none to read."""
    found = [value for zone in sorted(thermal.glob("thermal_zone*/temp")) if (value := _read(zone)) is not None]
    return max(found, default=None)


def disk_free_mb(folder: Path) -> float | None:
    """Return the megabytes that a process without privileges may still write where `folder` is."""
    try:
        state = os.statvfs(folder)
    except OSError:
        return None
    return round(state.f_bavail * state.f_frsize / 1e6, 1)


def _read(zone: Path) -> float | None:
    try:
        return round(int(zone.read_text(encoding="ascii")) / 1000, 1)
    except (OSError, ValueError):
        return None
