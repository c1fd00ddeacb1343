"""The bodies of showers' sessions in the API."""

import json
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from metering.api.room_money_bodies import MonthOfUseOut
from metering.sessions.disputes import WaterDisputeState
from metering.sessions.history import DayUse
from metering.sessions.tables import WaterDispute, WaterSession, WaterSessionReport
from metering.vocabulary import SessionState
from web.text import line

Fen = Annotated[int, Field(ge=0, le=10_000_000, description="fen")]


class WaterSessionOut(BaseModel):
    """A session. `billed` is what was taken in all, `subsidy` the part of it that a fund paid."""

    id: UUID
    device_id: UUID
    place_id: UUID | None
    person_id: UUID | None
    state: SessionState
    refusal: str | None
    began_at: datetime
    ended_at: datetime | None
    stop_reason: str | None
    hot_ml: int
    cold_ml: int
    open_s: int
    loss_ml: int
    price_list_id: UUID | None
    cost: int
    subsidy: int
    billed: int
    doubts: list[str]
    decided_by: str | None
    decided_at: datetime | None

    @classmethod
    def of(cls, row: WaterSession) -> "WaterSessionOut":
        """Show `row`."""
        return cls.model_validate(
            {name: getattr(row, name) for name in cls.model_fields if name != "doubts"} | {"doubts": row.doubts.split()}
        )


class SessionReadingOut(BaseModel):
    """A report as it came: what the meters counted, by when."""

    seq: int
    step: str
    at: datetime
    received_at: datetime
    clock_sure: bool
    counts: list[dict[str, int | str | None]]
    stop_reason: str | None

    @classmethod
    def of(cls, row: WaterSessionReport) -> "SessionReadingOut":
        """Show `row`; whose card it was stays out."""
        return cls.model_validate(json.loads(row.body) | {"received_at": row.received_at})


class WaterPriceOut(BaseModel):
    """The price of one water: fen for a cubic metre, and for an hour with the valve open."""

    utility: str
    fen_per_m3: int
    fen_per_hour: int


class WaterDisputeOut(BaseModel):
    """A dispute of a session's charge."""

    id: UUID
    session_id: UUID
    person_id: UUID
    text: str
    state: WaterDisputeState
    opened_at: datetime
    refund: int
    answer: str | None
    decided_by: str | None
    decided_at: datetime | None

    @classmethod
    def of(cls, row: WaterDispute) -> "WaterDisputeOut":
        """Show `row`."""
        return cls.model_validate(row, from_attributes=True)


class WaterSessionDetailsOut(BaseModel):
    """A session with its readings, the prices it was charged by, and its dispute."""

    session: WaterSessionOut
    readings: list[SessionReadingOut]
    prices: list[WaterPriceOut]
    is_pause_charged: bool
    dispute: WaterDisputeOut | None


class WaterDisputeIn(BaseModel):
    """Why a charge is wrong."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, line(500)]


class WaterDisputeDecisionIn(BaseModel):
    """What staff decide: fen to give back, 0 to decline, and what the holder is told."""

    model_config = ConfigDict(extra="forbid")

    refund: Fen
    answer: Annotated[str, line(500)]


class WaterSessionDecisionIn(BaseModel):
    """What a session that waits shall cost; 0 lets it go."""

    model_config = ConfigDict(extra="forbid")

    fen: Fen


class WaterDayOut(BaseModel):
    """A day's water."""

    day: date
    sessions: int
    hot_ml: int
    cold_ml: int
    cost: int
    subsidy: int

    @classmethod
    def of(cls, use: DayUse) -> "WaterDayOut":
        """Show `use`."""
        return cls.model_validate(use, from_attributes=True)


class WaterUsageOut(BaseModel):
    """A person's water: the session under way, and each day with sessions."""

    running: WaterSessionOut | None
    subsidy_left: int
    days: list[WaterDayOut]


class UsageOut(BaseModel):
    """What a person used: electricity by month, water by day."""

    electricity: list[MonthOfUseOut]
    water: WaterUsageOut
