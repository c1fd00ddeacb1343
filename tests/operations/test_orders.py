from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from accounts.tables import AuditEntry
from database import Database, new_id
from messages import Action, CommandEffect
from operations import orders
from operations.dispatch import GateResult
from operations.orders import OrderNotWaitingError, OrderState, SecondPersonNeededError
from operations.tables import StaffOrder

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
CHEN, ZHOU = new_id(), new_id()


def ask(database: Database, action: Action, *gates: str, two_persons: bool = True) -> StaffOrder:
    with database.begin() as session:
        return orders.ask(session, action, gates, note="", by=CHEN, two_persons=two_persons, now=NOW)


def test_a_lockdown_of_many_doors_waits_for_a_second_person(database: Database) -> None:
    order = ask(database, Action.LOCKDOWN, "north", "south")
    assert order.state == OrderState.WAITING
    with database.begin() as session:
        assert orders.claim(session, order.id, now=NOW)[1] is False
        with pytest.raises(SecondPersonNeededError):
            orders.confirm(session, order.id, by=CHEN, now=NOW)
        assert orders.confirm(session, order.id, by=ZHOU, now=NOW).state == OrderState.SENDING
    with database.begin() as session:
        # Whoever confirmed it sends it, and nobody else: neither whoever asked, when their request comes again.
        assert orders.claim(session, order.id, now=NOW)[1] is False


@pytest.mark.parametrize(
    ("action", "gates", "two_persons"),
    [
        (Action.LOCKDOWN, ("north",), True),
        (Action.LOCK, ("north", "south"), True),
        (Action.LOCKDOWN, ("north", "south"), False),
    ],
)
def test_one_door_and_a_campus_without_that_rule_need_nobody_else(database, action, gates, two_persons) -> None:
    assert ask(database, action, *gates, two_persons=two_persons).state == OrderState.READY


def test_an_order_nobody_confirmed_in_time_is_void(database: Database) -> None:
    order = ask(database, Action.HOLD, "north", "south")
    late = NOW + orders.CONFIRM_WITHIN + timedelta(seconds=1)
    with pytest.raises(OrderNotWaitingError), database.begin() as session:
        orders.confirm(session, order.id, by=ZHOU, now=late)


def test_an_order_is_taken_up_once(database: Database) -> None:
    order = ask(database, Action.OPEN, "north")
    taken = []
    for _ in range(2):
        with database.begin() as session:
            taken.append(orders.claim(session, order.id, now=NOW)[1])
    assert taken == [True, False]


def test_an_order_that_was_not_sent_at_once_is_void_for_ever(database: Database) -> None:
    """The server was killed, or stood still, between writing it down and sending it; then the request comes again."""
    order = ask(database, Action.OPEN, "north")
    for now in (NOW + orders.SEND_WITHIN + timedelta(milliseconds=1), NOW):
        with database.begin() as session:
            found, mine = orders.claim(session, order.id, now=now)
            assert (found.state, mine) == (OrderState.VOID, False)
    with database.read() as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.serial)).all()
    assert actions == ["order.ask", "order.void"]


def test_an_order_of_which_nothing_was_sent_is_void(database: Database) -> None:
    order = ask(database, Action.OPEN, "north", "south")
    with database.begin() as session:
        orders.claim(session, order.id, now=NOW)
        results = [GateResult("north", CommandEffect.EXPIRED), GateResult("south", CommandEffect.EXPIRED)]
        assert orders.conclude(session, order.id, results, now=NOW).state == OrderState.VOID


def test_what_it_did_and_who_asked_is_kept_and_audited(database: Database) -> None:
    order = ask(database, Action.OPEN, "north")
    with database.begin() as session:
        orders.claim(session, order.id, now=NOW)
        orders.conclude(session, order.id, [GateResult("north", CommandEffect.REFUSED, "door_closed")], now=NOW)
    with database.read() as session:
        [stored] = orders.find(session)
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.serial)).all()
    assert stored.state == OrderState.DONE
    assert stored.results == [{"gate": "north", "effect": "refused", "detail": "door_closed", "command": None}]
    assert actions == ["order.ask", "order.done"]


def test_an_order_without_gates_is_refused(database: Database) -> None:
    with pytest.raises(orders.EmptyOrderError):
        ask(database, Action.OPEN)
