"""Processor time and memory of a process, from `/proc`."""

import os
from pathlib import Path


def processor_s(pid: int) -> float:
    """Return the processor time that a process has taken so far, all of its threads together."""
    # The name in brackets may hold spaces; user and system time are the 12th and 13th figure behind it.
    figures = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(figures[11]) + int(figures[12])) / os.sysconf("SC_CLK_TCK")


def resident_kb(pid: int) -> int:
    """Return the memory of a process that is in use, in KiB."""
    return _status_kb(pid, "VmRSS:")


def peak_mb(pid: int) -> float:
    """Return the most memory that a process has held, in MiB; `getrusage` would count its parent's before the start."""
    return _status_kb(pid, "VmHWM:") / 1024


def _status_kb(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))
