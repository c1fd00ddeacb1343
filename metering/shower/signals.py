"""What comes to a shower's controller, and what follows: the signals and effects of its state machine."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from messages.metering import DeviceHeartbeat, HeartbeatAnswer, MeterTotal, SessionAnswer, SessionReport, ShownCard


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment by both clocks; durations go by `monotonic_s` alone, so a wall clock that jumps ends no session."""

    monotonic_s: float
    at: datetime
    clock_sure: bool


class ValvePosition(StrEnum):
    """What the valve says of itself; one without contacts says `unknown`, and its flow tells."""

    OPEN = "open"
    CLOSED = "closed"
    STUCK = "stuck"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CardShown:
    """A card was tapped."""

    card: ShownCard


@dataclass(frozen=True, slots=True)
class CodeShown:
    """A virtual card's one-time code was scanned."""

    code: str


@dataclass(frozen=True, slots=True)
class PausePressed:
    """The pause key: the valve closes, or opens again."""


@dataclass(frozen=True, slots=True)
class StopPressed:
    """The stop key, which ends a session that was opened with a code."""


@dataclass(frozen=True, slots=True)
class MetersRead:
    """Several times a second: where valve and meters stand. None: the meters did not answer."""

    totals: tuple[MeterTotal, ...] | None
    valve: ValvePosition


@dataclass(frozen=True, slots=True)
class Answered:
    """The server's answer to a report."""

    answer: SessionAnswer


@dataclass(frozen=True, slots=True)
class HeartbeatAnswered:
    """The server's answer to the last heartbeat."""

    answer: HeartbeatAnswer


Signal = CardShown | CodeShown | PausePressed | StopPressed | MetersRead | Answered | HeartbeatAnswered


@dataclass(frozen=True, slots=True)
class MoveValve:
    """Open or close the valve."""

    is_open: bool


@dataclass(frozen=True, slots=True)
class Save:
    """Keep this as the session's one record, on disk before anything that follows is done."""

    report: SessionReport


@dataclass(frozen=True, slots=True)
class Forget:
    """The server has the end of this session: its record goes."""

    session: UUID


@dataclass(frozen=True, slots=True)
class KeepTerms:
    """Keep price, limits and cadence over a power cut."""

    terms: HeartbeatAnswer


@dataclass(frozen=True, slots=True)
class Send:
    """Send a report, or a heartbeat."""

    message: SessionReport | DeviceHeartbeat


class Notice(StrEnum):
    """What the display says; a refusal's own code says it better where there is one."""

    READY = "ready"
    WAIT = "wait"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"
    OCCUPIED = "occupied"
    REFUSED = "refused"
    OUT_OF_ORDER = "out_of_order"


@dataclass(frozen=True, slots=True)
class Show:
    """Tell the person in front: what, the refusal's or end's code, and fen."""

    notice: Notice
    code: str | None = None
    cost_fen: int | None = None


Effect = MoveValve | Save | Forget | KeepTerms | Send | Show
