"""Tickets for what moves a door: who may use one, for what, how often, and for how long."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from database import Database, new_id
from web.shared_tickets import SharedTickets
from web.tables import SharedTicket
from web.tickets import LIFE, TicketNotValidError, TicketOverError, Tickets

CHEN, ZHOU = new_id(), new_id()


@dataclass
class Clocks:
    wall: datetime = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
    steady: float = 1000.0


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def tickets(clocks: Clocks) -> Tickets:
    return Tickets(now=lambda: clocks.wall, steady_s=lambda: clocks.steady)


def test_a_ticket_is_for_one_request_which_may_come_again(tickets: Tickets) -> None:
    ticket = tickets.find(tickets.issue(CHEN, "open").token)
    for _ in range(2):
        ticket.redeem(CHEN, "open", request="key-1")
    with pytest.raises(TicketNotValidError):
        ticket.redeem(CHEN, "open", request="key-2")


def test_a_request_without_a_key_is_done_once(tickets: Tickets) -> None:
    ticket = tickets.issue(CHEN, "confirm")
    ticket.redeem(CHEN, "confirm")
    with pytest.raises(TicketNotValidError):
        ticket.redeem(CHEN, "confirm")


@pytest.mark.parametrize(("person", "action"), [(ZHOU, "open"), (CHEN, "hold")])
def test_it_is_for_one_person_and_one_kind_of_action(tickets: Tickets, person, action) -> None:
    ticket = tickets.issue(CHEN, "open")
    with pytest.raises(TicketNotValidError):
        ticket.redeem(person, action)
    ticket.redeem(CHEN, "open")


def test_after_a_restart_no_ticket_is_known(clocks: Clocks, tickets: Tickets) -> None:
    token = tickets.issue(CHEN, "open").token
    found = Tickets(now=lambda: clocks.wall, steady_s=lambda: clocks.steady).find(token)
    assert found.left_s() == 0
    with pytest.raises(TicketNotValidError):
        found.redeem(CHEN, "open")


@pytest.mark.parametrize(("wall_s", "steady_s"), [(5.1, 0), (0, 5.1), (-3600, 5.1), (3600, 0)])
def test_it_is_over_after_its_life_by_whichever_clock(clocks, tickets, wall_s, steady_s) -> None:
    ticket = tickets.issue(CHEN, "open")
    assert ticket.left_s() == LIFE.total_seconds()
    clocks.wall += timedelta(seconds=wall_s)
    clocks.steady += steady_s
    assert ticket.left_s() == 0
    with pytest.raises(TicketOverError):
        ticket.redeem(CHEN, "open")


def test_a_clock_that_was_set_back_prolongs_nothing(clocks: Clocks, tickets: Tickets) -> None:
    ticket = tickets.issue(CHEN, "open")
    clocks.wall -= timedelta(hours=1)
    clocks.steady += 4
    assert ticket.left_s() == 1


def test_what_was_cancelled_is_over_also_for_whoever_holds_it_already(tickets: Tickets) -> None:
    ticket = tickets.issue(CHEN, "open")
    ticket.redeem(CHEN, "open", request="key-1")
    tickets.find(ticket.token).void()
    assert ticket.left_s() == 0
    with pytest.raises(TicketOverError):
        ticket.redeem(CHEN, "open", request="key-1")


def test_nobody_fills_the_memory(clocks: Clocks, tickets: Tickets) -> None:
    theirs = tickets.issue(ZHOU, "open")
    first, *_, last = [tickets.issue(CHEN, "open") for _ in range(200)]
    assert (first.left_s(), tickets.find(first.token).person_id) == (0, None)
    assert last.left_s() > 0
    assert theirs.left_s() > 0
    clocks.wall += timedelta(hours=1)
    tickets.issue(CHEN, "open")
    assert len(tickets._tickets) == 1


@dataclass
class TwoServers:
    """Each announces to the other, as over the database's channel; their clocks are an hour apart."""

    first: Tickets
    second: Tickets
    steady: list[float]


