"""What a kiosk's browser keeps: the device's token, and who stands there now, where no script can read it.

Both are limited to the kiosk's own addresses. A visit is signed, short, and ended by whoever leaves.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from fastapi import Request, Response

from accounts.cards.uid_forms import UidForm
from accounts.sign_in.access_tokens import derive_key

DEVICE_COOKIE = "campusgate_kiosk"
VISIT_COOKIE = "campusgate_kiosk_visit"
PATH = "/console/kiosk"
_KEPT_S = 34_560_000
"""400 days, the longest that browsers keep a cookie; it is renewed with each visit."""

IDLE = timedelta(seconds=90)
"""How long nobody has to touch the screen until a visit is over; the page counts the same."""
LONGEST = timedelta(minutes=10)
"""How long a visit may last in all; a top-up in a slow app takes some minutes."""


class Means(StrEnum):
    """How the holder became known, which decides what they may see."""

    CARD = "card"
    """A card or a code was shown: money can be paid in, and nothing is told."""
    NUMBER = "number"
    """Number and query password were right."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Who stands at the kiosk."""

    device_id: UUID
    person_id: UUID
    means: Means
    began_at: datetime
    seen_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether nobody has touched the screen for too long, or the visit lasts too long."""
        return not (self.seen_at <= now < self.seen_at + IDLE and now < self.began_at + LONGEST)


def set_device(response: Response, token: str, reader: UidForm, *, secure: bool) -> None:
    """Pair the browser with a kiosk, whose reader types cards' numbers in the form `reader`."""
    response.set_cookie(
        DEVICE_COOKIE,
        f"{token}.{reader.value}",
        path=PATH,
        max_age=_KEPT_S,
        httponly=True,
        samesite="strict",
        secure=secure,
    )


def read_device(request: Request) -> tuple[str, UidForm]:
    """Return the token that the browser keeps, empty where it keeps none, and how its reader writes numbers."""
    token, _, reader = request.cookies.get(DEVICE_COOKIE, "").partition(".")
    known = reader in set(UidForm)
    return token, UidForm(reader) if known else UidForm.HEXADECIMAL


def set_visit(response: Response, visit: Visit, secret: bytes, *, secure: bool) -> None:
    """Keep who stands there; the browser forgets it when it ends."""
    fields = [visit.device_id.hex, visit.person_id.hex, visit.means.value]
    fields += [str(int(at.timestamp())) for at in (visit.began_at, visit.seen_at)]
    body = json.dumps(fields, separators=(",", ":")).encode()
    value = f"{_encode(body)}.{_encode(_sign(body, secret))}"
    response.set_cookie(VISIT_COOKIE, value, path=PATH, httponly=True, samesite="strict", secure=secure)


def clear_visit(response: Response) -> None:
    """Forget who stood there."""
    response.delete_cookie(VISIT_COOKIE, path=PATH, httponly=True, samesite="strict")


def read_visit(request: Request, device_id: UUID, secret: bytes, *, now: datetime) -> Visit | None:
    """Return the visit that goes on at this kiosk, or None."""
    body, _, signature = request.cookies.get(VISIT_COOKIE, "").partition(".")
    try:
        plain, signed = _decode(body), _decode(signature)
        if not hmac.compare_digest(_sign(plain, secret), signed):
            return None
        device, person, means, began, seen = json.loads(plain)
        visit = Visit(UUID(device), UUID(person), Means(means), _moment(began), _moment(seen))
    except ValueError:
        return None
    return visit if visit.device_id == device_id and not visit.is_over(now) else None


def _moment(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _sign(body: bytes, secret: bytes) -> bytes:
    return hmac.digest(derive_key(secret, "kiosk-visits"), body, hashlib.sha256)


def _encode(plain: bytes) -> str:
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
