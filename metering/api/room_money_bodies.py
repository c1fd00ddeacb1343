"""What requests and answers about a room's money hold. Money ends in `_fen`, energy in `_wh`, on every field."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from accounts.api.sign_in import Secret
from metering.billing.credit import RoomCredit
from metering.billing.current_price import find_current_price
from metering.billing.plan_schemas import Day
from metering.billing.tables import AutomaticTopUp
from metering.billing.top_up import LEAST, MOST

PaidFen = Annotated[int, Field(ge=LEAST, le=MOST, description="fen")]
LevelFen = Annotated[int, Field(ge=0, le=MOST, description="fen")]


class QuotaOut(BaseModel):
    """Free energy that is there now: how much was given for which window, and what is left of it."""

    window: str
    granted_wh: int
    left_wh: int
    days: int = Field(description="days that it was given for, of the window's `of_days`")
    of_days: int
    ends_at: datetime | None


class PriceOut(BaseModel):
    """The price of the next kilowatt-hour, and where it comes from."""

    plan: str
    starts_on: date
    rate: str
    tier: int
    price_per_kwh: int = Field(description="ten-thousandths of a yuan: 5283 is 0.5283 yuan a kWh")
    tier_used_wh: int = Field(description="used in the calendar time in which tiers count, free energy apart")
    next_tier_at_wh: int | None


class RoomMoneyOut(BaseModel):
    """A room's money at `at`. `available_fen` is the balance less what was used since the last charge.

    Both may be below zero: what was used has been used, and the next top-up repays it first.
    """

    room_id: UUID
    at: datetime
    balance_fen: int
    used_since_charge_wh: int
    used_since_charge_fen: int
    available_fen: int
    read_until: datetime | None
    energy_left_wh: int = Field(description="at the price of now, free energy included")
    days_left: int | None = Field(description="at the last week's use; null where that is unknown or no end in sight")
    is_low: bool = Field(description="below what a room with so many beds is warned at")
    is_vacant: bool
    quotas: list[QuotaOut]
    price: PriceOut | None

    @classmethod
    def of(cls, found: RoomCredit, days_left: int | None, least_wh: int) -> "RoomMoneyOut":
        """Show what was found."""
        left = found.energy_left()
        return cls(
            room_id=found.room_id,
            at=found.at,
            balance_fen=found.balance,
            used_since_charge_wh=found.used.wh,
            used_since_charge_fen=found.used.fen,
            available_fen=found.available,
            read_until=found.read_until,
            energy_left_wh=left,
            days_left=days_left,
            is_low=left < least_wh,
            is_vacant=found.is_vacant,
            quotas=[
                QuotaOut(
                    window=grant.window,
                    granted_wh=grant.wh,
                    left_wh=unused,
                    days=grant.days,
                    of_days=grant.of_days,
                    ends_at=grant.ends,
                )
                for grant, unused in found.free_left
            ],
            price=_price(found),
        )


def _price(found: RoomCredit) -> PriceOut | None:
    now = find_current_price(found)
    if now is None:
        return None
    return PriceOut(
        plan=now.plan.name,
        starts_on=now.plan.starts_on,
        rate=now.rate.name,
        tier=now.tier,
        price_per_kwh=now.price,
        tier_used_wh=now.tier_used,
        next_tier_at_wh=now.next_tier_at,
    )


class RoomPreviewOut(BaseModel):
    """What a payer must see before paying. `quote` goes with the payment, for some minutes."""

    room_id: UUID
    building: str
    number: str
    residents: list[str] = Field(description="initials")
    quote: str


class RoomTopUpIn(BaseModel):
    """A top-up of a room from one's own wallet."""

    model_config = ConfigDict(extra="forbid")

    fen: PaidFen
    quote: Annotated[str, Field(min_length=1, max_length=100, description="of the room's preview")]
    consumption_password: Secret | None = Field(default=None, description="above the day's limit")


class TopUpLineOut(BaseModel):
    """A top-up of a room as its residents see it; `refunded_fen` of it went back."""

    id: UUID
    fen: int
    paid_by: str = Field(description="initials")
    is_automatic: bool
    paid_at: datetime
    refunded_fen: int


class AutomaticTopUpIn(BaseModel):
    """What a resident agrees to, with their consumption password."""

    model_config = ConfigDict(extra="forbid")

    below_fen: LevelFen
    fen: PaidFen
    month_limit_fen: Annotated[int, Field(ge=LEAST, le=10 * MOST, description="fen")]
    consumption_password: Secret


class AutomaticTopUpOut(BaseModel):
    """What a resident agreed to."""

    room_id: UUID
    below_fen: int
    fen: int
    month_limit_fen: int
    agreed_at: datetime

    @classmethod
    def of(cls, row: AutomaticTopUp) -> "AutomaticTopUpOut":
        """Show an agreement."""
        return cls.model_validate(row, from_attributes=True)


class MonthOfUseOut(BaseModel):
    """One's part of a month: of each day the equal part of all who lived there."""

    month: str
    wh: int
    fen: int
    days: int


class RoomRefundIn(BaseModel):
    """How much of a top-up goes back to its payer, and why; all that is left of it where `fen` is left out."""

    model_config = ConfigDict(extra="forbid")

    fen: Annotated[int, Field(ge=1, le=MOST)] | None = None
    reason: Annotated[str, Field(min_length=1, max_length=200)]


class RefundOut(BaseModel):
    """What went back."""

    id: UUID
    fen: int
    at: datetime


class SettlementIn(BaseModel):
    """Who moves out, and the first day on which they do not live there."""

    model_config = ConfigDict(extra="forbid")

    person_id: UUID
    moved_out: Day


class SettlementOut(BaseModel):
    """What somebody who moves out owes; `due_fen` must be paid to the room before."""

    room_id: UUID
    person_id: UUID
    moved_out: date
    balance_fen: int
    sharers: int
    share_fen: int
    paid_fen: int
    due_fen: int


class GivenBackOut(BaseModel):
    """What went back to one payer; 0 where their wallet could not take it, and `reason` says why."""

    top_up_id: UUID
    person_id: UUID
    fen: int
    reason: str | None


class CreditReturnOut(BaseModel):
    """What became of a left room's credit."""

    given_back: list[GivenBackOut]


class RoomDayOut(BaseModel):
    """A room's day in the reconciliation."""

    room_id: UUID
    building: str
    number: str
    finding: Literal["agrees", "vacant", "not_billed", "readings_differ", "no_longer_read", "ledger_differs"]
    read_wh: int | None
    charged_wh: int
    charged_fen: int
    ledger_fen: int


class DayOut(BaseModel):
    """The reconciliation of a day: every room that is billed, and the sums."""

    day: date
    rooms: list[RoomDayOut]
    charged_wh: int
    charged_fen: int
    ledger_fen: int
