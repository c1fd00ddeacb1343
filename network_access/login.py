"""Whether somebody may log in at a computer room or on the internet: password, account, other sessions, time left.

What was typed is checked as at every sign-in: wrong tries lock the password where they come from, which here is the
computer at its switch, so that a stranger at one seat locks nobody out at another.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import passwords, people
from accounts.passwords import Claimant
from accounts.payments import merchants
from accounts.people import spelling
from network_access import login_class
from network_access.asking import Asking
from network_access.charging import find_time_s
from network_access.tables import NetworkSession
from network_access.vocabulary import LoginRefusal, NetworkService, NetworkSessionState
from web.rate_limits import TooManyTriesError

_LEAST_S: Final = 60
"""Nobody is let in for less: the first report would come when the time is over."""
_OTHER_WAYS: Final = ("CHAP-Password", "MS-CHAP-Response", "MS-CHAP2-Response", "EAP-Message")


class LoginRefusedError(Exception):
    """Nobody is let in."""

    def __init__(self, refusal: LoginRefusal) -> None:
        """Keep the reason."""
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Granted:
    """A login: its Class, and how long it may last."""

    login_class: bytes
    lasts_s: int


def log_in(asked: Asking) -> Granted:
    """Check a login, which takes tens of milliseconds of hashing; nothing is charged before a session is reported.

    Raises:
        LoginRefusedError: with the reason.
        UnknownMerchantError, ServiceNotOnCampusError: nobody could be paid for the time.
    """
    services, now = asked.services, asked.now
    person_id = _check_password(asked)
    with services.database.read() as session:
        person = people.get(session, person_id)
        if people.standing(person, now) != "good":
            raise LoginRefusedError(LoginRefusal.NOT_IN_USE)
        if person.kind not in asked.terms.kinds:
            raise LoginRefusedError(LoginRefusal.NOT_FOR_KIND)
        _require_few_sessions(session, asked, person_id)
        lasts_s = _find_time_left(session, asked, person_id)
    return Granted(login_class.write(person_id, now, services.class_key), lasts_s)


def find_running(session: Session, person_id: UUID, service: NetworkService) -> list[NetworkSession]:
    """Return a person's sessions of a service that are under way, the oldest first."""
    query = select(NetworkSession).where(
        NetworkSession.person_id == person_id,
        NetworkSession.service == service,
        NetworkSession.state == NetworkSessionState.RUNNING,
    )
    return list(session.scalars(query.order_by(NetworkSession.began_at, NetworkSession.id)))


def _check_password(asked: Asking) -> UUID:
    accounts, request, seat, now = asked.services.money.accounts, asked.request, asked.seat, asked.now
    number, password = request.text("User-Name"), request.text("User-Password")
    if not password and any(map(request.has, _OTHER_WAYS)):
        raise LoginRefusedError(LoginRefusal.NO_PASSWORD)
    source = f"{asked.device.actor} {seat.nas} {seat.station or seat.port or ''}"
    with accounts.database.read() as session:
        person = people.by_number(session, number)
    who = Claimant.named(spelling.number(number), person)
    try:
        accounts.guesses.count_try(source, now)
        checked = accounts.passwords.require(who, asked.terms.password, password, source=source, now=now)
    except TooManyTriesError as error:
        raise LoginRefusedError(LoginRefusal.TOO_MANY_TRIES) from error
    except passwords.PasswordLockedError as error:
        raise LoginRefusedError(LoginRefusal.LOCKED) from error
    except (passwords.PasswordWrongError, passwords.PasswordNotSetError) as error:
        raise LoginRefusedError(LoginRefusal.WRONG) from error
    if person is None:
        raise LoginRefusedError(LoginRefusal.WRONG)
    accounts.guesses.forgive_try(source, now)
    if checked.must_change:
        raise LoginRefusedError(LoginRefusal.FIRST_PASSWORD)
    return person.id


def _require_few_sessions(session: Session, asked: Asking, person_id: UUID) -> None:
    """Whoever logs in again where they sit, for the session's end was never heard, is not kept out by it."""
    running = find_running(session, person_id, asked.service)
    if sum(not asked.seat.is_same(row) for row in running) >= asked.terms.most_sessions:
        raise LoginRefusedError(LoginRefusal.TOO_MANY_SESSIONS)


def _find_time_left(session: Session, asked: Asking, person_id: UUID) -> int:
    terms, device = asked.terms, asked.device
    if terms.fen_per_hour:
        merchants.require_merchant(session, device.merchant_id, device.campus)
    lasts_s = find_time_s(session, asked.services, person_id, asked.service, now=asked.now)
    if terms.is_limited and lasts_s < _LEAST_S:
        raise LoginRefusedError(LoginRefusal.NO_CREDIT if terms.fen_per_hour else LoginRefusal.NO_TIME)
    return lasts_s
