"""Whose session it is, and whether they may go on."""

import structlog

from accounts import people
from accounts.cards.identity import Presented
from accounts.payments import offline, payers
from accounts.tables import Card, Person
from accounts.vocabulary import CardState
from messages.metering import SessionReport
from metering.sessions.case import Case
from metering.sessions.clocks import believed
from web.problems import ProblemError

log = structlog.get_logger()


def identify(case: Case, report: SessionReport) -> None:
    """Find whose session it is that began without the server: by the card or the code of that time."""
    row, at = case.row, believed(case.found, report, report.at, case.now) or case.now
    if report.card is not None:
        card = offline.card_at(case.session, report.card.digest, at)
        if card is not None:
            row.person_id, row.card_id, row.proved_key = card.person_id, card.id, report.card.proved_key
    elif report.code is not None:
        try:
            with case.session.begin_nested():
                payer = payers.payer_by_code(case.session, case.services, Presented(code=report.code), at)
        except ProblemError as error:
            log.info("session_code_not_known", session=str(row.id), code=error.code)
        else:
            row.person_id, row.card_id = payer.person_id, payer.card_id


def is_blocked(case: Case) -> bool:
    """Whether whoever showers may not begin to, by now: the card was lost, the account suspended or closed."""
    card = None if case.row.card_id is None else case.session.get(Card, case.row.card_id, populate_existing=True)
    if card is not None and card.state is not CardState.ACTIVE:
        return True
    person = None if case.row.person_id is None else case.session.get(Person, case.row.person_id)
    return person is not None and people.standing(person, case.now) in ("suspended", "closed")
