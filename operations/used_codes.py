"""Codes of virtual cards that opened a gate: shops and the person's other gates take them no more."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from access.credentials import virtual_card_digest
from accounts.cards import virtual_cards
from bus import Connection, NotConnectedError
from database.digests import credential_key
from directory import listed_people
from messages import Event, EventKind, GateTopics, UsedCode
from messages.events import Detail
from messages.signed_codes import CLOCKS_APART, is_current

log = structlog.get_logger()


def record(session: Session, events: Sequence[Event], *, now: datetime) -> list[UsedCode]:
    """Use up the codes that let people in, and return what their other gates are to be told.

    A code of the past is worth nothing any more, and so is word of it. Shops, and gates whose clock is behind, take one
    for `CLOCKS_APART` longer than this clock says.
    """
    told: list[UsedCode] = []
    for event in events:
        second = event.details.get(Detail.CODE_SECOND)
        if event.kind != EventKind.ACCESS_GRANTED or event.person_id is None or not isinstance(second, int | float):
            continue
        if is_current(int(second), now) or is_current(int(second), now - CLOCKS_APART):
            told += _use_up(session, event.person_id, int(second), event.gate)
    return told


def publish(connection: Connection, site: str, used: Sequence[UsedCode]) -> None:
    """Tell the gates. Without a broker they are not told: a code is dead within a minute."""
    for one in used:
        try:
            connection.publish(GateTopics(site, one.gate).used_codes, one.encode())
        except NotConnectedError:
            log.debug("used_code_not_told", gate=one.gate)
            return


def _use_up(session: Session, person_id: UUID, second: int, gate: str) -> list[UsedCode]:
    handles = virtual_cards.use_up(session, person_id, second)
    others = [one for one in listed_people.find_gates(session, person_id) if one != gate]
    key = credential_key(session)
    digests = [virtual_card_digest(key, handle) for handle in handles]
    return [UsedCode(gate=other, digest=digest, second=second) for other in others for digest in digests]
