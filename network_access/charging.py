"""What a session comes to, and the money for it: free minutes first, then what is held on the account.

Charging is the same however often and in whatever order reports come: each time the whole is computed from the longest
time that was reported, and only what is more than before is taken.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.ledger import Action, Transfer, account, record
from accounts.payments import holds, late_charges, merchants, wallet
from accounts.payments.holds import Extension
from accounts.payments.late_charges import Use
from accounts.payments.wallet import HOLD, Terminal
from network_access.services import NetworkServices
from network_access.tables import NetworkSession
from network_access.terms import ServiceTerms, cost_fen, covered_s
from network_access.vocabulary import NetworkService
from web.problems import ProblemError

log = structlog.get_logger()

_SPARE_S = 300
"""For which a hold outlives the silence after which its session is over, so that this still finds it."""
_LONGEST_HOLD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Case:
    """A session in a transaction, the terms now, and the time. The holder's wallet is locked."""

    session: Session
    services: NetworkServices
    row: NetworkSession
    terms: ServiceTerms
    now: datetime

    @property
    def terminal(self) -> Terminal:
        """Who takes the money: the merchant of the session's beginning."""
        return Terminal(self.row.device_id, self.row.merchant_id, self.row.campus)


def note_cost(case: Case) -> None:
    """Write what the session has come to into its row."""
    row = case.row
    left_s = _find_free_s(case)
    is_free = left_s is None and not row.fen_per_hour
    row.free_s = row.session_s if is_free else max(row.free_s, min(row.session_s, left_s or 0))
    row.cost = max(row.cost, cost_fen(row.session_s - row.free_s, row.fen_per_hour))


def keep_covered(case: Case) -> None:
    """Hold money for the time until after the next report, and note until when the session may go on.

    Where that is refused it may go on as long as what there is lasts.
    """
    row, terms = case.row, case.terms
    ends_at = row.began_at + terms.longest
    left_s = _find_free_s(case)
    if left_s is None and not row.fen_per_hour:
        row.covered_until = ends_at
        return
    if row.fen_per_hour:
        ahead_s = row.session_s + 2 * int(terms.interim.total_seconds())
        _keep_held(case, max(0, cost_fen(ahead_s - (left_s or 0), row.fen_per_hour) - row.billed_before))
    paid_fen = row.billed_before + row.held
    until_s = covered_s(left_s or 0, paid_fen, row.fen_per_hour)
    row.covered_until = min(ends_at, row.began_at + timedelta(seconds=until_s))


def settle(case: Case) -> None:
    """Take what the session has come to and was not taken before, and let the rest of its hold go."""
    row = case.row
    due = max(0, row.cost - row.billed_before)
    row.billed = row.billed_before + (_take_from_hold(case, row.hold_id, due) if row.hold_id else _take(case, due))
    row.held = 0


def _take_from_hold(case: Case, hold_id: UUID, fen: int) -> int:
    taken = late_charges.settle_in(
        case.session, case.services.money, case.terminal, hold_id, fen, at=case.now, now=case.now
    )
    return taken.posted + taken.late


def _take(case: Case, fen: int) -> int:
    """Take what nothing was held for: only the end was heard of, or there was no money."""
    row = case.row
    if fen <= 0:
        return 0
    if row.merchant_id is None:
        log.error("network_time_without_merchant", device=str(row.device_id), session=str(row.id))
        return 0
    use = Use(uuid5(row.id, f"unheld/{row.holds}"), row.person_id, None, None, case.now)
    return late_charges.charge_in(case.session, case.services.money, case.terminal, use, fen, now=case.now)


def _find_free_s(case: Case) -> int | None:
    """Return the free seconds that the session may have in all; None where they are not counted."""
    row, zone = case.row, case.services.zone
    if row.quota_s is None:
        return None
    used_s = _used_free_s(case.session, row.person_id, row.service, zone, at=row.began_at, but=row.id)
    return max(0, row.quota_s - used_s)


def go_on(case: Case) -> None:
    """Let a session that was thought to be over go on: what it has come to is paid, and a new hold begins."""
    row = case.row
    row.billed_before, row.hold_id, row.held = row.billed, None, 0


