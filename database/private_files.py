"""Files that nobody but their owner may read: 0600 in folders of 0700, whatever the process's umask says.

SQLite gives the files beside a database (`-wal`, `-shm`, `-journal`) the mode of the database itself, so it is enough
that the database is private before it is opened.
"""

import contextlib
import os
import stat
from pathlib import Path

_BESIDE = ("-wal", "-shm", "-journal")


def make_private_folder(path: Path) -> None:
    """Make a folder, and the missing ones above it, for its owner alone; one that is there already stays as it is.

    A folder that others own or share (`/var/lib`, the working directory) is not ours to close.
    """
    for missing in reversed([one for one in (path, *path.parents) if not one.exists()]):
        with contextlib.suppress(FileExistsError):
            missing.mkdir(mode=0o700)


def make_private_file(path: Path) -> None:
    """Make an empty file of mode 0600 where there is none, and take other people's rights from one that is there.

    Raises:
        OSError: it cannot be made. One that belongs to somebody else is left as it is.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    for one in (path, *(path.with_name(path.name + suffix) for suffix in _BESIDE)):
        close_to_others(one)


def open_private(path: Path, flags: int) -> int:
    """Open a file and return its descriptor; one that is made is private, and one that was not becomes so."""
    descriptor = os.open(path, flags, 0o600)
    with contextlib.suppress(PermissionError):
        os.fchmod(descriptor, 0o600)
    return descriptor


def close_to_others(path: Path) -> None:
    """Take the rights of group and others from a file, if it is there and ours."""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            path.chmod(mode & 0o700)
