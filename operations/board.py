"""The live board: what is true at every gate now, kept in memory from the retained messages.

Without a connection to the broker nobody is heard, so nobody's presence is known; afterwards each one is known again as
soon as it was heard anew. What else was last heard stays, and is as old as it is.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from messages import Advice, Availability, DoorState, Feedback, Health, NewestWord, ProcessStatus

UNKNOWN = "unknown"
"""How a presence that is not known is shown to programs."""
_BOOTS_KEPT, _RETURNS_KEPT = 8, 2


@dataclass(frozen=True, slots=True)
class GateView:
    """One gate as it was last heard of."""

    gate: str
    controller: ProcessStatus | None = None
    """None: not known, for it was never heard of, or not since the broker was lost."""
    edge: ProcessStatus | None = None
    controller_since: datetime | None = None
    """When the controller's presence (or that it is not known) began, by the server's clock; None when it was never
    heard of.
    """
    edge_since: datetime | None = None
    door: DoorState | None = None
    health: Mapping[str, Health] = field(default_factory=dict)
    """The last figures by source (`controller`, `edge`)."""
    heard_at: datetime | None = None
    boots: Mapping[str, tuple[UUID, ...]] = field(default_factory=dict)
    """The boots that spoke as the gate's `controller` or `edge`, the last one last."""
    returns: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    """When an earlier boot spoke again after a later one had: two devices take turns."""

    def heard_from(self, source: str, boot_id: UUID, at: datetime) -> "GateView":
        """Return the view after a boot spoke as `source`."""
        boots = self.boots.get(source, ())
        if boots and boots[-1] == boot_id:
            return self
        others = tuple(one for one in boots if one != boot_id)
        view = replace(self, boots={**self.boots, source: (*others, boot_id)[-_BOOTS_KEPT:]})
        if boot_id not in boots:
            return view
        return replace(view, returns={**self.returns, source: (*self.returns.get(source, ()), at)[-_RETURNS_KEPT:]})


