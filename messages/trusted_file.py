"""The file of trusted keys, re-read when it changes: a key is enrolled, rotated or revoked without a restart."""

import contextlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from messages.commands import Action
from messages.keys import KeyFileError, TrustedKey, keep_owner, parse_trusted_keys, read_trusted_keys

log = structlog.get_logger()

LOOK_S = 1.0
"""How often a process looks whether the file has changed."""


class TrustedKeyFile(Mapping[str, TrustedKey]):
    """The senders in a file. One that turns unreadable changes nothing: what was trusted before goes on being."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            KeyFileError: missing, no JSON object, or a key in it is wrong.
        """
        self._path = path
        self._lock = threading.Lock()
        self._seen = self._stamp()
        self._keys: Mapping[str, TrustedKey] = read_trusted_keys(path)
        self._looked_at = time.monotonic()

    def __getitem__(self, sender: str) -> TrustedKey:
        return self._current()[sender]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def _current(self) -> Mapping[str, TrustedKey]:
        with self._lock:
            now = time.monotonic()
            if now - self._looked_at >= LOOK_S:
                self._looked_at = now
                self._look()
            return self._keys

    def _look(self) -> None:
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._keys = read_trusted_keys(self._path)
        except KeyFileError as error:
            log.error("trusted_keys_unreadable", error=str(error))
        else:
            log.info("trusted_keys_read", senders=len(self._keys))

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            state = self._path.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size, state.st_ino


def enrol(
    path: Path,
    sender: str,
    key: str,
    *,
    actions: frozenset[Action] | None,
    overlap: timedelta,
    now: datetime,
) -> datetime | None:
    """Trust `key` (base64) as `sender`'s; a key that was there counts on for `overlap`, and until then both do.

    Without `actions` the sender may ask for what it could before, or for everything when it is new. Return until when
    the key before counts, None when there was none.

    Raises:
        KeyFileError: the file or the key is wrong, or the file cannot be written.
    """
    entries = _entries(path) if path.exists() else {}
    before = entries.get(sender)
    entry: dict[str, Any] = dict(before) if isinstance(before, dict) else {"key": before} if before else {}
    until = None
    previous = [one for one in entry.get("previous", []) if datetime.fromisoformat(one["until"]) > now]
    if entry.get("key") not in {None, key}:
        until = now + overlap
        previous.append({"key": entry["key"], "until": until.isoformat()})
    entry["key"] = key
    entry["previous"] = [one for one in previous if one["key"] != key]
    if actions is not None:
        entry["actions"] = sorted(action.value for action in actions)
    entries[sender] = {name: value for name, value in entry.items() if value != []}
    parse_trusted_keys(entries)
    _write(path, entries)
    return until


def revoke(path: Path, sender: str) -> None:
    """Trust `sender` no more, with any key, at once.

    Raises:
        KeyFileError: the file does not name it, or cannot be read or written.
    """
    entries = _entries(path)
    if entries.pop(sender, None) is None:
        raise KeyFileError(f"{path} does not name {sender!r}")
    _write(path, entries)


def _entries(path: Path) -> dict[str, Any]:
    read_trusted_keys(path)
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def _write(path: Path, entries: Mapping[str, Any]) -> None:
    """Replace the file whole: nobody ever reads half of it, and whoever owned it does."""
    text = json.dumps(entries, indent=2, sort_keys=True) + "\n"
    try:
        before = path.stat() if path.exists() else None
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
                if before is not None:
                    keep_owner(file.fileno(), before)
                os.fchmod(file.fileno(), 0o644 if before is None else before.st_mode & 0o777)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise KeyFileError(f"{path} cannot be written: {error.strerror}") from error
