"""What the server says of a zone's passages to each gate of it that must know them, signed.

The message travels in the envelope of `messages.envelope`. Its signature says that the server made it, `at` how old it
is: whoever has the broker can hold messages back or play them again, and make a gate ask, but not keep it from asking.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field

from messages.envelope import Purpose, SignedMessage, has_signature, seal
from messages.keys import TrustedKey
from messages.signed_codes import STAFF_SENDER
from messages.wire import Message, Moment, Name


class ZoneHeartbeat(Message):
    """As of `at` the passages of a zone stand at `revision`: a gate that holds it knows all of them, and need not ask.

    `inside` counts everybody in the zone. `forgiven_before`: passages up to then are forgiven to everybody.
    """

    site: Name
    zone: Name
    revision: Annotated[int, Field(ge=0)]
    inside: Annotated[int, Field(ge=0)]
    forgiven_before: Moment | None = None
    at: Moment
    """By the server's clock, before it looked: what was stored by then is counted in."""


class HeartbeatNotBelievedError(Exception):
    """The server did not sign it for this site; the text says why."""


def seal_zone_heartbeat(key: Ed25519PrivateKey, heartbeat: ZoneHeartbeat) -> bytes:
    """Return the bytes of `heartbeat`, signed with the key that gates trust as `STAFF_SENDER`."""
    return seal(key, STAFF_SENDER, Purpose.ZONE_HEARTBEAT, heartbeat)


def open_zone_heartbeat(
    payload: bytes, trusted: Mapping[str, TrustedKey], *, site: str, now: datetime
) -> ZoneHeartbeat:
    """Return the heartbeat in `payload`; how old it is, and of which zone, is for the caller to look at.

    Keys count as they do at `now` (aware).

    Raises:
        HeartbeatNotBelievedError: no trusted key, a wrong signature, or another site's.
        MalformedMessageError: no heartbeat.
    """
    envelope = SignedMessage.decode(payload)
    key = trusted.get(STAFF_SENDER)
    if envelope.sender != STAFF_SENDER or key is None:
        raise HeartbeatNotBelievedError(f"not the server's, or {STAFF_SENDER!r} is not trusted here")
    if not has_signature(key, Purpose.ZONE_HEARTBEAT, envelope, now):
        raise HeartbeatNotBelievedError("the signature does not hold")
    heartbeat = ZoneHeartbeat.decode(envelope.body.encode(errors="surrogatepass"))
    if heartbeat.site != site:
        raise HeartbeatNotBelievedError(f"it is of the site {heartbeat.site!r}")
    return heartbeat
