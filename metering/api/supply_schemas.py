"""Bodies of the routes about a room's supply."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field

from metering.supply.locks import lifted_by
from metering.supply.rules import TRIP_RULES, LiftedBy
from metering.supply.states import MeterOrderState, RequestAction, RequestState
from metering.supply.tables import SupplyGround, SupplyRequest
from metering.supply.view import Advice, RoomView
from metering.supply.warnings import NoticeKind
from metering.vocabulary import MeterAction, SupplyState, TripReason
from web.text import line
from web.times import Moment

Note = Annotated[str, line(200)]


class StaffRequestIn(BaseModel):
    """What staff ask for: `trip` cuts a room off, `arm` ends a cut-off for that reason."""

    action: Annotated[RequestAction, Field(description="`trip` or `arm`")]
    reason: TripReason = TripReason.STAFF
    note: Note


class ApplicationIn(BaseModel):
    """What a resident applies for, in writing."""

    reason: TripReason
    note: Annotated[str, line(500)]


class SupplyLimitsIn(BaseModel):
    """What holds for one room alone; null: the campus's limit."""

    load_limit_w: Annotated[int, Field(ge=100, le=100_000)] | None = None
    is_curfew_exempt: bool = False


class SupplyLimitsOut(BaseModel):
    """What holds for the room from now on."""

    room_id: UUID
    load_limit_w: int | None
    is_curfew_exempt: bool


class TemperatureIn(BaseModel):
    """The lowest temperature (°C) expected outside until then."""

    temperature_c: Annotated[int, Field(ge=-60, le=60)]
    valid_until: Moment


class SupplyRequestOut(BaseModel):
    """A request, who asked and who decided."""

    id: UUID
    room_id: UUID
    action: RequestAction
    reason: TripReason
    note: str
    state: RequestState
    asked_by: UUID
    asked_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None

    @classmethod
    def of(cls, row: SupplyRequest) -> Self:
        """Make it of the stored one."""
        return cls.model_validate(row, from_attributes=True)


class ApplicationOut(BaseModel):
    """A resident's own application."""

    id: UUID
    reason: TripReason
    state: RequestState
    asked_at: datetime
    decided_at: datetime | None


class GroundOut(BaseModel):
    """A reason for which the room is to have no supply, what ends it, and who then closes the relay."""

    reason: TripReason
    began_at: datetime
    until: datetime | None
    lifted_by: LiftedBy
    restored_by: MeterAction

    @classmethod
    def of(cls, row: SupplyGround) -> Self:
        """Make it of the stored one; an overload that does not end by itself waits for a written request."""
        return cls(
            reason=row.reason,
            began_at=row.began_at,
            until=row.until,
            lifted_by=lifted_by(row),
            restored_by=TRIP_RULES[row.reason].restored_by,
        )


class RelayOut(BaseModel):
    """One meter's relay as it last said."""

    meter_id: UUID
    serial: str
    supply: SupplyState
    said_at: datetime | None
    silent_since: datetime | None


class SupplyOrderOut(BaseModel):
    """An order to a meter and what became of it."""

    id: UUID
    meter_id: UUID
    action: MeterAction
    reason: TripReason | None
    asked_at: datetime
    expires_at: datetime
    state: MeterOrderState
    sent_at: datetime | None
    ended_at: datetime | None
    error: str | None


class RoomNoticeOut(BaseModel):
    """What the residents were told."""

    at: datetime
    kind: NoticeKind
    content: dict[str, int | str | None]


class RoomSupplyOut(BaseModel):
    """A room's supply: how it is, why, what residents can do, and how far a top-up has come."""

    room_id: UUID
    supply: SupplyState
    advice: Advice
    grounds: list[GroundOut]
    balance_fen: int | None = Field(description="null: the room pays nothing")
    emergency_fen: int
    needed_fen: int = Field(description="the least top-up after which the supply is armed; 0: none is needed")
    put_off_until: datetime | None = Field(description="a cut-off waits until then")
    paid_at: datetime | None
    ordered_at: datetime | None = Field(description="when the meter was told, after the last top-up, to let it close")
    armed_at: datetime | None = Field(description="when its relay showed that")
    relays: list[RelayOut]
    orders: list[SupplyOrderOut]
    notices: list[RoomNoticeOut]

    @classmethod
    def of(cls, room_id: UUID, view: RoomView, *, emergency_fen: int) -> Self:
        """Make it of what was found."""
        relays = [
            RelayOut(
                meter_id=meter.id,
                serial=meter.serial,
                supply=meter.supply,
                said_at=meter.status_at,
                silent_since=meter.silent_since,
            )
            for meter in view.meters
        ]
        return cls(
            room_id=room_id,
            supply=view.supply,
            advice=view.advice,
            grounds=[GroundOut.of(row) for row in view.grounds],
            balance_fen=None if view.credit is None else view.credit.balance_fen,
            emergency_fen=emergency_fen,
            needed_fen=view.needed_fen,
            put_off_until=view.put_off_until,
            paid_at=view.paid_at,
            ordered_at=view.ordered_at,
            armed_at=view.armed_at,
            relays=relays,
            orders=[SupplyOrderOut.model_validate(row, from_attributes=True) for row in view.orders],
            notices=[RoomNoticeOut.model_validate(row, from_attributes=True) for row in view.notices],
        )
