"""The commands, one file for each group. A file has `register(app)`, which adds its commands to the command line.

Heavy imports (OpenCV, ONNX Runtime, SQLAlchemy) stand inside the command that needs them, so that `--help` is instant.
"""

import json
import sys
from typing import Any

databases_used: list[str] = []
"""The databases that the command now running works on; told when it has succeeded."""


class CommandError(Exception):
    """A command cannot do its job; the message is one line that says what is wrong and how to mend it (exit code 2)."""


def print_json(value: Any) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")
