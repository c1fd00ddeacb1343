"""Where things stand on a machine: as Debian has them, or all of it below one folder for a trial."""

import re
import sys
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Final

_ROOTS: Final = ("/etc/", "/var/lib/", "/var/cache/", "/var/backups/", "/var/log/", "/run/", "/usr/lib/", "/root/")
_PROGRAM: Final = "/opt/campusgate/bin/campusgate"
_MOVED: Final = re.compile(
    rf"(?<![\w./-])(?:{re.escape(_PROGRAM)}|(?:{'|'.join(map(re.escape, _ROOTS))}))", re.MULTILINE
)


@dataclass(frozen=True)
class Places:
    """`under` None: the machine itself. Else a folder that stands for `/` in every path that is written."""

    under: Path | None = None

    def at(self, path: str) -> Path:
        """Return where the absolute `path` is."""
        return Path(path) if self.under is None else self.under / path.lstrip("/")

    def moved(self, text: str) -> str:
        """Return the text of a shipped file with its paths where they are here, and the program that runs now."""

        def move(found: re.Match[str]) -> str:
            if found[0] == _PROGRAM:
                return str(self.program)
            return found[0] if self.under is None else f"{self.at(found[0])}/"

        return _MOVED.sub(move, text)

    def read_shipped(self, name: str) -> str:
        """Return the file `name` of `deploy/`, moved."""
        return self.moved((resources.files("deploy") / name).read_text(encoding="utf-8"))

    @cached_property
    def program(self) -> Path:
        """The `campusgate` that runs now, beside its Python."""
        return Path(sys.executable).absolute().parent / "campusgate"

    @property
    def is_machine(self) -> bool:
        """Whether this is the machine itself, where files have owners."""
        return self.under is None

    @property
    def has_systemd(self) -> bool:
        """Whether units can be started here."""
        return self.is_machine and Path("/run/systemd/system").is_dir()
