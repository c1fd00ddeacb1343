"""Notices that a key is another one than before, which would make what was stored under it silently useless.

Of each key a check value is kept, from which nothing of the key follows.
"""

import hashlib
import hmac

from sqlalchemy.orm import Session

from database.tables import KeyCheck


class KeyChangedError(Exception):
    """The key is not the one that was used with this database before."""


def require_same_key(session: Session, name: str, key: bytes) -> None:
    """Check that a key is the one that came first under this name; the first is noted.

    Raises:
        KeyChangedError: it is another.
    """
    value = hmac.digest(key, f"campusgate key check: {name}".encode(), hashlib.sha256)
    known = session.get(KeyCheck, name)
    if known is None:
        session.add(KeyCheck(name=name, value=value))
    elif not hmac.compare_digest(known.value, value):
        raise KeyChangedError