class Board:
    """The views of all gates. Safe for threads; `wait` lets followers sleep until something changes."""

    def __init__(self) -> None:
        """Nothing has been heard yet; nobody is told of what is touched, until `on_touch` is set."""
        self.on_touch: Callable[[], None] = lambda: None
        self._views: dict[str, GateView] = {}
        self._words: dict[tuple[str, str], NewestWord] = {}
        self._advice: dict[str, tuple[Advice, datetime]] = {}
        self._version = 0
        self._news = 0
        self._stored = 0
        self._arrived = 0
        self._hears = True
        self._changed = threading.Condition()

    @property
    def version(self) -> int:
        """A number that grows with every change."""
        return self._version

    @property
    def news(self) -> int:
        """A number that grows with every change but of figures, which gates tell every few seconds."""
        return self._news

    @property
    def stored(self) -> int:
        """A number that grows with every change outside the views: of what is stored."""
        return self._stored

    @property
    def arrived(self) -> int:
        """A number that grows whenever events were stored that changed no alarm; `stored` stays as it is then."""
        return self._arrived

    @property
    def hears(self) -> bool:
        """Whether the gates are heard at all."""
        return self._hears

    def connected(self) -> None:
        """Say that the broker is there: what is heard from now on counts."""
        with self._changed:
            self._hears = True
            self._notify()

    def lost(self, at: datetime) -> None:
        """Say that the broker was lost: no presence is known until it is heard anew."""
        with self._changed:
            self._hears = False
            for view in self._views.values():
                unknown = replace(
                    view,
                    controller=None,
                    edge=None,
                    controller_since=_unknown_since(view.controller, view.controller_since, at),
                    edge_since=_unknown_since(view.edge, view.edge_since, at),
                )
                self._views[view.gate] = unknown
            self._notify()

    def views(self) -> list[GateView]:
        """Return every gate heard of, by name."""
        with self._changed:
            return [self._views[gate] for gate in sorted(self._views)]

    def view(self, gate: str) -> GateView | None:
        """Return one gate, or None when nothing was heard of it."""
        return self._views.get(gate)

    def door(self, state: DoorState, *, heard_at: datetime) -> None:
        """Take a door's state; an older state of the same boot is ignored, for a broker may repeat itself."""
        with self._changed:
            view = self._views.get(state.gate, GateView(state.gate))
            known = view.door
            if known is not None and known.boot_id == state.boot_id and state.sequence < known.sequence:
                return
            if known == state:
                # Said again, as gates do now and then; nobody needs to look.
                self._views[state.gate] = replace(view, heard_at=heard_at)
                return
            self._put(replace(view, door=state, heard_at=heard_at).heard_from("controller", state.boot_id, heard_at))

    def availability(self, message: Availability, *, source: str, heard_at: datetime) -> None:
        """Take the availability of a gate's `controller` or `edge`; a word that is older than the last is ignored."""
        with self._changed:
            view = self._views.get(message.gate, GateView(message.gate))
            if not self._words.setdefault((message.gate, source), NewestWord()).takes(message):
                return
            if source == "controller":
                since = _since(view.controller, message.status, view.controller_since, heard_at)
                changed = replace(view, controller=message.status, controller_since=since)
            else:
                since = _since(view.edge, message.status, view.edge_since, heard_at)
                changed = replace(view, edge=message.status, edge_since=since)
            if message.status is ProcessStatus.ONLINE:
                changed = changed.heard_from(source, message.boot_id, heard_at)
            if changed == view:
                # Said again, as gates do now and then; nobody needs to look.
                self._views[message.gate] = replace(view, heard_at=heard_at)
                return
            self._put(replace(changed, heard_at=heard_at))

    def health(self, message: Health, *, heard_at: datetime) -> None:
        """Take the figures of one process at a gate."""
        with self._changed:
            view = self._views.get(message.gate, GateView(message.gate))
            changed = replace(view, health={**view.health, message.source: message}, heard_at=heard_at)
            if (boot_id := _boot_in(message)) is not None:
                changed = changed.heard_from(message.source, boot_id, heard_at)
            self._put(changed, is_news=False)

    def feedback(self, message: Feedback, *, heard_at: datetime) -> None:
        """Take what a gate's edge tells the person in front. Only screens ask for it: no follower is woken."""
        self._advice[message.gate] = (message.advice, heard_at)

    def advice(self, gate: str) -> tuple[Advice, datetime] | None:
        """Return what a gate's edge told last, and when it was heard; None when it told nothing yet."""
        return self._advice.get(gate)

    def touch(self) -> None:
        """Say that something outside the views changed (a new event was stored), to the other servers too."""
        self.wake()
        self.on_touch()

    def touch_events(self) -> None:
        """Say that new events were stored that changed no alarm; what else is stored need not be queried for it."""
        with self._changed:
            self._arrived += 1
            self._notify()
        self.on_touch()

    def wake(self) -> None:
        """Wake the followers: another server said that something outside the views changed."""
        with self._changed:
            self._stored += 1
            self._notify()

    def wait(self, seen: int, timeout_s: float) -> int:
        """Return the version as soon as it differs from `seen`, or after the time-out."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != seen, timeout_s)
            return self._version

    def _put(self, view: GateView, *, is_news: bool = True) -> None:
        self._views[view.gate] = view
        self._notify(is_news=is_news)

    def _notify(self, *, is_news: bool = True) -> None:
        self._version += 1
        self._news += int(is_news)
        self._changed.notify_all()


def _unknown_since(before: ProcessStatus | None, since: datetime | None, at: datetime) -> datetime | None:
    """Return since when a presence is not known, which was `before`; None for what was never heard of."""
    return since if before is None else at


def _since(before: ProcessStatus | None, after: ProcessStatus, since: datetime | None, heard_at: datetime) -> datetime:
    return since if since is not None and before is after else heard_at


def _boot_in(health: Health) -> UUID | None:
    try:
        return UUID(str(health.figures.get("boot_id")))
    except ValueError:
        return None
