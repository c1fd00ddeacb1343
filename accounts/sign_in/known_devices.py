"""Devices from which a person has signed in before, so that a stranger's guesses do not keep them out.

Such a device keeps a token, `cgn_<device>_<mac>`, that is good for one person: it opens nothing, but wrong tries from
anywhere else do not count for whoever shows it with the right password. Nothing of it is stored.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from uuid import UUID

_TOKEN = re.compile(r"cgn_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class KnownDevices:
    """Makes and recognises tokens of devices."""

    key: bytes = field(repr=False)

    def recognise(self, token: str | None, person_id: UUID | None) -> str | None:
        """Return the device's name when this person signed in on it before."""
        match = _TOKEN.fullmatch(token or "")
        if match is None or person_id is None:
            return None
        return match[1] if hmac.compare_digest(self._mac(match[1], person_id), match[2]) else None

    def remember(self, token: str | None, person_id: UUID) -> str:
        """Return the token that a device keeps: the one it has, or a new one."""
        known = self.recognise(token, person_id)
        device = known or secrets.token_hex(16)
        return f"cgn_{device}_{self._mac(device, person_id)}"

    def _mac(self, device: str, person_id: UUID) -> str:
        mac = hmac.digest(self.key, bytes.fromhex(device) + person_id.bytes, hashlib.sha256)
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")
