"""Tickets for what moves a door: who may use one, for what, how often, and for how long."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from database import new_id
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
