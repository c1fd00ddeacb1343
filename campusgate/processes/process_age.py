"""How long ago this command was typed."""

import os
import time
from pathlib import Path

_STARTED_FIELD = 21
"""Of `/proc/PID/stat`, counted from 0 (proc(5): `starttime`, in clock ticks after the machine started)."""


def read_process_age_s() -> float:
    """Return the seconds since this process was started, also those in which it was stopped or the machine slept."""
    # The second field is the command in brackets, which may hold blanks of its own.
    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    ticks = int(fields[_STARTED_FIELD - 2])
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))
