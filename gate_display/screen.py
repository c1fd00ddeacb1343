"""What a gate's screen shows, from what the gate says of itself. Pure but for the clock it is given."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from access.policy import Direction
from access.reasons import Reason
from gate_display.guidance import guide
from messages import Advice, DoorState, DoorStatus, Event, EventKind, ProcessStatus

GRANTED_S, REFUSED_S = 4.0, 6.0
"""How long an answer stands: long enough to be read in passing, and a refusal to be acted upon."""
ADVICE_S = 30.0
"""An edge that stopped in the middle of an advice must not leave it standing."""
LIVE = timedelta(seconds=10)
"""An event that arrives later than this after it happened is of somebody who has gone."""
_REMEMBERED = 64

_REFUSALS = {EventKind.ACCESS_DENIED, EventKind.READING_UNREADABLE, EventKind.FACE_REFUSED, EventKind.SPOOF}
_FIXED = {
    DoorStatus.FIRE_OPEN: ("evacuate", "evacuate"),
    DoorStatus.LOCKDOWN: ("closed", "lockdown"),
    DoorStatus.ALWAYS_CLOSED: ("closed", "closed_now"),
}
_NO_CAMERA = "card_only"


class Look(StrEnum):
    """The picture, colour and sound of what is shown."""

    IDLE = "idle"
    ADVICE = "advice"
    GRANTED = "granted"
    REFUSED = "refused"
    OPEN = "open"
    CLOSED = "closed"
    EVACUATE = "evacuate"
    OUT_OF_SERVICE = "out_of_service"
    NO_CONTACT = "no_contact"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the screen shows: its look, and the key of its words."""

    look: Look
    words: str
    answer: int = 0
    """Counts the answers to people, so that the same one twice is two."""


class Screen:
    """One gate's screen. Safe for threads."""

    def __init__(
        self,
        direction: Direction | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Show that nothing was heard yet; `direction` is named when somebody may pass."""
        self._direction = direction
        self._now, self._monotonic = now, monotonic
        self._door: DoorStatus | None = None
        self._boot_id: UUID | None = None
        self._sequence = -1
        self._controller: ProcessStatus | None = None
        self._edge: ProcessStatus | None = None
        self._advice, self._advised_at = Advice.NOBODY, 0.0
        self._answer: tuple[Look, str] | None = None
        self._answered_until = 0.0
        self._answers = 0
        self._seen: deque[UUID] = deque(maxlen=_REMEMBERED)
        self._lock = threading.Lock()

    def lose_contact(self) -> None:
        """Forget what was heard: nothing of it is known any more."""
        with self._lock:
            self._door = self._controller = self._edge = self._answer = None
            self._advice = Advice.NOBODY

    def take_door(self, state: DoorState) -> None:
        """Take the door's state; an older one of the same boot is ignored."""
        with self._lock:
            if state.boot_id == self._boot_id and state.sequence < self._sequence:
                return
            self._boot_id, self._sequence, self._door = state.boot_id, state.sequence, state.state

    def take_controller(self, status: ProcessStatus | None) -> None:
        """Take whether the controller is there; None: it is not known."""
        with self._lock:
            self._controller = status

    def take_edge(self, status: ProcessStatus | None) -> None:
        """Take whether the edge is there; None: it is not known, or the gate has none."""
        with self._lock:
            self._edge = status
            if status is not ProcessStatus.ONLINE:
                self._advice = Advice.NOBODY

    def take_advice(self, advice: Advice) -> None:
        """Take what the edge tells the person in front."""
        with self._lock:
            self._advice, self._advised_at = advice, self._monotonic()

    def take_event(self, event: Event) -> None:
        """Take an answer to somebody; what is of the past, told again or no answer is ignored."""
        is_grant = event.kind == EventKind.ACCESS_GRANTED
        if not is_grant and event.kind not in _REFUSALS:
            return
        with self._lock:
            if event.historical or event.id in self._seen or abs(self._now() - event.at) > LIVE:
                return
            self._seen.append(event.id)
            self._answers += 1
            self._answer = (Look.GRANTED, self._words_of_grant()) if is_grant else (Look.REFUSED, _words_of(event))
            self._answered_until = self._monotonic() + (GRANTED_S if is_grant else REFUSED_S)

    def shown(self) -> Shown:
        """Return what the screen shows at this moment."""
        with self._lock:
            look, words = self._decide()
            return Shown(look, words, self._answers if look in {Look.GRANTED, Look.REFUSED} else 0)

    def _decide(self) -> tuple[Look, str]:
        if self._door is None or self._controller is None:
            return Look.NO_CONTACT, "no_contact"
        if self._door in _FIXED and self._controller is ProcessStatus.ONLINE:
            look, words = _FIXED[self._door]
            return Look(look), words
        if self._controller is not ProcessStatus.ONLINE:
            return Look.OUT_OF_SERVICE, "out_of_service"
        if self._answer is not None and self._monotonic() < self._answered_until:
            return self._answer
        if self._door is DoorStatus.HELD_OPEN:
            return Look.OPEN, "open"
        return self._decide_idle()

    def _decide_idle(self) -> tuple[Look, str]:
        if self._edge is not ProcessStatus.ONLINE:
            return Look.IDLE, _NO_CAMERA
        if self._advice is Advice.NOBODY or self._monotonic() - self._advised_at > ADVICE_S:
            return Look.IDLE, "idle"
        return Look.ADVICE, f"advice_{self._advice}"

    def _words_of_grant(self) -> str:
        return "granted" if self._direction in {None, Direction.BOTH} else f"granted_{self._direction}"


def _words_of(refusal: Event) -> str:
    match refusal.kind:
        case EventKind.READING_UNREADABLE:
            return "read_again"
        case EventKind.SPOOF:
            return guide(Reason.SPOOF)
        case _:
            return guide(refusal.reason)
