"""Keys for tests: each name has one, the same at each run, and none is easy to guess."""

import base64
import hashlib


def key(name: str) -> bytes:
    """The 32 bytes of a key."""
    return hashlib.sha256(f"a test's {name}".encode()).digest()


def key_text(name: str) -> str:
    """A key as settings write it."""
    return base64.b64encode(key(name)).decode()
