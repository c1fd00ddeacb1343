"""Disconnect-Request (RFC 5176) to the device that has a session, by `pyrad`.

`pyrad` brings no dictionary, and leaves the Message-Authenticator out of everything but Access-Request: both are here.
A wrong secret is answered as nobody at all is: with silence.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
from pyrad import packet
from pyrad.client import Client, Timeout
from pyrad.dictionary import Dictionary
from pyrad.packet import PacketError

from network_access.vocabulary import DisconnectOutcome

log = structlog.get_logger()

PORT: Final = 3799
"""Of RFC 5176."""
_ANSWERS_WITHIN_S: Final = 1.0
_TRIES: Final = 3
_SESSION_NOT_FOUND: Final = 503
"""Session Context Not Found (RFC 5176, section 3.6)."""

_DICTIONARY: Final = """
ATTRIBUTE User-Name 1 string
ATTRIBUTE NAS-IP-Address 4 ipaddr
ATTRIBUTE Calling-Station-Id 31 string
ATTRIBUTE NAS-Identifier 32 string
ATTRIBUTE Acct-Session-Id 44 string
ATTRIBUTE Event-Timestamp 55 integer
ATTRIBUTE Message-Authenticator 80 octets
ATTRIBUTE Error-Cause 101 integer
"""


@dataclass(frozen=True, slots=True)
class Nas:
    """A switch, access point or gateway that takes Disconnect-Requests; `name` is what it calls itself."""

    name: str
    address: str
    secret: bytes = field(repr=False)
    port: int = PORT


@dataclass(frozen=True, slots=True)
class Named:
    """What a device knows a session by."""

    nas: str
    nas_address: str | None
    number: str
    user_name: str
    station: str | None


class DisconnectClient:
    """Sends Disconnect-Requests, one after the other."""

    def __init__(self, known: Sequence[Nas], *, answers_within_s: float = _ANSWERS_WITHIN_S) -> None:
        """Take whom it may send to."""
        self._by_name: Mapping[str, Nas] = {one.address: one for one in known} | {one.name: one for one in known}
        self._answers_within_s = answers_within_s
        self._dictionary = Dictionary(io.StringIO(_DICTIONARY))

    def find(self, named: Named) -> Nas | None:
        """Return the device that has a session, by its name or its address."""
        return self._by_name.get(named.nas) or self._by_name.get(named.nas_address or "")

    def disconnect(self, named: Named) -> DisconnectOutcome:
        """Ask the device to end a session; takes seconds when it does not answer."""
        nas = self.find(named)
        if nas is None:
            return DisconnectOutcome.NO_ADDRESS
        client = Client(
            server=nas.address,
            coaport=nas.port,
            secret=nas.secret,
            dict=self._dictionary,
            retries=_TRIES,
            timeout=self._answers_within_s,
        )
        request = client.CreateCoAPacket(code=packet.DisconnectRequest)
        request["User-Name"] = named.user_name
        request["Acct-Session-Id"] = named.number
        if named.nas != named.nas_address:
            request["NAS-Identifier"] = named.nas
        if named.station is not None:
            request["Calling-Station-Id"] = named.station
        request.add_message_authenticator()
        try:
            answer = client.SendPacket(request)
        except (Timeout, OSError, PacketError) as error:
            log.warning("network_disconnect_not_answered", nas=nas.name, error=type(error).__name__)
            return DisconnectOutcome.NO_ANSWER
        finally:
            client._CloseSocket()  # noqa: SLF001 - it has no other way to be closed
        if answer.code == packet.DisconnectACK:
            return DisconnectOutcome.DONE
        causes = answer.get("Error-Cause", [])
        return DisconnectOutcome.UNKNOWN_SESSION if _SESSION_NOT_FOUND in causes else DisconnectOutcome.REFUSED
