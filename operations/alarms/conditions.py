"""What the live state says about alarms: presences, lag, and causes whose end no event will ever report. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from directory.lag import Lag
from messages import DoorState, DoorStatus, Health, ProcessStatus
from operations.alarms.rules import EVERYWHERE, AlarmKind, Signal
from operations.board import GateView

NEVER_HEARD = "never_heard"
NOTHING_HEARD = "events"
NO_ORDERS = "orders"
REVOCATIONS_WAITING = "revocations_waiting"
DISK_LOW = "disk_low"
MODEL_MISSING = "model_missing"
HOT = "hot"
NOT_HEARD_AGAIN = "not_heard_again"
"""It was heard before the broker was lost, and was not since."""

_PRESENCES = frozenset({AlarmKind.CONTROLLER_OFFLINE, AlarmKind.EDGE_OFFLINE})
OBSERVED = _PRESENCES | {
    AlarmKind.DIRECTORY_LAG,
    AlarmKind.BROKER_LOST,
    AlarmKind.SERVER_CLOCK,
    AlarmKind.CLONED_CARD,
    AlarmKind.CONNECTION_CONTESTED,
    AlarmKind.DEVICE_CONTRADICTION,
    AlarmKind.STORAGE_FULL,
    AlarmKind.MACHINE,
}
"""The kinds that no event tells: they are seen here."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on a condition is worth an alarm."""

    offline_after: timedelta = timedelta(seconds=60)
    lag_after: timedelta = timedelta(seconds=60)
    """A change of the directory, a revocation above all, is in force everywhere within seconds."""
    broker_after: timedelta = timedelta(seconds=10)
    turns_within: timedelta = timedelta(minutes=3)
    """Two boots that both come back within so long take turns; each speaks at least every half minute."""
    hot_c: float = 80.0
    disk_low_mb: float = 500.0


@dataclass(frozen=True, slots=True)
class Observation:
    """The site as it is seen at `now`."""

    now: datetime
    started_at: datetime
    """When the server began to listen, or could listen again after the broker was lost."""
    gates: Collection[str]
    """The gates that there should be."""
    views: Mapping[str, GateView]
    lags: Sequence[Lag]
    contradictions: Mapping[str, str] = field(default_factory=dict)
    """By gate: what a device of it said that cannot be true."""
    broker_lost_at: datetime | None = None
    """Since when nothing is heard of the gates."""
    orders_lost_at: datetime | None = None
    """Since when no order can be given."""
    contested: str | None = None
    """Which of the server's connections is ended again and again: `events`, `orders`, or both."""
    clock_doubt: str | None = None
    """Why the server's own clock cannot be believed."""
    storage_fault: str | None = None
    """Why the server's database takes no writes."""


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """What is read of an open alarm."""

    gate: str
    kind: AlarmKind
    last_at: datetime
    over: bool


def signals(seen: Observation, alarms: Collection[OpenAlarm], limits: Limits) -> list[Signal]:
    """Return which alarms are to be raised, and which of `alarms` are over."""
    present = _present(seen, limits)
    going_on = {(one.gate, one.kind) for one in alarms if not one.over}
    found = [
        Signal(gate, kind, seen.now, raises=True, reason=reason)
        for (gate, kind), reason in present.items()
        if (gate, kind) not in going_on
    ]
    for one in alarms:
        if one.over:
            continue
        ended = _ended(one, seen, present)
        if ended is not None:
            found.append(Signal(one.gate, one.kind, ended, raises=False))
    return found


def _present(seen: Observation, limits: Limits) -> dict[tuple[str, AlarmKind], str | None]:
    present: dict[tuple[str, AlarmKind], str | None] = {}
    if seen.storage_fault is not None:
        present[EVERYWHERE, AlarmKind.STORAGE_FULL] = seen.storage_fault
    if (reason := _unheard(seen, limits)) is not None:
        present[EVERYWHERE, AlarmKind.BROKER_LOST] = reason
    if seen.clock_doubt is not None:
        present[EVERYWHERE, AlarmKind.SERVER_CLOCK] = seen.clock_doubt
    if seen.contested is not None:
        present[EVERYWHERE, AlarmKind.CONNECTION_CONTESTED] = seen.contested
    if seen.broker_lost_at is None:
        for gate in seen.gates:
            present.update(_absent(gate, seen, limits))
    for lag in seen.lags:
        if lag.behind_s > limits.lag_after.total_seconds():
            waiting = REVOCATIONS_WAITING if lag.waiting_revocations else None
            present[lag.gate, AlarmKind.DIRECTORY_LAG] = waiting
    for gate, contradiction in seen.contradictions.items():
        present[gate, AlarmKind.DEVICE_CONTRADICTION] = contradiction
    for gate, view in seen.views.items():
        if (reason := _ailing(view, limits)) is not None:
            present[gate, AlarmKind.MACHINE] = reason
        present.update(_twins(gate, view, seen.now, limits))
    return present


