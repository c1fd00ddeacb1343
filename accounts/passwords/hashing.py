"""Argon2id hashes of passwords, sealed under a pepper."""

import base64
import os
import threading
from collections.abc import Sequence

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from database import Sealer, SealingError
from errors import OperatorError

SEALED = "sealed:"
_CONTEXT = b"password"


class PepperError(OperatorError):
    """A stored password is sealed under another key than the configured one: nobody could sign in."""

    def __init__(self) -> None:
        """Say which setting is meant."""
        super().__init__(
            "the stored passwords are sealed under another key: set CAMPUSGATE_PASSWORD_KEY (or "
            "CAMPUSGATE_TOKEN_SECRET, where the other was never set) to the one before, or name that one in "
            "CAMPUSGATE_PREVIOUS_PASSWORD_KEY (or CAMPUSGATE_PREVIOUS_TOKEN_SECRET)"
        )


class Hasher:
    """Argon2id with bounded memory: no more hashes run at once than there are cores.

    With a `pepper` (32 bytes, from the settings) the hash is sealed under it: whoever has the database alone cannot try
    the million passwords of six digits.
    """

    def __init__(
        self,
        *,
        time_cost: int = 2,
        memory_kib: int = 19_456,
        parallelism: int = 1,
        pepper: bytes | None = None,
        earlier_peppers: Sequence[bytes] = (),
    ) -> None:
        """Take the cost; the default is the smallest that OWASP's password storage cheat sheet names for Argon2id.

        `earlier_peppers` still open what was sealed under them; nothing more is.
        """
        self._sealer = None if pepper is None else Sealer(pepper)
        self._earlier = [Sealer(one) for one in earlier_peppers]
        argon2 = Argon2Hasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism)
        self._hash = PasswordHash((argon2,))
        self._room = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
        self._nobody = self.hash("the password of nobody")

    def hash(self, password: str) -> str:
        """Return the hash to store."""
        with self._room:
            return self.seal(self._hash.hash(password))

    def verify(self, password: str, stored: str | None) -> bool:
        """Whether `password` is the one stored; takes as long when nothing is stored."""
        plain = self._opened(stored or self._nobody)
        with self._room:
            same = self._hash.verify(password, plain)
        return same and stored is not None

    @property
    def knows_earlier_peppers(self) -> bool:
        """Whether what is stored may lie under another pepper than the one in force."""
        return bool(self._earlier)

    def seal(self, stored: str) -> str:
        """Return a stored hash sealed under the pepper, if it is not already.

        Raises:
            PepperError: it is sealed under a pepper that nobody named.
        """
        if self._sealer is None or _open(self._sealer, stored) is not None:
            return stored
        return SEALED + base64.b64encode(self._sealer.seal(self._opened(stored).encode(), _CONTEXT)).decode()

    def require_opens(self, stored: str) -> None:
        """Check that a stored hash lies under this pepper, or under none.

        Raises:
            PepperError: it does not.
        """
        self._opened(stored)

    def _opened(self, stored: str) -> str:
        """Return the hash as Argon2 knows it.

        Raises:
            PepperError: it is sealed under another pepper, or there is none.
        """
        if not stored.startswith(SEALED):
            return stored
        for sealer in (*([] if self._sealer is None else [self._sealer]), *self._earlier):
            if (plain := _open(sealer, stored)) is not None:
                return plain
        raise PepperError


def _open(sealer: Sealer, stored: str) -> str | None:
    """Return the hash that was sealed with `sealer`; None where it was not."""
    if not stored.startswith(SEALED):
        return None
    try:
        return sealer.open(base64.b64decode(stored.removeprefix(SEALED)), _CONTEXT).decode()
    except (SealingError, ValueError):
        return None
