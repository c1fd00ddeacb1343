"""The commands, one file for each group. A file has `register(app)`, which adds its commands to the command line.

Heavy imports (OpenCV, ONNX Runtime, SQLAlchemy) stand inside the command that needs them, so that `--help` is instant.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from errors import OperatorError

if TYPE_CHECKING:
    from campusgate.settings import Settings
    from database import Database

databases_used: list[str] = []
"""The databases that the command now running works on; named on standard error when it has succeeded."""


class CommandError(OperatorError):
    """A command cannot do its job; the message is one line that says what is wrong and how to mend it (exit code 2)."""


def print_json(value: Any) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


@contextmanager
def open_database(settings: "Settings") -> "Iterator[Database]":
    """The configured database, which must be there, brought up to date.

    Raises:
        DatabaseUnusableError: it cannot be used.
    """
    from campusgate.wiring import database as wiring

    with wiring.open_database(settings) as database:
        databases_used.append(wiring.name_of(database))
        yield database


@contextmanager
def problems_as_errors() -> Iterator[None]:
    """Turn a problem that the HTTP API would answer with into one line.

    Raises:
        CommandError: there was one.
    """
    from web.problems import ProblemError

    try:
        yield
    except ProblemError as error:
        raise CommandError(str(error)) from error
