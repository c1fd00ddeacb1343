"""Codes that opened a gate, as the server hears of them: for as long as anybody may still take them."""

from datetime import UTC, datetime, timedelta

import pytest

from access.credentials import virtual_card_digest
from access.policy import GatePolicy, Rule
from accounts import people
from accounts.cards import virtual_cards
from accounts.vocabulary import Channel, PersonKind
from database import Database, new_id
from directory import gates
from directory.list_tables import GateEntry
from messages import Event, Method
from operations import used_codes
from tests.databases import CREDENTIAL_KEY

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
KEY = bytes(32)


@pytest.mark.parametrize(("after_s", "told"), [(1, True), (46, True), (59, True), (62, False)], ids=str)
def test_a_code_is_used_up_for_as_long_as_a_shop_or_a_slow_gate_takes_it(
    database: Database, after_s: int, told: bool
) -> None:
    particulars = people.Particulars(number="S1", name="made up", kind=PersonKind.STUDENT, valid_from=NOW)
    with database.begin() as session:
        person = people.create(session, particulars, by="test", now=NOW)
        user = virtual_cards.ChannelUser("S1", None)
        card = virtual_cards.bind(session, person, Channel.WEB, user, by="test", now=NOW)
        made = virtual_cards.code(session, card, KEY, now=NOW)
        for revision, name in enumerate(("north", "south"), 1):
            policy = GatePolicy(gate=name, rules=(Rule(group="students"),))
            gates.add(session, policy, title=name, by="test", now=NOW)
            entry = {"gate": name, "person_id": person.id, "revision": revision, "changed_at": NOW}
            session.add(GateEntry(**entry, is_removed=False, is_revoked=False))
        person_id, digest = person.id, virtual_card_digest(CREDENTIAL_KEY, card.code_handle or "")
    event = Event(
        id=new_id(),
        gate="north",
        at=NOW,
        kind="access_granted",
        method=Method.CODE,
        granted=True,
        person_id=person_id,
        details={"code_second": made.second},
    )
    now = NOW + timedelta(seconds=after_s)
    with database.begin() as session:
        said = used_codes.record(session, [event], now=now)
    assert [(one.gate, one.digest, one.second) for one in said] == ([("south", digest, made.second)] if told else [])
    with database.begin() as session:
        expected = virtual_cards.CodeUsedError if told else virtual_cards.InvalidCodeError
        with pytest.raises(expected):
            virtual_cards.redeem(session, made.digits, KEY, now=now)
