"""A gate's screen from the server's board and the events that it has stored."""

from access.policy import Direction
from console.services import ConsoleServices
from gate_display.screen import ADVICE_S, Screen
from messages import Advice, Event
from operations import event_store
from operations.tables import GateEvent

_PAGE = 50


class ScreenFeed:
    """Keeps one screen up to date; `refresh` is called from one thread at a time."""

    def __init__(self, services: ConsoleServices, gate: str, direction: Direction) -> None:
        """Show what is now; answers to people from now on."""
        self.screen = Screen(direction, now=services.now)
        self._services, self._gate = services, gate
        self._version = -1
        self._told: object = None
        with services.database.read() as session:
            newest = event_store.latest(session, limit=1, gate=gate)
        self._cursor = newest[0].sequence if newest else 0

    def refresh(self) -> None:
        """Bring the screen up to date; nothing is queried while nothing has changed."""
        board = self._services.board
        self._take_advice()
        if board.version == self._version:
            return
        self._version = board.version
        view = board.view(self._gate)
        if view is None or view.door is None:
            self.screen.lose_contact()
            return
        self.screen.take_controller(view.controller)
        self.screen.take_edge(view.edge)
        self.screen.take_door(view.door)
        self._take_events()

    def _take_advice(self) -> None:
        told = self._services.board.advice(self._gate)
        if told is None or told == self._told:
            return
        self._told = told
        advice, heard_at = told
        is_old = (self._services.now() - heard_at).total_seconds() > ADVICE_S
        self.screen.take_advice(Advice.NOBODY if is_old else advice)

    def _take_events(self) -> None:
        with self._services.database.read() as session:
            events = event_store.following(session, after=self._cursor, limit=_PAGE, gate=self._gate)
        for event in events:
            self._cursor = event.sequence
            self.screen.take_event(_as_message(event))


def _as_message(stored: GateEvent) -> Event:
    """Return what the screen asks of an event; whom it concerns is left out."""
    return Event(
        id=stored.id,
        gate=stored.gate,
        at=stored.at,
        kind=stored.kind,
        reason=stored.reason,
        historical=stored.historical,
        details={},
    )
