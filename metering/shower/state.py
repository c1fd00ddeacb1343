"""What a shower's controller is in: the state of its state machine, and the times it works by."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from messages.metering import HeartbeatAnswer, MeterTotal, SessionLimit, SessionReport, ShownCard
from metering.shower.counting import Prices
from metering.shower.signals import ValvePosition
from metering.vocabulary import StopReason

MOST_UNSETTLED = 5_000
"""Sessions whose end waits for the server: weeks at one shower. When they are so many, none begins offline."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds that the server does not set."""

    ask_s: float = 5.0
    """How long somebody waits at the valve before it is decided that the server does not answer."""
    resend_s: float = 2.0
    """After which a report without an answer is sent again; doubled up to `longest_resend_s`."""
    longest_resend_s: float = 60.0
    record_s: float = 5.0
    """How often a running session is recorded: what a power cut can cost the campus, half a litre a few times."""
    closing_s: float = 3.0
    """A motor valve's way; what still flows after it is the campus's loss."""
    meters_silent_s: float = 10.0
    """Without a reading nothing limits a session, so it ends."""
    heartbeat_s: float = 30.0
    """Until the server has said how often."""
    tap_s: float = 2.0
    """Within which a reader may tell one tap several times: a card that lies on it, or a hand that slips."""


class Phase(StrEnum):
    """Where the controller is."""

    IDLE = "idle"
    ASKING = "asking"
    """The server is asked whether water may flow."""
    OPEN = "open"
    PAUSED = "paused"
    CLOSING = "closing"
    """The session ends when the valve is closed, or after `closing_s`."""


@dataclass(frozen=True, slots=True)
class Session:
    """The session under way. `report` is the last that was made of it, with the counts of now."""

    report: SessionReport
    sent: SessionReport | None = None
    """The report as it went out."""
    prices: Prices = field(default_factory=Prices)
    limit: SessionLimit = field(default_factory=SessionLimit)
    open_s: float = 0.0
    """How long the valve was open, up to `since_s` (monotonic), at which the present phase began."""
    paused_s: float = 0.0
    since_s: float = 0.0
    flowed_s: float = 0.0
    """When a meter last counted, or the valve was last opened."""
    has_opened: bool = False
    recorded_s: float = 0.0
    reported_s: float = 0.0
    sent_s: float = 0.0
    """When that report was sent last."""
    stop_reason: StopReason | None = None
    asked: SessionReport | None = None
    """Of a session that began offline: the question, which goes before each report until one is answered."""
    is_answered: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """The controller between two signals. Times are monotonic seconds."""

    device: UUID
    boot_id: UUID
    times: Times = field(default_factory=Times)
    terms: HeartbeatAnswer | None = None
    phase: Phase = Phase.IDLE
    session: Session | None = None
    next_number: int = 0
    unsettled: tuple[SessionReport, ...] = ()
    """Ends that the server has not acknowledged; the first is the one that is sent."""
    resend_at_s: float = 0.0
    resends: int = 0
    heartbeat_seq: int = 0
    heartbeat_at_s: float = 0.0
    totals: tuple[MeterTotal, ...] = ()
    read_at_s: float = float("-inf")
    valve: ValvePosition = ValvePosition.UNKNOWN
    closed_at_s: float = float("-inf")
    """When the valve was last told to close."""
    is_stuck: bool = False
    """The valve does not close, or water flows though it is closed; no session begins."""
    are_meters_faulty: bool = False
    tapped: ShownCard | None = None
    """The card that was shown last, at `tapped_s`."""
    tapped_s: float = float("-inf")

    @property
    def faults(self) -> tuple[str, ...]:
        """The codes of a heartbeat."""
        return tuple(
            code for code, holds in (("valve", self.is_stuck), ("flow_meter", self.are_meters_faulty)) if holds
        )
