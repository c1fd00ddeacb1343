"""What is so at the gates, as pages are sent it: whole to whoever comes, and what changed to whoever stays."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.live.wire import encode

Described = dict[str, Any]

_OF_ONE_GATE = frozenset({"health"})
"""What only the page of one gate shows; it changes every few seconds at every gate."""
_OF_PEOPLE = frozenset({"person", "order", "method", "latency_ms", "source", "notices"})
"""What a wall, which passers-by can read, is not sent of a passage."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a page is sent: everything, one gate, or what a wall shows."""

    gate: str | None = None
    is_wall: bool = False

    @property
    def hidden(self) -> frozenset[str]:
        """What the page is not sent of a gate."""
        return _OF_ONE_GATE if self.gate is None else frozenset()

    def passage(self, described: Described) -> Described:
        """Return what the page is sent of a passage."""
        return _without(described, _OF_PEOPLE) if self.is_wall else described


@dataclass(frozen=True, slots=True)
class State:
    """Gates by name and alarms by id, in their order; orders that wait, and zones."""

    gates: Mapping[str, Described]
    alarms: Mapping[str, Described]
    orders: Sequence[Described] = ()
    zones: Sequence[Described] = ()

    def whole(self, scope: Scope) -> bytes:
        """Return everything as events."""
        gates, alarms = self.gates_for(scope), self.alarms_for(scope)
        alone = scope.gate is not None
        return b"".join(
            (
                encode("gates", [_without(gate, scope.hidden) for gate in gates.values()]),
                encode("alarms", list(alarms.values())),
                encode("orders", [] if alone else self.orders),
                encode("zones", [] if alone else self.zones),
            )
        )

    def changes(self, before: "State", scope: Scope) -> bytes:
        """Return what is not as it was, as events; nothing when all is."""
        return b"".join(self._changes(before, scope))

    def _changes(self, before: "State", scope: Scope) -> Iterator[bytes]:
        for name, then, now, hidden in (
            ("gates_changed", before.gates_for(scope), self.gates_for(scope), scope.hidden),
            ("alarms_changed", before.alarms_for(scope), self.alarms_for(scope), frozenset[str]()),
        ):
            put = [_without(one, hidden) for key, one in now.items() if _differ(then.get(key), one, hidden)]
            gone = [key for key in then if key not in now]
            if put or gone:
                yield encode(name, {"put": put, "gone": gone})
        if scope.gate is None:
            if before.orders != self.orders:
                yield encode("orders", self.orders)
            if before.zones != self.zones:
                yield encode("zones", self.zones)

    def gates_for(self, scope: Scope) -> Mapping[str, Described]:
        """Return the gates that a page is sent."""
        if scope.gate is None:
            return self.gates
        return {scope.gate: self.gates[scope.gate]} if scope.gate in self.gates else {}

    def alarms_for(self, scope: Scope) -> Mapping[str, Described]:
        """Return the alarms that a page is sent."""
        if scope.gate is None:
            return self.alarms
        return {key: alarm for key, alarm in self.alarms.items() if alarm["gate"] == scope.gate}


def _differ(then: Described | None, now: Described, hidden: frozenset[str]) -> bool:
    """Return whether a page is shown something else; what has not changed is mostly the same object."""
    return then is not now and (then is None or _without(then, hidden) != _without(now, hidden))


def _without(described: Described, names: frozenset[str]) -> Described:
    return {name: value for name, value in described.items() if name not in names}
