"""Ids at the broker that nobody can guess: who takes a client's id throws that client out, at every broker."""

import re
import secrets
from pathlib import Path

import structlog

log = structlog.get_logger()

_RANDOM_BYTES = 8
_RANDOM_PART = re.compile(rf"[0-9a-f]{{{2 * _RANDOM_BYTES}}}")


def random_client_id(name: str) -> str:
    """Return `name` and a random part: another one for each process, so only for clients without a last will."""
    return f"{name}-{secrets.token_hex(_RANDOM_BYTES)}"


def kept_client_id(name: str, file: Path) -> str:
    """Return `name` and the random part kept in `file`, which is made when it is missing or holds something else.

    A client with a last will comes back under the id it had: the broker then ends what is left of the old connection
    at once. Under a new id the old one's will would come when its keep-alive has run out, and contradict the living.
    Where the file can be neither read nor written, the id is good until the process ends.
    """
    try:
        part = file.read_text(encoding="ascii").strip()
        if _RANDOM_PART.fullmatch(part):
            return f"{name}-{part}"
    except (OSError, ValueError):
        part = ""
    made = random_client_id(name)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_text(made.rpartition("-")[2], encoding="ascii")
    except OSError as error:
        log.warning("client_id_not_kept", client=name, error=error.strerror)
    return made


def without_random_part(client_id: str) -> str:
    """Return what may be logged of an id: whoever reads the log shall not be able to take it."""
    name, _, part = client_id.rpartition("-")
    return name if name and _RANDOM_PART.fullmatch(part) else client_id
