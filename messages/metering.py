"""What a shower controller and the server say to each other, over HTTP and over MQTT alike.

A controller reports each step of a session (`SessionReport`) and how it is (`DeviceHeartbeat`); each is answered. Every
report is stored by (session, `seq`), so sending one again changes nothing, and an answer that names both tells the
controller that it may forget the report. Codes of `metering.vocabulary` travel as open codes: readers pass on what they
do not know.
"""

from enum import StrEnum
from typing import Annotated, ClassVar, Self
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field, model_validator

from messages.wire import Code, Message, Moment

MOST_PULSES = 2**53
"""Beyond it JSON's numbers are not exact everywhere."""

Pulses = Annotated[int, Field(ge=-MOST_PULSES, le=MOST_PULSES)]
"""A pulse counter's value; a negative one stands for a value the controller does not know."""
MOST_FEN = 10_000_000
Fen = Annotated[int, Field(ge=0, le=MOST_FEN)]
Millilitres = Annotated[int, Field(ge=0, le=10**12)]
Seconds = Annotated[int, Field(ge=0, le=10**9)]
Sequence = Annotated[int, Field(ge=0, le=2**53)]


class _Part(BaseModel):
    """A part of a message."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class SessionStep(StrEnum):
    """What a report tells of a session. `authorise` asks before water flows; the others tell what has happened."""

    AUTHORISE = "authorise"
    STARTED = "started"
    UPDATED = "updated"
    ENDED = "ended"


class ShownCard(_Part):
    """A card that was presented: as a gate's Tap, only the digest of its number under the site's credential key."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """HMAC-SHA256 in lower-case hexadecimal."""
    proved_key: Annotated[int, Field(ge=0, le=255)] | None = None
    """The issuer key that the card proved to the reader."""


class WaterCount(_Part):
    """What one water meter of the controller has counted in a session, from its beginning until now.

    `begin` and `now` count pulses since the controller's start, `begin_total` and `total` since its installation. A
    session that outlives a restart leaves the first two out: that counter began again. `open_s` and `paused_s` are the
    seconds for which the valve was open, and closed by a pause.
    """

    utility: Code
    """`cold_water` or `hot_water`."""
    pulses_per_m3: Annotated[int, Field(ge=1, le=10**10)]
    """450 pulses a litre are 450,000."""
    begin: Pulses | None = None
    now: Pulses | None = None
    begin_total: Pulses | None = None
    total: Pulses | None = None
    open_s: Seconds = 0
    paused_s: Seconds = 0
    went_back: bool = False
    """The controller saw a counter stand lower than before in this session; a person decides what is billed."""


class SessionReport(Message):
    """One step of a session. A session is known by controller, start of the controller (`boot_id`) and `number`."""

    device: UUID
    """The controller's id, as in its token."""
    boot_id: UUID
    """Made at the start of the controller in which the session began; it stays the session's after a restart."""
    number: Sequence
    """Counts the sessions of one start."""
    seq: Sequence
    """Counts the reports of one session; of two the larger is newer, however they arrive."""
    step: SessionStep
    at: Moment
    """By the controller's own clock, however late it arrives."""
    clock_sure: bool = True
    began_at: Moment | None = None
    offline: bool = False
    """The session began without the server's leave, while it was out of reach."""
    trigger: Code | None = None
    """What made the controller send this: a hint."""
    card: ShownCard | None = None
    code: Annotated[str, Field(pattern=r"^[0-9]{16,24}$")] | None = None
    """The digits of a virtual card's one-time code."""
    hold: UUID | None = None
    """The hold that the answer to `authorise` named."""
    tariff: UUID | None = None
    """The price list that the controller shows."""
    counts: Annotated[tuple[WaterCount, ...], Field(max_length=4)] = ()
    stop_reason: Code | None = None
    """Why it ended: a hint."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.card is not None and self.code is not None:
            raise ValueError("a session is opened with a card or a code, not with both")
        if self.step is SessionStep.AUTHORISE and self.card is None and self.code is None:
            raise ValueError("to authorise, give the card or the code that was shown")
        if len({count.utility for count in self.counts}) != len(self.counts):
            raise ValueError("each utility is counted once")
        return self

    @property
    def session(self) -> UUID:
        """The session's id; the same for every report of it."""
        return session_id(self.device, self.boot_id, self.number)


def session_id(device: UUID, boot_id: UUID, number: int) -> UUID:
    """Return the id of the session that a controller began as its `number`-th since the start `boot_id`."""
    return uuid5(device, f"session/{boot_id}/{number}")


