"""What the reading process and the server say to each other over HTTP; both ends use these bodies.

`GET /api/v1/meter-reader/plan` gives the lines and meters to read. Readings go to `POST /api/v1/meter-reader/readings`,
states to `POST /api/v1/meter-reader/status`. Orders are fetched with `GET /api/v1/meter-reader/orders?wait_s=N` and
answered with `POST /api/v1/meter-reader/orders/{id}/result`. The token is that of a device with the role `meter`.
"""

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from metering.vocabulary import MeterAction, ReadingQuality, ReadingSource, SupplyState
from web.text import Line, Slug
from web.times import Moment

MOST_READINGS = 5_000
"""In one request: a cycle of 5,000 meters; some 700 kB of JSON."""

Digits = Annotated[int, Field(ge=0, le=10**15, description="in units of the meter's last digit")]


class _Body(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Protocol(StrEnum):
    """How the meters of a line speak."""

    DLT645 = "dlt645"
    CJT188 = "cjt188"
    MODBUS = "modbus"


class MeterPlan(_Body):
    """A meter as the reading process needs to know it. `model` names an entry of the protocol's table of models."""

    id: UUID
    address: Line
    serial: Line
    model: Slug
    has_relay: bool = False
    load_limit_w: int | None = Field(default=None, ge=1, description="in front of its transformers, as it measures")


class LinePlan(_Body):
    """One line: a TCP gateway (`tcp://HOST:PORT`) or a serial port (`serial:///dev/ttyUSB0?parity=E`)."""

    id: UUID
    name: Slug
    url: Line
    protocol: Protocol
    bits_per_s: int = Field(default=2_400, ge=300, le=115_200)
    meters: tuple[MeterPlan, ...] = ()


class Plan(_Body):
    """Everything to read. `revision` changes when anything in it does."""

    revision: str
    cycle_s: int = Field(default=900, ge=1)
    lines: tuple[LinePlan, ...] = ()


class ReadingIn(_Body):
    """One reading: the register's digits as the meter gave them, without its transformers' ratio."""

    meter: UUID
    serial: Line
    at: Moment
    digits: Digits
    source: ReadingSource = ReadingSource.CYCLE
    quality: ReadingQuality = ReadingQuality.GOOD
    tariffs: tuple[Digits, ...] = Field(default=(), max_length=4, description="the registers of the meter's tariffs")


class ReadingsIn(_Body):
    """Readings, at most `MOST_READINGS`; sending them again changes nothing."""

    readings: tuple[ReadingIn, ...] = Field(min_length=1, max_length=MOST_READINGS)


class RefusedReading(_Body):
    """A reading that cannot be stored at all, by its place in the request."""

    index: int
    code: Slug


class ReadingsOut(_Body):
    """How many readings made a row, how many were known, how many wait for a person, which were refused."""

    stored: int
    unchanged: int
    in_review: int
    refused: tuple[RefusedReading, ...] = ()


class LineStatus(_Body):
    """Whether a line's gateway answers."""

    line: UUID
    is_up: bool
    since: Moment
    silent_meters: int = 0


class MeterLoad(_Body):
    """The power (W, in front of its transformers) that a meter measured twice above its limit; the lower of the two."""

    power_w: int = Field(ge=0, le=10**7)
    at: Moment


class MeterStatus(_Body):
    """What a meter last said of itself; `silent_since` while it does not answer.

    `clock_off_s`: how far its clock is ahead of the reader's, where it is too far off for what it freezes at midnight.
    """

    meter: UUID
    supply: SupplyState = SupplyState.UNKNOWN
    silent_since: Moment | None = None
    status_word: int | None = None
    clock_off_s: int | None = Field(default=None, ge=-86_400, le=86_400)
    load: MeterLoad | None = None


class StatusIn(_Body):
    """What changed since the last time, or everything after a start."""

    lines: tuple[LineStatus, ...] = ()
    meters: tuple[MeterStatus, ...] = Field(default=(), max_length=MOST_READINGS)


class MeterOrderOut(_Body):
    """An order to one meter. It is worthless after `expires_at`, also inside the meter where that can be said."""

    id: UUID
    meter: UUID
    action: MeterAction
    expires_at: Moment


class OrdersOut(_Body):
    """Orders that wait, most urgent first."""

    orders: tuple[MeterOrderOut, ...] = ()


class OrderOutcome(StrEnum):
    """What became of an order: a meter's acknowledgement is `sent`, and `done` only what its relay then showed."""

    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    SILENT = "silent"
    EXPIRED = "expired"


class OrderResult(_Body):
    """The result of an order; `digits` is the energy register read just after."""

    outcome: OrderOutcome
    at: Moment
    supply: SupplyState = SupplyState.UNKNOWN
    status_word: int | None = None
    error: Line | None = None
    digits: Digits | None = None
