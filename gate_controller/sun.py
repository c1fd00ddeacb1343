"""Cards that prove their key: the SUN message of an NTAG 424 DNA. Pure functions, and the keys of a site.

Such a card writes into each reading its encrypted UID and a counter, and a MAC over them. The formulas are those of
NXP AN12196 (secure unique NFC: session key, MAC) and AN10922 (a key of its own for each card, AES-128).
"""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from errors import OperatorError

KEY_BYTES = 16
_UID_BYTES, _COUNTER_BYTES = 7, 3
_PICC_TAG = 0xC7
"""UID mirrored, counter mirrored, UID of seven bytes."""
_SESSION_MAC = bytes.fromhex("3CC300010080")
_FIELD = re.compile(r"(?:^|[?&\s])(picc_data|cmac)=([0-9A-Fa-f]*)(?=[&#\s]|$)", re.IGNORECASE)


class ProofError(Exception):
    """The card has not proved its key. The message names no part of the card's data."""


class ProofKeyError(OperatorError):
    """The file of the site's card keys cannot be used; the message says how to mend it."""


@dataclass(frozen=True, slots=True)
class SunMessage:
    """What a card wrote: the encrypted UID and counter (16 bytes), and the MAC (8 bytes)."""

    picc_data: bytes = field(repr=False)
    mac: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProvenCard:
    """A card whose MAC is right. It is fresh only if `counter` is above every earlier one of this card."""

    uid: bytes = field(repr=False)
    counter: int


@dataclass(frozen=True, slots=True)
class ProofKeys:
    """A site's keys: one that opens the encrypted UID of every card, and one from which each card's own is made."""

    meta_read: bytes = field(repr=False)
    file_read: bytes = field(repr=False)
    system: bytes = b"campusgate"
    """The system identifier in each card's own key."""


def parse_sun(text: str) -> SunMessage | None:
    """Return the SUN message in a text or address as the reader gave it, None when there is none.

    The fields of the address may come in any order and among others; each once.
    """
    found = [(name.lower(), value) for name, value in _FIELD.findall(text)]
    fields = dict(found)
    picc_data, mac = fields.get("picc_data", ""), fields.get("cmac", "")
    if len(found) != len(fields) or len(picc_data) != 32 or len(mac) != 16:
        return None
    return SunMessage(bytes.fromhex(picc_data), bytes.fromhex(mac))


def cmac(key: bytes, message: bytes) -> bytes:
    """AES-CMAC (RFC 4493)."""
    one = CMAC(algorithms.AES(key))
    one.update(message)
    return one.finalize()


def diversified_key(master: bytes, diversification: bytes) -> bytes:
    """Return a card's own key: AN10922 for AES-128.

    Raises:
        ValueError: the input is shorter than 16 or longer than 31 bytes; a shorter one would be padded otherwise.
    """
    if not 16 <= len(diversification) <= 31:
        raise ValueError("a diversification input has 16 to 31 bytes")
    return cmac(master, b"\x01" + diversification)


def diversification_input(uid: bytes, system: bytes) -> bytes:
    """Return UID and system identifier, filled with zeros to the least length."""
    return (uid + system).ljust(16, b"\x00")


def verify_sun(message: SunMessage, meta_read: bytes, file_read: Callable[[bytes], bytes]) -> ProvenCard:
    """Return the card that wrote `message`; `file_read` returns the card's own key for its UID.

    Raises:
        ProofError: the data are none of this site's cards, or the MAC is wrong.
    """
    decryptor = Cipher(algorithms.AES(meta_read), modes.CBC(bytes(KEY_BYTES))).decryptor()
    plain = decryptor.update(message.picc_data) + decryptor.finalize()
    if plain[0] != _PICC_TAG:
        raise ProofError("the card's data are not of this site")
    uid, counter = plain[1 : 1 + _UID_BYTES], plain[1 + _UID_BYTES : 1 + _UID_BYTES + _COUNTER_BYTES]
    session = cmac(file_read(uid), _SESSION_MAC + uid + counter)
    # Of the sixteen bytes only every second one is sent.
    if not hmac.compare_digest(cmac(session, b"")[1::2], message.mac):
        raise ProofError("the card's proof is wrong")
    return ProvenCard(uid, int.from_bytes(counter, "little"))


def verify_with(keys: ProofKeys, message: SunMessage) -> ProvenCard:
    """Return the card that wrote `message`, each card with its own key.

    Raises:
        ProofError: it is none of this site's.
    """
    return verify_sun(
        message, keys.meta_read, lambda uid: diversified_key(keys.file_read, diversification_input(uid, keys.system))
    )


def read_proof_keys(path: Path) -> ProofKeys:
    """Read a file of two lines, each 32 hexadecimal digits: the key of the encrypted UID, and the master key.

    Raises:
        ProofKeyError: unreadable, readable for others, or not two keys.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise ProofKeyError(f"{path} can be read by others: chmod 600 {path}")
        lines = path.read_text(encoding="ascii").split()
        meta_read, file_read = (bytes.fromhex(line) for line in lines)
    except OSError as error:
        raise ProofKeyError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ProofKeyError(f"{path} holds two lines of 32 hexadecimal digits each") from error
    if {len(meta_read), len(file_read)} != {KEY_BYTES}:
        raise ProofKeyError(f"{path} holds two lines of 32 hexadecimal digits each")
    return ProofKeys(meta_read, file_read)