@pytest.fixture
def two(database: Database) -> TwoServers:
    steady = [1000.0]

    def start(ahead: timedelta) -> Tickets:
        return Tickets(
            now=lambda: datetime(2026, 9, 1, tzinfo=UTC) + ahead + timedelta(seconds=steady[0]),
            steady_s=lambda: steady[0],
            shared=SharedTickets(database),
        )

    both = TwoServers(start(timedelta(0)), start(timedelta(hours=1)), steady)
    both.first.shared.announce, both.second.shared.announce = both.second.hear, both.first.hear
    return both


shared = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@shared
def test_one_server_gives_a_ticket_and_another_takes_it_for_one_request(two: TwoServers) -> None:
    token = two.first.issue(CHEN, "open").token
    taken = two.second.find(token)
    assert 0 < taken.left_s() <= LIFE.total_seconds()
    for _ in range(2):
        taken.redeem(CHEN, "open", request="key-1")
    two.first.find(token).redeem(CHEN, "open", request="key-1")
    with pytest.raises(TicketNotValidError):
        two.first.find(token).redeem(CHEN, "open", request="key-2")
    with pytest.raises(TicketNotValidError):
        two.second.find(token).redeem(ZHOU, "open", request="key-1")
    assert two.second.find("nobody's ticket").left_s() == 0


@shared
def test_a_request_without_a_key_is_done_once_at_all_servers(two: TwoServers) -> None:
    token = two.first.issue(CHEN, "confirm").token
    two.second.find(token).redeem(CHEN, "confirm")
    with pytest.raises(TicketNotValidError):
        two.first.find(token).redeem(CHEN, "confirm")


@shared
def test_what_is_cancelled_at_one_server_is_over_at_the_other_in_the_midst_of_it(two: TwoServers) -> None:
    taken = two.second.find(two.first.issue(CHEN, "open").token)
    taken.redeem(CHEN, "open", request="key-1")
    two.first.void(taken.token, ZHOU)
    assert taken.left_s() > 0, "nobody cancels another's"
    two.first.void(taken.token, CHEN)
    assert taken.left_s() == 0


@shared
def test_a_server_that_was_not_told_finds_the_cancelled_ticket_over(two: TwoServers) -> None:
    two.first.shared.announce = lambda _topic: None
    taken, never_seen = (two.first.issue(CHEN, "open").token for _ in range(2))
    before = two.second.find(taken)
    for token in (taken, never_seen):
        two.first.void(token, CHEN)
    with pytest.raises(TicketNotValidError):
        before.redeem(CHEN, "open", request="key-1")
    with pytest.raises(TicketOverError):
        two.second.find(never_seen).redeem(CHEN, "open", request="key-1")


@shared
def test_a_ticket_is_as_old_at_another_server_as_where_it_was_given(two: TwoServers, database: Database) -> None:
    token = two.first.issue(CHEN, "open").token
    with database.begin() as session:
        for row in session.query(SharedTicket):
            row.issued_at -= timedelta(seconds=3)
    taken = two.second.find(token)
    assert 0 < taken.left_s() <= LIFE.total_seconds() - 3
    two.steady[0] += 2.5
    with pytest.raises(TicketOverError):
        taken.redeem(CHEN, "open", request="key-1")


@shared
def test_what_is_kept_of_tickets_is_bounded_and_of_no_use(two: TwoServers, database: Database) -> None:
    for token in ("old", "newer", "newest"):
        two.first.shared.add(token, CHEN, "open", most=2)
    two.second.find("newest").redeem(CHEN, "open", request="key-1")
    with database.read() as session:
        rows = [*session.query(SharedTicket)]
        assert len(rows) == 2
        assert not any(b"newest" in row.digest for row in rows)
    assert [two.second.find(token).left_s() > 0 for token in ("old", "newer", "newest")] == [False, True, True]
    with database.begin() as session:
        for row in session.query(SharedTicket):
            row.issued_at -= timedelta(minutes=2)
    two.second.issue(ZHOU, "open")
    with database.read() as session:
        assert session.query(SharedTicket).count() == 1
