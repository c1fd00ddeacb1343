"""Confirmation of a phone number by a code of six digits, sent through a port."""

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.orm import Session

from accounts import audit
from accounts.people import changes
from accounts.tables import Person, PhoneCode
from web.problems import ProblemError

LIFETIME = timedelta(minutes=5)
PAUSE = timedelta(seconds=60)
TRIES = 5


class InvalidPhoneError(ProblemError):
    """The text is no phone number."""

    code = "invalid_phone"
    status = 422
    title = "A phone number is + and 7 to 15 digits, or 11 digits of a Chinese mobile number"


class PhoneCodePauseError(ProblemError):
    """A code was sent within the last minute; `retry_after_s` says how long to wait."""

    code = "phone_code_pause"
    status = 429
    title = "A code was sent a moment ago; wait before asking for another"


class PhoneCodeWrongError(ProblemError):
    """The code is wrong, too old, or was tried too often."""

    code = "phone_code_wrong"
    status = 403
    title = "The code is wrong or has expired"


class PhoneUnavailableError(ProblemError):
    """No sender of codes is connected, or it failed."""

    code = "phone_code_unavailable"
    status = 503
    title = "Codes cannot be sent at the moment"


class CodeSender(Protocol):
    """Brings a code to a phone."""

    def send(self, phone: str, code: str) -> None:
        """Send `code`.

        Raises:
            PhoneUnavailableError: it could not be sent.
        """
        ...


def normalise(text: str) -> str:
    """Return a phone number in E.164, Chinese mobile numbers without a country code included.

    Raises:
        InvalidPhoneError: it is none.
    """
    digits = re.sub(r"[\s()-]", "", text)
    if re.fullmatch(r"1[3-9][0-9]{9}", digits):
        return f"+86{digits}"
    if re.fullmatch(r"\+[1-9][0-9]{6,14}", digits):
        return digits
    raise InvalidPhoneError


def prepare(session: Session, person: Person, phone: str, *, now: datetime) -> str:
    """Make a code for `phone` and return it for sending, after the commit.

    Raises:
        PhoneCodePauseError: one was made a moment ago.
    """
    waiting = session.get(PhoneCode, person.id, with_for_update=True)
    if waiting is not None and now < waiting.sent_at + PAUSE:
        seconds = int((waiting.sent_at + PAUSE - now).total_seconds()) + 1
        raise PhoneCodePauseError(headers={"Retry-After": str(seconds)}, retry_after_s=seconds)
    code = f"{secrets.randbelow(10**6):06}"
    waiting = waiting or PhoneCode(person_id=person.id)
    waiting.phone, waiting.digest = phone, _digest(person, code)
    waiting.sent_at, waiting.expires_at, waiting.tries = now, now + LIFETIME, 0
    session.add(waiting)
    return code


def confirm(session: Session, person: Person, code: str, *, now: datetime) -> bool:
    """Take the code that arrived; returns whether it was right. A wrong try is counted, so commit in either case."""
    waiting = session.get(PhoneCode, person.id, with_for_update=True)
    if waiting is None or now >= waiting.expires_at or waiting.tries >= TRIES:
        return False
    waiting.tries += 1
    if not hmac.compare_digest(waiting.digest, _digest(person, code)):
        return False
    set_confirmed(session, person, waiting.phone, by=audit.person_actor(person.id), now=now)
    session.delete(waiting)
    return True


def set_confirmed(session: Session, person: Person, phone: str, *, by: str, now: datetime) -> None:
    """Note a phone number that was proved to be the person's."""
    person.phone, person.phone_confirmed_at, person.updated_at = phone, now, now
    changes.record(session, person.id)
    audit.record(session, actor=by, action="person.phone_confirmed", subject=f"person:{person.id}", now=now)


def _digest(person: Person, code: str) -> bytes:
    return hashlib.sha256(person.id.bytes + code.encode()).digest()
