"""Which process works in a folder now, and whether it has a connection: read from /proc, nothing is disturbed.

A user of the broker has one connection: to sign in as a device that runs would throw it out.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_ESTABLISHED: Final = "01"
_REMOTE, _STATE, _INODE = 2, 3, 9


def find_process(folder: Path) -> int | None:
    """Return the id of another process that has a file below `folder` open, or None (also where none may be seen)."""
    inside = f"{folder.resolve()}/"
    for process in _PROC.iterdir():
        is_another = process.name.isdecimal() and int(process.name) != os.getpid()
        if is_another and any(target.startswith(inside) for target in _open_files(process)):
            return int(process.name)
    return None


def find_holders(device: Path) -> list[int]:
    """Return the ids of other processes that have a device open, as far as this account may see them."""
    # Not `Path.resolve`, which fails where a folder on the way is closed to this account.
    name = os.path.realpath(device)
    try:
        itself = Path(name).stat()
    except OSError:
        return []
    others = (int(one.name) for one in _PROC.iterdir() if one.name.isdecimal() and int(one.name) != os.getpid())
    return sorted(process for process in others if _has_open(_PROC / str(process), name, itself))


def read_command(process: int) -> list[str]:
    """Return the words of a process's command line; none where it has ended."""
    with contextlib.suppress(OSError):
        return [os.fsdecode(word) for word in (_PROC / str(process) / "cmdline").read_bytes().split(b"\0") if word]
    return []


def has_connection(process: int, port: int) -> bool:
    """Whether the process has a TCP connection to `port` of some machine."""
    folder = _PROC / str(process)
    sockets = {target[8:-1] for target in _open_files(folder) if target.startswith("socket:[")}
    return any(
        row[_STATE] == _ESTABLISHED and int(row[_REMOTE].rpartition(":")[2], 16) == port and row[_INODE] in sockets
        for name in ("tcp", "tcp6")
        for row in _read_rows(folder / "net" / name)
    )


def _has_open(process: Path, name: str, device: os.stat_result) -> bool:
    with contextlib.suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                # A container has devices of the same names that are others.
                if str(descriptor.readlink()) == name and os.path.samestat(descriptor.stat(), device):
                    return True
    return False


def _open_files(process: Path) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                yield str(descriptor.readlink())


def _read_rows(file: Path) -> Iterator[list[str]]:
    with contextlib.suppress(OSError):
        for line in file.read_text(encoding="ascii").splitlines()[1:]:
            yield line.split()
