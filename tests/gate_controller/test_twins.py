"""Two controllers of one gate: each hears of the other, and says so."""

from uuid import uuid4

from messages import Availability, DoorStatus, EventKind, ProcessStatus
from tests.gate_controller.conftest import TOPICS
from tests.waiting import PATIENCE_S


def test_the_controller_tells_of_its_twin(gate, operator) -> None:
    twin = Availability(gate="north", status=ProcessStatus.ONLINE, boot_id=uuid4())
    operator.connection.publish(TOPICS.availability, twin.encode(), retain=True, wait_s=PATIENCE_S)
    event = operator.event(EventKind.CLONED_CARD)
    assert (event.reason, event.details["other_boot_id"]) == ("controller", str(twin.boot_id))
    operator.state(DoorStatus.LOCKED)
