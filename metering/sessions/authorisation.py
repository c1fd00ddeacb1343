"""Whether a session may begin, and the money reserved for it: at first, and again as it comes near what is held."""

import json
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid5

import structlog
from sqlalchemy import select

from accounts import cards, people
from accounts.cards import virtual_cards, virtual_code
from accounts.cards.identity import Presented
from accounts.ledger import Action, Entry, RefusalCode, Transfer, account, chart, record
from accounts.payments import holds, merchants, payers, wallet
from accounts.payments.holds import Extension
from accounts.payments.problems import (
    ConsumptionPasswordRequiredError,
    InsufficientFundsError,
    ServiceNotOnCampusError,
    UnknownMerchantError,
    WalletNotUsableError,
    require,
)
from accounts.payments.wallet import HOLD
from accounts.tables import Person
from messages.metering import SessionReport
from metering.sessions import limits, places, subsidies
from metering.sessions.case import Case
from metering.sessions.limits import Allowance
from metering.sessions.settings import PlaceSettings
from metering.sessions.tables import WaterSession
from metering.tariffs.water import PriceList
from metering.vocabulary import SessionRefusal, SessionState, Utility
from web.problems import ProblemError

OPEN = (SessionState.AUTHORISED, SessionState.RUNNING)
SPARE_S = 300
"""For which a hold outlives the silence after which its session is settled, so that this still finds it."""
NEAR = 3, 5
"""Of what covers a session, the part at which more is held: what is left runs for minutes at any price."""

log = structlog.get_logger()

_REFUSALS: tuple[tuple[tuple[type[ProblemError], ...], SessionRefusal], ...] = (
    (
        (
            cards.UnknownCardError,
            cards.InvalidUidError,
            virtual_code.InvalidCodeError,
            virtual_cards.CodeUsedError,
            virtual_cards.LeaseEndedError,
        ),
        SessionRefusal.UNKNOWN_CREDENTIAL,
    ),
    ((InsufficientFundsError,), SessionRefusal.NO_CREDIT),
    ((ConsumptionPasswordRequiredError,), SessionRefusal.PASSWORD_REQUIRED),
    ((UnknownMerchantError, ServiceNotOnCampusError), SessionRefusal.NOT_AT_THIS_PLACE),
    (
        (cards.CardNotUsableError, cards.CardKeyRequiredError, people.AccountNotUsableError, WalletNotUsableError),
        SessionRefusal.CARD_BLOCKED,
    ),
)


class SessionRefusedError(Exception):
    """No session begins, and nothing was reserved."""

    def __init__(self, refusal: SessionRefusal) -> None:
        """Keep the reason."""
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Grant:
    """Who pays, and the hold; none where a subsidy pays it all for now."""

    person_id: UUID
    card_id: UUID
    hold: Entry | None
    prices: PriceList


def authorise(case: Case, report: SessionReport) -> Grant:
    """Decide whether a session may begin and reserve its first money. The caller undoes all of it when this raises.

    Raises:
        SessionRefusedError: with the reason.
    """
    try:
        return _authorise(case, report)
    except ProblemError as error:
        for kinds, refusal in _REFUSALS:
            if isinstance(error, kinds):
                raise SessionRefusedError(refusal) from error
        raise SessionRefusedError(SessionRefusal.CARD_BLOCKED) from error


def _authorise(case: Case, report: SessionReport) -> Grant:
    session, row, found, now = case.session, case.row, case.found, case.now
    settings = case.settings
    if found.place is None or not settings.is_enabled:
        raise SessionRefusedError(SessionRefusal.NOT_AT_THIS_PLACE)
    if not limits.is_open(settings.opening, now, case.zone):
        raise SessionRefusedError(SessionRefusal.NOT_AT_THIS_TIME)
    prices = places.price_list(session, found.place.id, now, report.tariff)
    if prices is None:
        raise SessionRefusedError(SessionRefusal.NOT_AT_THIS_PLACE)
    merchants.require_merchant(session, found.device.merchant_id, found.device.campus)
    payer = _payer(case, report)
    person = session.get_one(Person, payer.person_id)
    if settings.kinds and person.kind.value not in settings.kinds:
        raise SessionRefusedError(SessionRefusal.NOT_AT_THIS_PLACE)
    chart.lock(session, person.id)
    _require_alone(case, person.id)
    row.person_id = person.id
    allowed = limits.allowance(case)
    if allowed.is_used_up:
        raise SessionRefusedError(SessionRefusal.DAY_LIMIT_REACHED)
    subsidy = subsidy_left(case, prices)
    hold = _first_hold(case, payer, allowed, subsidy)
    return Grant(person.id, payer.card_id, hold, prices)


def subsidy_left(case: Case, prices: PriceList) -> int:
    """Return what subsidies may still pay of a session; where it may use cold water too, that is not known before."""
    if any(price.utility != Utility.HOT_WATER for price in prices.prices):
        return 0
    person = None if case.row.person_id is None else case.session.get(Person, case.row.person_id)
    return 0 if person is None else subsidies.left(case.session, person, case.row.began_at, case.zone)


