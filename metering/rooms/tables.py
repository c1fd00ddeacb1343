"""Tables of rooms, who lives in them, the lines and meters, and which meter counted for which room when."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from database import Base, new_id
from metering.reader_contract import Protocol
from metering.readings.columns import word
from metering.vocabulary import ReadingSource, SupplyState, Utility


class Building(Base):
    """A building, chosen by its code."""

    __tablename__ = "buildings"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(String(63), unique=True)
    name: Mapped[str] = mapped_column(String(100))


class Room(Base):
    """A room. Its number is a text, compared as it is written: 1005 is neither 105 nor 01005."""

    __tablename__ = "rooms"
    __table_args__ = (UniqueConstraint("building_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    building_id: Mapped[UUID] = mapped_column(ForeignKey("buildings.id"))
    number: Mapped[str] = mapped_column(String(20))
    beds: Mapped[int] = mapped_column(SmallInteger)
    closed_at: Mapped[datetime | None]


class Residence(Base):
    """Who lives in a room: from the midnight that begins `moved_in` to the one that begins `moved_out`."""

    __tablename__ = "residences"
    __table_args__ = (
        Index("ix_residences_room", "room_id", "moved_in"),
        Index(
            "uq_residences_open",
            "person_id",
            unique=True,
            postgresql_where=text("moved_out IS NULL"),
            sqlite_where=text("moved_out IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    room_id: Mapped[UUID] = mapped_column(ForeignKey("rooms.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    moved_in: Mapped[date]
    moved_out: Mapped[date | None]


class MeterLine(Base):
    """A gateway or serial port with the meters behind it, read by one device, and what that device said of it."""

    __tablename__ = "meter_lines"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(63), unique=True)
    url: Mapped[str] = mapped_column(String(100))
    protocol: Mapped[Protocol] = mapped_column(word(Protocol, 10))
    bits_per_s: Mapped[int] = mapped_column(Integer)
    device_id: Mapped[UUID | None] = mapped_column(ForeignKey("devices.id"), index=True)
    is_up: Mapped[bool | None]
    """None while nobody has said anything."""
    since: Mapped[datetime | None]
    silent_meters: Mapped[int] = mapped_column(Integer, default=0)
    heard_at: Mapped[datetime | None]
    """When its device last sent anything."""


class Meter(Base):
    """A meter and what it last said of itself. Without a line it lies in the store, or is read by people.

    `number` is what its readings carry.
    """

    __tablename__ = "meters"
    __table_args__ = (UniqueConstraint("line_id", "address"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[int] = mapped_column(Integer, unique=True)
    serial: Mapped[str] = mapped_column(String(100), unique=True)
    utility: Mapped[Utility] = mapped_column(word(Utility, 12))
    model: Mapped[str] = mapped_column(String(63))
    line_id: Mapped[UUID | None] = mapped_column(ForeignKey("meter_lines.id"))
    address: Mapped[str] = mapped_column(String(100))
    has_relay: Mapped[bool]
    supply: Mapped[SupplyState] = mapped_column(word(SupplyState, 10), default=SupplyState.UNKNOWN)
    silent_since: Mapped[datetime | None]
    status_word: Mapped[int | None] = mapped_column(BigInteger)
    status_at: Mapped[datetime | None]
    clock_off_s: Mapped[int | None] = mapped_column(Integer)
    """How far its clock is ahead, where that is too far for what it freezes at midnight to be of midnight."""


class MeterPeriod(Base):
    """A meter counts for a room from `begins_at` to `ends_at`: its register, and what it showed at both instants.

    `final_digits` is there exactly when `ends_at` is; neither value is ever implied.
    """

    __tablename__ = "meter_periods"
    __table_args__ = (
        Index("ix_meter_periods_room", "room_id", "begins_at"),
        Index(
            "uq_meter_periods_open",
            "meter_id",
            unique=True,
            postgresql_where=text("ends_at IS NULL"),
            sqlite_where=text("ends_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    meter_id: Mapped[UUID] = mapped_column(ForeignKey("meters.id"), index=True)
    room_id: Mapped[UUID] = mapped_column(ForeignKey("rooms.id"))
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    digits: Mapped[int] = mapped_column(SmallInteger)
    decimals: Mapped[int] = mapped_column(SmallInteger)
    ratio: Mapped[int] = mapped_column(Integer)
    max_w: Mapped[int] = mapped_column(Integer)
    first_digits: Mapped[int] = mapped_column(BigInteger)
    first_source: Mapped[ReadingSource] = mapped_column(word(ReadingSource, 12))
    final_digits: Mapped[int | None] = mapped_column(BigInteger)
    final_source: Mapped[ReadingSource | None] = mapped_column(word(ReadingSource, 12))
