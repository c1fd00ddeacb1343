"""Writes files with owner and mode at once: a secret is never readable to others in between."""

import contextlib
import grp
import os
import pwd
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from campusgate.setup.places import Places
from errors import OperatorError

ACCOUNT: Final = "campusgate"


class SetupError(OperatorError):
    """Something stands in the way of setting up; the message says what and how to mend it."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Names of an account and a group; they count on the machine itself, a trial's files are the caller's."""

    user: str
    group: str


ROOT: Final = Owner("root", "root")
READ_BY_ACCOUNT: Final = Owner("root", ACCOUNT)
OF_ACCOUNT: Final = Owner(ACCOUNT, ACCOUNT)
READ_BY_MOSQUITTO: Final = Owner("root", "mosquitto")


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes to places, and remembers what it wrote."""

    places: Places
    written: list[Path]

    def make_folder(self, path: str, owner: Owner, mode: int) -> Path:
        """Make a folder, or give the one that is there its owner and mode.

        Raises:
            SetupError: it cannot be made.
        """
        folder = self.places.at(path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._own(folder, owner)
            folder.chmod(mode)
        except OSError as error:
            raise SetupError(f"{folder} cannot be made: {error.strerror}") from error
        return folder

    def write(self, path: str, text: str | bytes, owner: Owner, mode: int) -> Path:
        """Put a file in place whole: nobody ever reads half of it.

        Raises:
            SetupError: it cannot be written.
        """
        file = self.places.at(path)
        data = text.encode() if isinstance(text, str) else text
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
            try:
                with os.fdopen(handle, "wb") as new:
                    new.write(data)
                    new.flush()
                    os.fsync(new.fileno())
                    # By the open file: whoever has the folder may have put a link in the place of its name.
                    self._own(new.fileno(), owner)
                    os.fchmod(new.fileno(), mode)
                Path(name).replace(file)
            except BaseException:
                with contextlib.suppress(OSError):
                    Path(name).unlink()
                raise
        except OSError as error:
            raise SetupError(f"{file} cannot be written: {error.strerror}") from error
        self.written.append(file)
        return file

    def _own(self, path: Path | int, owner: Owner) -> None:
        if self.places.is_machine:
            os.chown(path, _user_id(owner.user), _group_id(owner.group))


def _user_id(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError as error:
        raise SetupError(f"there is no account {name} on this machine{_HOW_TO_ADD.get(name, '')}") from error


def _group_id(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError as error:
        raise SetupError(f"there is no group {name} on this machine{_HOW_TO_ADD.get(name, '')}") from error


_HOW_TO_ADD = {
    ACCOUNT: ": systemd-sysusers makes it from /usr/lib/sysusers.d/campusgate.conf",
    "mosquitto": ": install Debian's package mosquitto, then run this again",
}
