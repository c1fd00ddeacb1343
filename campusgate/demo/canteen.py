"""The canteen of the demonstration: a till that reads the codes that people show."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
from sqlalchemy.orm import Session

from accounts import devices
from accounts.payments import merchants
from accounts.vocabulary import DeviceRole
from campusgate.demo.api_client import checked

_CAMPUS, _SERVICE = "main", "canteen"
_ACTOR = "demonstration"
_PATIENCE_S: Final = 10.0


def furnish(session: Session, now: datetime) -> str:
    """Set the canteen up in a transaction; return its till's token."""
    merchant = merchants.add(session, name="食堂", campus=_CAMPUS, service=_SERVICE, by=_ACTOR, now=now)
    merchants.set_campuses(session, _SERVICE, [_CAMPUS], by=_ACTOR, now=now)
    _, token = devices.add(
        session, name="till-1", role=DeviceRole.TERMINAL, campus=_CAMPUS, merchant_id=merchant.id, by=_ACTOR, now=now
    )
    return token


class Till:
    """A terminal, which a code is held to."""

    def __init__(self, server_url: str, token: str) -> None:
        """Switch it on."""
        headers = {"Authorization": f"Bearer {token}"}
        self._client = httpx.Client(base_url=f"{server_url}/api/v1", headers=headers, timeout=_PATIENCE_S)

    def scan(self, code: str, fen: int) -> tuple[UUID, str]:
        """Take a payment by a code; return its id, and what became of it."""
        payment_id = uuid4()
        body: dict[str, Any] = {"id": str(payment_id), "amount": fen, "code": code}
        return payment_id, str(checked(self._client.post("/payments", json=body))["state"])

    def close(self) -> None:
        """Switch it off."""
        self._client.close()
