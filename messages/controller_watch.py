"""What a gate's controller says of itself: the boot that commands must name, and whether it is there."""

import threading
from dataclasses import dataclass, replace
from uuid import UUID

from bus.port import Bus
from messages.handlers import decoding_handler
from messages.newest_word import newest_only
from messages.status import Availability, DoorState, ProcessStatus
from messages.topics import GateTopics


@dataclass(frozen=True, slots=True)
class ControllerView:
    """What is known of a controller; None is what is not known."""

    boot_id: UUID | None = None
    """The boot in its retained state."""
    status: ProcessStatus | None = None


class ControllerWatch:
    """Follows the controller of one gate. Safe for threads. What was known ends with the connection."""

    def __init__(self, bus: Bus, topics: GateTopics) -> None:
        self._bus = bus
        self._topics = topics
        self._changed = threading.Condition()
        self._view = ControllerView()
        self._sequence = 0

    def listen(self) -> None:
        """Subscribe; call once."""
        # Availability first: by the time the retained state is here, so is it.
        self._bus.subscribe(
            self._topics.availability,
            decoding_handler(Availability, newest_only(self._on_availability), malformed="availability_unreadable"),
        )
        self._bus.subscribe(
            self._topics.state, decoding_handler(DoorState, self._on_state, malformed="state_unreadable")
        )
        self._bus.on_disconnect(self._forget)

    @property
    def view(self) -> ControllerView:
        """What is known now."""
        return self._view

    def wait_known(self, timeout_s: float) -> bool:
        """Wait until the controller's boot is known; False when it is not within `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._view.boot_id is not None, timeout_s)

    def _on_state(self, state: DoorState, _retained: bool) -> None:
        with self._changed:
            if self._view.boot_id == state.boot_id and state.sequence < self._sequence:
                return
            self._sequence = state.sequence
            self._view = replace(self._view, boot_id=state.boot_id)
            self._changed.notify_all()

    def _on_availability(self, availability: Availability, _retained: bool) -> None:
        with self._changed:
            self._view = replace(self._view, status=availability.status)

    def _forget(self) -> None:
        with self._changed:
            self._view = ControllerView()
