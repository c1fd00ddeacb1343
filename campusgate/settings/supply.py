"""Settings of rooms' electricity: when nobody is cut off for money, what is lent, curfew, load, who confirms."""

from datetime import date, time, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from access.schedules import EndTime, StartTime


class SupplySettings(BaseModel):
    """The campus's rules of cutting off and arming, by its clock. Hours with equal ends are none."""

    quiet_begins: StartTime = time(23)
    quiet_ends: EndTime = time(8)
    quiet_weekdays: list[Annotated[int, Field(ge=0, le=6)]] = Field(default=[], description="Monday is 0")
    quiet_days: list[date] = []
    coldest_cut_c: int | None = Field(default=0, description="nobody is cut off for money while it is colder outside")
    emergency_fen: int = Field(default=500, ge=0, description="lent before a room is cut off: a day or two of use")
    warnings_fen: list[Annotated[int, Field(ge=1)]] = [2_000, 1_000]
    curfew_begins: StartTime | None = None
    curfew_ends: EndTime | None = None
    load_limit_w: int | None = Field(default=None, ge=100, description="measured twice, or the mean of two readings")
    overload_pause: timedelta = timedelta(minutes=10)
    overload_trips: int = Field(default=3, ge=1, description="so many in a row wait for a written request")
    two_persons: bool = Field(default=True, description="staff cut off and arm only two together")

    @model_validator(mode="after")
    def _a_curfew_has_both_ends(self) -> Self:
        if (self.curfew_begins is None) != (self.curfew_ends is None):
            raise ValueError("supply.curfew_begins and supply.curfew_ends are set together")
        return self