class SessionLimit(_Part):
    """Where the controller closes the valve: fen, millilitres and seconds of the whole session. None is no limit."""

    fen: Fen | None = None
    ml: Millilitres | None = None
    open_s: Seconds | None = None


class SessionAnswer(Message):
    """The server has stored the report `seq` of `session`; the controller may forget it.

    With `refusal` no water may flow; with `stop` a running session must end. `cost` is what the session comes to so
    far, `subsidy` the part of it that a subsidy pays.
    """

    device: UUID
    session: UUID
    seq: Sequence
    at: Moment
    state: Code
    """`authorised`, `running`, `settled`, `expired`, `in_review` or `refused`."""
    refusal: Code | None = None
    stop: Code | None = None
    hold: UUID | None = None
    expires_at: Moment | None = None
    """When the session is settled from what was reported last."""
    limit: SessionLimit | None = None
    tariff: UUID | None = None
    cost: Fen | None = None
    subsidy: Fen = 0
    balance: int | None = None
    """Fen the account can still spend beside this session."""


class MeterTotal(_Part):
    """A water meter of the controller as it stands: pulses since the start, and since the installation."""

    utility: Code
    pulses_per_m3: Annotated[int, Field(ge=1, le=10**10)]
    now: Pulses | None = None
    total: Pulses | None = None


class DeviceHeartbeat(Message):
    """How a controller is. It repeats its last unsettled report until an answer names that."""

    device: UUID
    boot_id: UUID
    seq: Sequence = 0
    """Counts the heartbeats of one start."""
    at: Moment
    clock_sure: bool = True
    version: Annotated[str, Field(max_length=100)] | None = None
    configuration: Annotated[str, Field(max_length=64)] | None = None
    """The `revision` of the last answer that the controller follows."""
    valve: Code = "unknown"
    """`open`, `closed`, `stuck` or `unknown`."""
    faults: Annotated[tuple[Code, ...], Field(max_length=8)] = ()
    """Such as `valve`, `display`, `flow_meter`, `card_reader`."""
    running: UUID | None = None
    """The session that runs."""
    totals: Annotated[tuple[MeterTotal, ...], Field(max_length=4)] = ()
    queued: Annotated[int, Field(ge=0, le=2**53)] = 0
    """Reports that still wait to be sent."""
    unsettled: SessionReport | None = None


class WaterPrice(_Part):
    """The price of one water: fen for a cubic metre, and for an hour in which the valve is open."""

    utility: Code
    fen_per_m3: Fen
    fen_per_hour: Fen = 0


class OpeningPeriod(_Part):
    """A time of each day in which sessions may begin, by the campus's clock; it may run past midnight."""

    begins: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    ends: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class HeartbeatAnswer(Message):
    """What a controller works by from now on: price, cadence, time-outs, limits; and the answer to what it repeated."""

    device: UUID
    boot_id: UUID | None = None
    seq: Sequence | None = None
    """Which heartbeat it answers, by the start of the controller: an answer to an earlier one is not followed."""
    at: Moment
    """The server's time, for a controller whose clock is unsure."""
    utc_offset_s: Annotated[int, Field(ge=-86_400, le=86_400)]
    """Of the campus's clock."""
    revision: str
    """Changes when anything below changes."""
    is_enabled: bool = True
    """Otherwise no session may begin, offline neither."""
    heartbeat_s: Annotated[int, Field(ge=1)]
    update_s: Annotated[int, Field(ge=1)]
    """How often a running session is reported."""
    tariff: UUID | None = None
    prices: tuple[WaterPrice, ...] = ()
    is_pause_charged: bool = False
    """Whether the seconds of a pause count as open ones."""
    opening: tuple[OpeningPeriod, ...] = ()
    """None at all: always."""
    idle_s: Annotated[int, Field(ge=1)]
    """After which a session ends whose valve was never opened."""
    no_flow_s: Annotated[int, Field(ge=1)]
    """After which a session ends whose valve is open while nothing is counted."""
    pause_s: Annotated[int, Field(ge=1)]
    """After which a paused session ends."""
    most: SessionLimit
    """Of one session, whatever its holder has."""
    offline: SessionLimit | None = None
    """Of one session begun while the server is out of reach; None: none may begin."""
    offline_fen_per_card: Fen = 0
    """Of all sessions of one card that the server has not acknowledged."""
    answer: SessionAnswer | None = None
    """To `unsettled`."""
