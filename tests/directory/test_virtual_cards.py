"""Virtual cards in the gates' directories: found by the digits that name them in their codes, with their state."""

from datetime import timedelta
from uuid import UUID

from access.credentials import code_digest, virtual_card_digest
from accounts import cards, people
from accounts.cards import loss, virtual_cards
from accounts.people import changes
from accounts.vocabulary import Channel
from directory.records import EXPIRED_GRACE
from tests.databases import ON_SQLITE
from tests.directory.conftest import CREDENTIAL_KEY, Campus

pytestmark = ON_SQLITE


def claim(campus: Campus, person_id: UUID) -> tuple[UUID, str]:
    """Claim a virtual card; returns its id and handle."""
    with campus.database.begin() as session:
        person, user = people.get(session, person_id), virtual_cards.ChannelUser(str(person_id), None)
        card = virtual_cards.bind(session, person, Channel.WEB, user, by="system", now=campus.clock.now)
        return card.id, card.code_handle


def test_a_virtual_card_is_known_at_its_holder_s_gates_with_its_state(campus: Campus) -> None:
    campus.gate("main")
    holder = campus.person("students", card="04A31B72")
    card_id, handle = claim(campus, holder)
    replica = campus.replica(view="cards")
    digest = virtual_card_digest(CREDENTIAL_KEY, handle)

    def state() -> str | None:
        campus.publisher.publish()
        campus.sync(replica).run_once()
        found = replica.by_credential("card", digest)
        return found and {one.digest: one.status for one in found.credentials}[digest]

    assert state() == "active"
    assert replica.by_credential("code", code_digest(CREDENTIAL_KEY, handle)) is None
    with campus.database.begin() as session:
        loss.report(session, people.get(session, holder, lock=True), through="app", by="system", now=campus.clock.now)
    assert state() == "suspended"
    with campus.database.begin() as session:
        loss.release(session, people.get(session, holder, lock=True), by="system", now=campus.clock.now)
    assert state() == "active"
    with campus.database.begin() as session:
        virtual_cards.unbind(session, cards.get(session, card_id, lock=True), by="system", now=campus.clock.now)
    assert state() == "returned"
    campus.clock.forward(hours=(EXPIRED_GRACE + timedelta(hours=1)).total_seconds() / 3600)
    with campus.database.begin() as session:
        changes.record(session, holder)
    assert state() is None
