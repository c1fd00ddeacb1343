"""Running a package manager."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from models.sources.error import SourceError

_TIMEOUT_SECONDS = 1800
_LINES_SHOWN = 3


def run(command: Sequence[str], *, cwd: Path, name: str) -> None:
    """Run a package manager to its end.

    Raises:
        SourceError: it is missing, failed or hung; the message carries the last lines it said.
    """
    try:
        result = subprocess.run(
            command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except FileNotFoundError:
        raise SourceError(f"{name} is not installed") from None
    except subprocess.TimeoutExpired:
        raise SourceError(f"{name} gave no answer within {_TIMEOUT_SECONDS // 60} minutes") from None
    if result.returncode:
        raise SourceError(f"{name}: {_reason(result.stderr.decode(errors='replace'))}")


def _reason(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "err" in line.lower()]
    return " / ".join((errors or lines)[-_LINES_SHOWN:]) or "it failed without a word"
