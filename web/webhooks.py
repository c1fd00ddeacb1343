"""Signed posts to a program of the campus: an SMS gateway, a duty roster, a chat.

The receiver checks `X-Campusgate-Signature: t=SECONDS,v1=HEX`, where HEX is the HMAC-SHA256 of `SECONDS.BODY` under the
shared secret, and refuses a SECONDS far from its own clock. Any 2xx answer says that it was taken.
"""

import hashlib
import hmac
from datetime import datetime

SIGNATURE_HEADER = "X-Campusgate-Signature"


def signature(secret: bytes, body: bytes, at: datetime) -> str:
    """Return the signature of `body`, sent at `at`."""
    seconds = int(at.timestamp())
    digest = hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"
