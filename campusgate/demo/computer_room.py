"""The computer room of the demonstration: a seat, and the RADIUS server's questions as `rlm_rest` asks them."""

from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import httpx
from sqlalchemy.orm import Session

from accounts import devices
from accounts.payments import merchants
from accounts.vocabulary import DeviceRole
from campusgate.demo.api_client import checked

FEN_PER_HOUR: Final = 3_600
"""A fen a second: the day is in a hurry."""
_CAMPUS, _SERVICE = "main", "computer-room"
_ACTOR = "demonstration"


def furnish(session: Session, now: datetime) -> str:
    """Set the computer room up in a transaction; return the RADIUS server's token."""
    merchant = merchants.add(session, name="机房", campus=_CAMPUS, service=_SERVICE, by=_ACTOR, now=now)
    merchants.set_campuses(session, _SERVICE, [_CAMPUS], by=_ACTOR, now=now)
    _, token = devices.add(
        session, name="radius", role=DeviceRole.RADIUS, campus=_CAMPUS, merchant_id=merchant.id, by=_ACTOR, now=now
    )
    return token


class Seat:
    """One computer, behind a switch that asks before it lets anybody in."""

    def __init__(self, server_url: str, token: str, number: str) -> None:
        """Let somebody with this number sit down."""
        self._client = httpx.Client(
            base_url=f"{server_url}/api/v1/network/computer_room",
            headers={"Authorization": f"Bearer {token}"},
            timeout=10.0,
        )
        self._said: dict[str, Any] = {
            "User-Name": number,
            "NAS-Identifier": "机房-3",
            "NAS-Port": 12,
            "Calling-Station-Id": "02-00-00-00-00-0C",
            "Acct-Session-Id": uuid4().hex[:8],
        }

    def log_in(self, password: str) -> dict[str, Any]:
        """Return the attributes that the switch is answered with, the first value of each."""
        answer = checked(self._client.post("/authorise", json=self._write({"User-Password": password})))
        found = {name.partition(":")[2]: one["value"][0] for name, one in answer.items()}
        if "Class" in found:
            self._said["Class"] = found["Class"]
        return found

    def tell(self, status: str, seconds: int = 0) -> None:
        """Report the session."""
        packet = self._write({"Acct-Status-Type": status, "Acct-Session-Time": seconds})
        checked(self._client.post("/accounting", json=packet))

    def close(self) -> None:
        """Get up."""
        self._client.close()

    def _write(self, more: dict[str, Any]) -> dict[str, Any]:
        return {name: {"value": [value]} for name, value in (self._said | more).items()}