def _keep_held(case: Case, needed: int) -> None:
    """Hold at least `needed` fen beside what was billed before, as far as that is there."""
    row, least = case.row, case.terms.hold_fen
    if row.hold_id is not None and _has_ended(case, row.hold_id):
        # It expired while nothing could be heard.
        before = row.billed_before
        settle(case)
        go_on(case)
        needed = max(0, needed - (row.billed_before - before))
    try:
        with case.session.begin_nested():
            if row.hold_id is None:
                _begin_hold(case, dict.fromkeys((max(needed, least), needed)) if needed else ())
            elif needed > row.held:
                _extend_hold(case, row.hold_id, max(needed, row.held + least))
            elif _ends_soon(case, row.hold_id):
                _extend_hold(case, row.hold_id, row.held)
    except ProblemError as error:
        log.info("network_time_not_held", session=str(row.id), code=error.code)


def _begin_hold(case: Case, amounts: Iterable[int]) -> None:
    """Hold the first of the amounts that is there and within the holder's limits, or all that there is."""
    row, money = case.row, case.services.money
    place = merchants.require_merchant(case.session, row.merchant_id, row.campus)
    left = account(case.session, row.person_id).available
    if left <= 0:
        return
    for amount in dict.fromkeys(min(amount, left) for amount in amounts):
        transfer = Transfer(
            id=uuid5(row.id, f"hold/{row.holds}"),
            purpose=HOLD,
            debit=row.person_id,
            credit=place.id,
            amount=amount,
            action=Action.HOLD,
            expires_after=_lasts(case.terms),
            caps=wallet.caps_of(case.session, money, row.person_id, case.now, unlocked=False),
            details={"device": str(row.device_id), "network_session": str(row.id), "password": False},
        )
        outcome = record(case.session, [transfer], case.now)[0]
        if outcome.entry is not None:
            row.hold_id, row.held, row.holds = outcome.entry.id, outcome.entry.amount, row.holds + 1
            return
    log.info("network_time_not_held", session=str(row.id))


def _extend_hold(case: Case, hold_id: UUID, amount: int) -> None:
    row = case.row
    left = account(case.session, row.person_id).available
    wanted = Extension(min(amount, row.held + left), _lasts(case.terms))
    held = holds.extend_in(case.session, case.services.money, case.terminal, hold_id, wanted, now=case.now)
    row.hold_id, row.held = held.hold.id, held.hold.amount


def _has_ended(case: Case, hold_id: UUID) -> bool:
    held = holds.find_held(case.session, case.terminal, hold_id)
    return held.end is not None or case.now >= held.expires_at


def _ends_soon(case: Case, hold_id: UUID) -> bool:
    held = holds.find_held(case.session, case.terminal, hold_id)
    return held.expires_at - case.now < case.terms.silence + timedelta(seconds=_SPARE_S)


def _lasts(terms: ServiceTerms) -> timedelta:
    """Return how long a hold lasts: twice the silence that ends a session, so that few are ever extended."""
    return min(_LONGEST_HOLD, 2 * terms.silence + timedelta(seconds=_SPARE_S))


def find_time_s(
    session: Session, services: NetworkServices, person_id: UUID, service: NetworkService, *, now: datetime
) -> int:
    """Return the seconds that a new session of a person may last.

    Raises:
        NotFoundError: the campus does not offer this service.
    """
    terms = services.terms_of(service)
    longest_s = int(terms.longest.total_seconds())
    if not terms.is_limited:
        return longest_s
    free_s = 0
    if terms.quota_s is not None:
        free_s = max(0, terms.quota_s - _used_free_s(session, person_id, service, services.zone, at=now))
    fen = account(session, person_id).available if terms.fen_per_hour else 0
    return min(longest_s, covered_s(free_s, fen, terms.fen_per_hour))


def _used_free_s(
    session: Session, person_id: UUID, service: str, zone: ZoneInfo, *, at: datetime, but: UUID | None = None
) -> int:
    """Return the free seconds that a person used in the month of `at`; a session belongs to that of its beginning."""
    month = at.astimezone(zone).date().replace(day=1)
    query = select(func.coalesce(func.sum(NetworkSession.free_s), 0)).where(
        NetworkSession.person_id == person_id,
        NetworkSession.service == service,
        NetworkSession.began_at >= datetime.combine(month, time(), zone),
        NetworkSession.began_at < datetime.combine((month + timedelta(days=31)).replace(day=1), time(), zone),
    )
    if but is not None:
        query = query.where(NetworkSession.id != but)
    return int(session.scalar(query) or 0)
