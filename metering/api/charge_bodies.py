"""A charge as it is shown: its readings, its lines. Money ends in `fen`, energy in `wh`."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, Field

from metering.billing.day_charge import Quote
from metering.billing.stored import LINES, QUOTES, load
from metering.billing.tables import RoomCharge
from metering.tariffs.electricity_charge import Line
from metering.vocabulary import ReadingQuality, ReadingSource


class QuotedReadingOut(BaseModel):
    """What a register showed, in units of its last digit; `read_at` are the readings that it follows from."""

    at: datetime
    digits: int
    source: ReadingSource
    quality: ReadingQuality
    read_at: list[datetime]


class QuoteOut(BaseModel):
    """One meter's part of a charge."""

    meter_serial: str
    start: QuotedReadingOut
    end: QuotedReadingOut
    digits: int = Field(description="passed between both readings")
    ratio: int = Field(description="of the transformers")
    wh: int

    @classmethod
    def of(cls, quote: Quote) -> "QuoteOut":
        """Show a quote."""
        start, end = (QuotedReadingOut.model_validate(one, from_attributes=True) for one in (quote.start, quote.end))
        return cls(meter_serial=quote.serial, start=start, end=end, digits=quote.digits, ratio=quote.ratio, wh=quote.wh)


class ChargeLineOut(BaseModel):
    """A part of a charge at one price; `free_by` names the quota that it was free by."""

    wh: int
    fen: int
    rate: str
    tier: int
    price_per_kwh: int
    free_by: str | None
    is_estimated: bool

    @classmethod
    def of(cls, line: Line) -> "ChargeLineOut":
        """Show a line."""
        return cls(
            wh=line.wh,
            fen=line.fen,
            rate=line.rate,
            tier=line.tier,
            price_per_kwh=line.price,
            free_by=None if line.grant is None else line.grant.split("/", maxsplit=1)[0],
            is_estimated=line.is_estimated,
        )


class ChargeOut(BaseModel):
    """What a day came to. `withdrawn_at`: it was wrong, and was taken back; another revision of the day stands."""

    id: UUID
    day: date
    revision: int
    wh: int
    fen: int
    is_vacant: bool
    is_estimated: bool
    charged_at: datetime
    withdrawn_at: datetime | None
    readings: list[QuoteOut]
    lines: list[ChargeLineOut]

    @classmethod
    def of(cls, row: RoomCharge) -> "ChargeOut":
        """Show a charge."""
        return cls(
            id=row.id,
            day=row.day,
            revision=row.revision,
            wh=row.wh,
            fen=row.fen,
            is_vacant=row.is_vacant,
            is_estimated=row.is_estimated,
            charged_at=row.charged_at,
            withdrawn_at=row.withdrawn_at,
            readings=[QuoteOut.of(one) for one in load(QUOTES, row.quotes)],
            lines=[ChargeLineOut.of(one) for one in load(LINES, row.lines)],
        )
