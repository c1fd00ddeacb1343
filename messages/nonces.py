"""Nonces that survive a restart: those handed out by a signer, those seen by a verifier.

SQLite with `synchronous=FULL`: what `accept` has answered is on disk before the caller acts on it. On a disk that fails
it is in memory, which is as safe: a command is bound to the boot of the controller, so none is good after a restart.
"""

import sqlite3
import threading
from pathlib import Path

import structlog

from database.durable_file import open_durable, require_sound
from errors import OperatorError

log = structlog.get_logger()

RESERVE = 10_000_000
"""How far ahead a signer writes: one write to disk covers this many numbers (ten seconds of microseconds)."""


class NonceStoreError(OperatorError):
    """The file of nonces cannot be opened, or is damaged."""


class NonceStore:
    """The largest nonce of each sender, in one file. Safe for threads; one process at a time."""

    def __init__(self, path: Path) -> None:
        """Open or make the file.

        Raises:
            NonceStoreError: it cannot be opened, or it is damaged.
        """
        self._lock = threading.Lock()
        self._path = path
        self._issued: dict[str, tuple[int, int]] = {}
        self._in_memory: dict[tuple[str, str], int] = {}
        self.unwritten = False
        """Whether the last number is in memory only."""
        try:
            self._connection = open_durable(path)
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS nonces ("
                " role TEXT NOT NULL, sender TEXT NOT NULL, largest INTEGER NOT NULL,"
                " PRIMARY KEY (role, sender)) WITHOUT ROWID"
            )
            for role, sender, largest in self._connection.execute("SELECT role, sender, largest FROM nonces"):
                self._in_memory[str(role), str(sender)] = int(largest)
            require_sound(path, self._connection)
        except (OSError, sqlite3.Error, ValueError) as error:
            raise NonceStoreError(f"{path}: {error}; move the file away only with the door watched") from error

    def accept(self, sender: str, nonce: int) -> bool:
        """Record `nonce` of `sender` and return True; False when it is not larger than every earlier one."""
        with self._lock:
            return self._raise_to("seen", sender, nonce)

    def next(self, sender: str, now_us: int) -> int:
        """Return a nonce for `sender` larger than every earlier one.

        It follows the clock (`now_us`, microseconds since 1970), so that a signer whose file was lost still counts on.
        """
        with self._lock:
            last, ceiling = self._issued.get(sender) or (self._largest("issued", sender),) * 2
            nonce = max(last + 1, now_us)
            if nonce > ceiling:
                ceiling = nonce + RESERVE
                self._raise_to("issued", sender, ceiling)
            self._issued[sender] = (nonce, ceiling)
            return nonce

    def last_issued(self, sender: str) -> int:
        """Return a number that no nonce handed out for `sender` exceeds; -1 when there was none."""
        with self._lock:
            issued = self._issued.get(sender)
            return self._largest("issued", sender) if issued is None else issued[0]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _largest(self, role: str, sender: str) -> int:
        kept = self._in_memory.get((role, sender), -1)
        try:
            row = self._connection.execute(
                "SELECT largest FROM nonces WHERE role = ? AND sender = ?", (role, sender)
            ).fetchone()
        except sqlite3.Error as error:
            log.error("nonce_not_read", file=self._path.name, error=str(error))
            return kept
        return max(kept, int(row[0])) if row else kept

    def _raise_to(self, role: str, sender: str, value: int) -> bool:
        if value <= self._in_memory.get((role, sender), -1):
            return False
        try:
            changed = self._connection.execute(
                "INSERT INTO nonces (role, sender, largest) VALUES (?, ?, ?) ON CONFLICT (role, sender)"
                " DO UPDATE SET largest = excluded.largest WHERE excluded.largest > nonces.largest",
                (role, sender, value),
            ).rowcount
        except sqlite3.Error as error:
            log.error("nonce_kept_in_memory", file=self._path.name, error=str(error))
            self.unwritten, changed = True, 1
        else:
            self.unwritten = False
        if changed == 1:
            self._in_memory[role, sender] = value
        return changed == 1
