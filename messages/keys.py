"""Ed25519 keys in files: a private key of one's own, and the public keys one trusts."""

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from errors import OperatorError
from messages.commands import Action


class KeyFileError(OperatorError):
    """A key file is missing, unreadable, readable by others, or holds something else; the message says which."""


@dataclass(frozen=True, slots=True)
class PreviousKey:
    """A key that was replaced; it counts until then."""

    key: Ed25519PublicKey
    until: datetime


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A sender's public key, what the sender may ask for, and keys before it whose overlap has not ended."""

    key: Ed25519PublicKey
    actions: frozenset[Action] = frozenset(Action)
    previous: tuple[PreviousKey, ...] = ()

    def valid_at(self, now: datetime) -> tuple[Ed25519PublicKey, ...]:
        """Return the keys that count at `now` (aware)."""
        return (self.key, *(one.key for one in self.previous if now < one.until))


def make_private_key(path: Path) -> Ed25519PrivateKey:
    """Write a fresh private key to `path` (PEM, mode 0600), which must not exist.

    Raises:
        KeyFileError: the file exists or cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    except FileExistsError as error:
        raise KeyFileError(f"{path} exists already; a key is never overwritten, choose another name") from error
    except OSError as error:
        raise KeyFileError(f"{path} cannot be written: {error.strerror}") from error
    return key


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key.

    Raises:
        KeyFileError: missing, no Ed25519 key, or readable by others than its owner.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise KeyFileError(f"{path} can be read by others; run: chmod 600 {path}")
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}; make a key with: campusgate keys make") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path} holds no private key; make one with: campusgate keys make") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path} holds a key of another kind; an Ed25519 key is needed: campusgate keys make")
    return key


def public_key_text(key: Ed25519PrivateKey | Ed25519PublicKey) -> str:
    """Return the public key as 44 base64 characters, as a file of trusted keys holds it."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return base64.b64encode(public.public_bytes_raw()).decode()


def rotate_private_key(path: Path) -> Ed25519PrivateKey:
    """Make the key that shall follow the one in `path`, beside it as `path` with `.next`; return it.

    Raises:
        KeyFileError: `path` holds no key, or a next one was made already.
    """
    read_private_key(path)
    return make_private_key(_next_of(path))


def finish_rotation(path: Path) -> Ed25519PrivateKey:
    """Put the key that `rotate_private_key` made in the place of the one in `path`, which is gone for good.

    Raises:
        KeyFileError: there is no next key, or it cannot be put in place.
    """
    key = read_private_key(_next_of(path))
    try:
        if path.exists():
            _give_to_owner_of(path, _next_of(path))
        _next_of(path).replace(path)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be replaced: {error.strerror}") from error
    return key


def keep_owner(descriptor: int, before: os.stat_result) -> None:
    """Give an open file owner and group of the one that it will replace: root renews what a process's account reads.

    An open one, as that account may have put a link to any other in the place of its name.

    Raises:
        OSError: whoever runs this may not.
    """
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        os.fchown(descriptor, before.st_uid, before.st_gid)


def parse_trusted_keys(entries: Mapping[str, Any]) -> dict[str, TrustedKey]:
    """Read `{sender: "base64 key"}`; in place of a key may stand `{"key", "actions", "previous": [{"key", "until"}]}`.

    Raises:
        KeyFileError: a key or an action is not one; the message names the sender.
    """
    trusted = {}
    for sender, entry in entries.items():
        values = entry if isinstance(entry, dict) else {"key": entry}
        actions = values.get("actions")
        try:
            key = _public_key(values.get("key"))
            allowed = frozenset(Action) if actions is None else frozenset(Action(action) for action in actions)
            previous = tuple(
                PreviousKey(_public_key(one["key"]), _aware(one["until"])) for one in values.get("previous", ())
            )
        except (binascii.Error, ValueError, TypeError, KeyError) as error:
            raise KeyFileError(f"trusted key of {sender!r}: {error}") from error
        trusted[sender] = TrustedKey(key, allowed, previous)
    return trusted


def _public_key(text: object) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(str(text), validate=True))


def _aware(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return at


def _next_of(path: Path) -> Path:
    return path.with_name(path.name + ".next")


def read_trusted_keys(path: Path) -> dict[str, TrustedKey]:
    """Read a JSON file of trusted keys (`parse_trusted_keys`).

    Raises:
        KeyFileError: missing, no JSON object, or a key in it is wrong.
    """
    try:
        entries = json.loads(path.read_bytes())
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise KeyFileError(f"{path} is not JSON: {error}") from error
    if not isinstance(entries, dict):
        raise KeyFileError(f"{path} is not a JSON object of the form {{sender: key}}")
    try:
        return parse_trusted_keys(entries)
    except KeyFileError as error:
        raise KeyFileError(f"{path}: {error}") from error


def _give_to_owner_of(path: Path, following: Path) -> None:
    descriptor = os.open(following, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        keep_owner(descriptor, path.stat())
    finally:
        os.close(descriptor)
