"""Two controllers of one gate: each hears of the other, and says so."""

from uuid import uuid4

from gate_controller.housekeeping import EVERY_S
from messages import Availability, DoorStatus, EventKind, ProcessStatus
from tests.cut_connections import cut
from tests.gate_controller.conftest import TOPICS
from tests.waiting import PATIENCE_S

OFFLINE, ONLINE = ProcessStatus.OFFLINE, ProcessStatus.ONLINE


def test_the_controller_tells_of_its_twin(gate, operator) -> None:
    twin = Availability(gate="north", status=ProcessStatus.ONLINE, boot_id=uuid4())
    operator.connection.publish(TOPICS.availability, twin.encode(), retain=True, wait_s=PATIENCE_S)
    event = operator.event(EventKind.CLONED_CARD)
    assert (event.reason, event.details["other_boot_id"]) == ("controller", str(twin.boot_id))
    operator.state(DoorStatus.LOCKED)


def test_a_controller_that_lives_contradicts_a_will_that_came_late(gate, operator) -> None:
    """Of a node of the broker that died, or of the power cut before the last one."""
    late = Availability(gate="north", status=ProcessStatus.OFFLINE, boot_id=uuid4())
    operator.connection.publish(TOPICS.availability, late.encode(), retain=True, wait_s=PATIENCE_S)
    operator.until(lambda: late in [word for word, _ in operator.availability])
    operator.until(lambda: operator.availability[-1][0].status is ProcessStatus.ONLINE)


def test_a_controller_says_again_that_it_is_there_and_how_the_door_is(gate, operator) -> None:
    operator.until(lambda: operator.availability)
    for topic in (TOPICS.availability, TOPICS.state):
        # As where the broker lost what it retained.
        operator.connection.publish(topic, b"", retain=True, wait_s=PATIENCE_S)
    said, seen = len(operator.availability), len(operator.states)
    gate.clock.advance(round(EVERY_S) + 1)
    operator.until(lambda: len(operator.availability) > said and len(operator.states) > seen)
    assert operator.availability[-1][0].status is ProcessStatus.ONLINE
    assert operator.states[-1] == operator.states[seen - 1]


def test_each_connection_of_a_controller_has_a_larger_number_and_its_will_has_it_too(gate, operator, broker) -> None:
    operator.until(lambda: operator.availability)
    first = operator.availability[-1][0]
    cut(gate.controller.bus._session)
    # Online may come twice: the controller contradicts its own will where that reaches it.
    operator.until(lambda: OFFLINE in statuses(operator) and statuses(operator)[-1] is ONLINE)
    lost = operator.availability[statuses(operator).index(OFFLINE)][0]
    second = operator.availability[-1][0]
    assert lost.connection == first.connection < second.connection
    assert lost.boot_id == first.boot_id == second.boot_id


def statuses(operator) -> list[ProcessStatus]:
    return [word.status for word, _ in operator.availability]