def _twins(gate: str, view: GateView, now: datetime, limits: Limits) -> dict[tuple[str, AlarmKind], str | None]:
    """Return as what two devices speak. Once may be a broker's memory; two devices go on taking turns."""
    found: dict[tuple[str, AlarmKind], str | None] = {}
    for source, returns in view.returns.items():
        if len(returns) > 1 and now - returns[0] <= limits.turns_within:
            found[gate, AlarmKind.CLONED_CARD] = source
    return found


def _unheard(seen: Observation, limits: Limits) -> str | None:
    """Return which way to or from the gates is lost: events in, orders out, or both."""
    ways = ((NOTHING_HEARD, seen.broker_lost_at), (NO_ORDERS, seen.orders_lost_at))
    lost = [way for way, since in ways if since is not None and seen.now - since > limits.broker_after]
    return "_and_".join(lost) or None


def _ailing(view: GateView, limits: Limits) -> str | None:
    """Return what is wrong with the gate computer, by the last figures that its controller and its edge sent."""
    controller, edge = ({} if one is None else one.figures for one in map(view.health.get, ("controller", "edge")))
    temperature, disk = controller.get("temperature_c"), controller.get("disk_free_mb")
    if isinstance(disk, int | float) and disk < limits.disk_low_mb:
        return DISK_LOW
    if isinstance(temperature, int | float) and temperature > limits.hot_c:
        return HOT
    return MODEL_MISSING if edge.get("models_missing") else None


def _absent(gate: str, seen: Observation, limits: Limits) -> dict[tuple[str, AlarmKind], str | None]:
    view = seen.views.get(gate, GateView(gate))
    absent: dict[tuple[str, AlarmKind], str | None] = {}
    for kind, presence, since in (
        (AlarmKind.CONTROLLER_OFFLINE, view.controller, view.controller_since),
        (AlarmKind.EDGE_OFFLINE, view.edge, view.edge_since),
    ):
        listened_since = seen.started_at if presence is None or since is None else since
        if presence is ProcessStatus.ONLINE or seen.now - listened_since <= limits.offline_after:
            continue
        if since is not None:
            absent[gate, kind] = presence.value if presence is not None else NOT_HEARD_AGAIN
        elif kind is AlarmKind.CONTROLLER_OFFLINE:
            # A gate without an edge is a gate for cards; one without a controller is none.
            absent[gate, kind] = NEVER_HEARD
    return absent


def _ended(alarm: OpenAlarm, seen: Observation, present: Mapping[tuple[str, AlarmKind], str | None]) -> datetime | None:
    """Return when the cause of an alarm was over, or None when it goes on or nobody can tell."""
    if alarm.kind in OBSERVED:
        blind = alarm.kind in _PRESENCES and (seen.broker_lost_at is not None or _is_absent(alarm, seen))
        return None if blind or (alarm.gate, alarm.kind) in present else max(seen.now, alarm.last_at)
    view = seen.views.get(alarm.gate)
    if view is None:
        return None
    # A controller or an edge that was restarted does not report the end of what it no longer knows.
    door, edge = view.door, view.health.get("edge")
    if door is not None and door.at > alarm.last_at and _door_is_well(alarm.kind, door):
        return door.at
    if edge is not None and edge.at > alarm.last_at and _edge_is_well(alarm.kind, edge):
        return edge.at
    return None


def _is_absent(alarm: OpenAlarm, seen: Observation) -> bool:
    """Tell whether what an alarm misses is still not there, however short a time ago that was heard anew."""
    view = seen.views.get(alarm.gate, GateView(alarm.gate))
    if alarm.kind is AlarmKind.CONTROLLER_OFFLINE:
        presence, since = view.controller, view.controller_since
    else:
        presence, since = view.edge, view.edge_since
    return alarm.gate in seen.gates and since is not None and presence is not ProcessStatus.ONLINE


def _door_is_well(kind: AlarmKind, door: DoorState) -> bool:
    match kind:
        case AlarmKind.FORCED:
            return door.state is not DoorStatus.FORCED
        case AlarmKind.HELD:
            return door.state is not DoorStatus.HELD
        case AlarmKind.TAMPER:
            return not door.tamper
        case AlarmKind.FIRE:
            return not door.fire
        case AlarmKind.CLOCK_UNSURE:
            return door.clock_sure
        case _:
            return False


def _edge_is_well(kind: AlarmKind, edge: Health) -> bool:
    figures = edge.figures
    match kind:
        case AlarmKind.CAMERA_LOST:
            return figures.get("camera") == "running"
        case AlarmKind.CAMERA_IMPAIRED:
            return figures.get("view") == "good"
        case AlarmKind.MODEL_MISMATCH:
            return "model_mismatch" in figures and not figures["model_mismatch"]
        case _:
            return False