def _payer(case: Case, report: SessionReport) -> payers.Payer:
    if report.card is None:
        return payers.payer_by_code(case.session, case.services, Presented(code=report.code), case.now)
    shown = Presented(uid_digest=report.card.digest, proved_key=report.card.proved_key)
    return payers.payer_by_card(case.session, case.services, shown, case.now)


def _require_alone(case: Case, person_id: UUID) -> None:
    other = select(WaterSession.id).where(
        WaterSession.person_id == person_id,
        WaterSession.state.in_(OPEN),
        WaterSession.expires_at > case.now,
        WaterSession.id != case.row.id,
    )
    if case.session.scalars(other.limit(1)).first() is not None:
        raise SessionRefusedError(SessionRefusal.ALREADY_IN_SESSION)


def _first_hold(case: Case, payer: payers.Payer, allowed: Allowance, subsidy: int) -> Entry | None:
    """Hold what the session begins on: as much as the place says, or what there is if that is worth beginning."""
    asked = min(case.settings.hold_fen, allowed.fen)
    worth = min(case.settings.least_fen, asked)
    amount = min(asked - min(asked, subsidy), account(case.session, payer.person_id).available)
    if amount + subsidy < worth:
        raise SessionRefusedError(SessionRefusal.NO_CREDIT)
    if amount <= 0:
        return None
    outcome = record(case.session, [_hold(case, payer, amount)], case.now)[0]
    refusal = outcome.refusal
    if refusal is not None and refusal.code is RefusalCode.LIMIT_REACHED:
        within = refusal.left or 0
        if within == 0 and subsidy >= worth:
            return None
        if within + subsidy >= worth:
            outcome = record(case.session, [_hold(case, payer, within)], case.now)[0]
    return require(outcome)


def _hold(case: Case, payer: payers.Payer, amount: int) -> Transfer:
    return Transfer(
        id=uuid5(case.row.id, "hold"),
        purpose=HOLD,
        debit=payer.person_id,
        credit=case.row.merchant_id,
        amount=amount,
        action=Action.HOLD,
        expires_after=lasts(case.settings),
        caps=wallet.caps_of(case.session, case.services, payer.person_id, case.now, unlocked=False),
        details={
            "device": str(case.row.device_id),
            "card": str(payer.card_id),
            "by": payer.trust.value,
            "password": False,
            "session": str(case.row.id),
        },
    )


def lasts(settings: PlaceSettings) -> timedelta:
    """Return how long a hold lasts: twice the silence that ends a session, so that few are ever extended."""
    return timedelta(seconds=min(86_400, 2 * settings.silence_s + SPARE_S))


def keep_held(case: Case, allowed: Allowance, subsidy: int) -> None:
    """Extend the hold of a running session that has come near what is held, or near its hold's end, or past it.

    Where that is refused the session goes on with what is held until it has come to it.
    """
    row, settings = case.row, case.settings
    if row.hold_id is None or row.person_id is None:
        return
    held = holds.find_held(case.session, case.terminal, row.hold_id)
    ends_soon = held.expires_at - case.now < timedelta(seconds=settings.silence_s + SPARE_S)
    more = 0
    if row.cost * NEAR[1] >= (row.held + subsidy) * NEAR[0]:
        available = account(case.session, row.person_id).available
        more = max(0, min(settings.hold_fen, allowed.fen - subsidy - row.held, available))
    is_over = held.end is not None or case.now >= held.expires_at
    if not (is_over or more or ends_soon):
        return
    wanted = Extension(row.held + more, lasts(settings))
    try:
        with case.session.begin_nested():
            if is_over:
                new = _hold_again(case, held.hold, wanted)
            else:
                new = holds.extend_in(
                    case.session, case.services, case.terminal, row.hold_id, wanted, now=case.now
                ).hold
    except ProblemError as error:
        log.info("hold_not_extended", session=str(row.id), code=error.code)
        if is_over:
            # Nothing is held any more, so the controller is told to stop.
            row.held = 0
        return
    row.hold_id, row.held = new.id, new.amount


def _hold_again(case: Case, ended: Entry, wanted: Extension) -> Entry:
    """Hold for a session whose hold ended while its water ran and the server was away; as much as there is."""
    holds.require_usable(case.session, ended, case.now)
    available = account(case.session, ended.debit).available
    transfer = Transfer(
        id=uuid5(ended.id, "again"),
        purpose=HOLD,
        debit=ended.debit,
        credit=ended.credit,
        amount=max(1, min(wanted.amount, available)),
        action=Action.HOLD,
        expires_after=wanted.lasts,
        caps=wallet.caps_of(case.session, case.services, ended.debit, case.now, unlocked=False),
        details=json.loads(ended.details or "{}") | {"after": str(ended.id)},
    )
    return require(record(case.session, [transfer], case.now)[0])
