"""Tables of readings. A meter stands in them by its number (`meters.number`), so that a row stays small."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import DDL, BigInteger, Index, Integer, String, event, text
from sqlalchemy.orm import Mapped, mapped_column

from database import Base
from metering.readings.columns import NumberedWord, UtcSeconds, word
from metering.readings.values import Doubt, ReviewState
from metering.vocabulary import ReadingQuality, ReadingSource

SOURCE_NUMBERS = (
    (ReadingSource.CYCLE, 0),
    (ReadingSource.FROZEN, 1),
    (ReadingSource.REQUESTED, 2),
    (ReadingSource.PERSON, 3),
    (ReadingSource.INTERPOLATED, 4),
)
QUALITY_NUMBERS = ((ReadingQuality.GOOD, 0), (ReadingQuality.ESTIMATED, 1), (ReadingQuality.DOUBTFUL, 2))

DEFAULT_PARTITION = "meter_readings_default"
"""On PostgreSQL: takes what no month's partition takes, so that no reading is ever refused for its time."""


class MeterReading(Base):
    """A register's value from `at` until at least `seen_at`: a row only where something changed; never a doubtful one.

    Ordered by meter and time on SQLite, which needs no other index; in monthly partitions on PostgreSQL.
    """

    __tablename__ = "meter_readings"
    __table_args__ = ({"sqlite_with_rowid": False, "postgresql_partition_by": "RANGE (at)"},)

    meter: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcSeconds, primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(UtcSeconds)
    digits: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[ReadingSource] = mapped_column(NumberedWord(SOURCE_NUMBERS))
    quality: Mapped[ReadingQuality] = mapped_column(NumberedWord(QUALITY_NUMBERS))
    tariff_1: Mapped[int | None] = mapped_column(BigInteger)
    tariff_2: Mapped[int | None] = mapped_column(BigInteger)
    tariff_3: Mapped[int | None] = mapped_column(BigInteger)
    tariff_4: Mapped[int | None] = mapped_column(BigInteger)


class DoubtfulReading(Base):
    """A reading that is not believed, and its review: stored, never billed. Same digits move `seen_at` only."""

    __tablename__ = "doubtful_readings"

    meter: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcSeconds, primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(UtcSeconds)
    digits: Mapped[int] = mapped_column(BigInteger)
    serial: Mapped[str] = mapped_column(String(100))
    source: Mapped[ReadingSource] = mapped_column(NumberedWord(SOURCE_NUMBERS))
    doubt: Mapped[Doubt] = mapped_column(word(Doubt, 20))
    review_id: Mapped[UUID] = mapped_column(index=True)


class ReadingReview(Base):
    """Doubtful readings of one meter in a row, which one person decides on together."""

    __tablename__ = "reading_reviews"
    __table_args__ = (
        Index("ix_reading_reviews_state", "state", "id"),
        Index(
            "uq_reading_reviews_waiting",
            "meter",
            unique=True,
            postgresql_where=text("state = 'waiting'"),
            sqlite_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    meter: Mapped[int] = mapped_column(Integer, index=True)
    doubt: Mapped[Doubt] = mapped_column(word(Doubt, 20))
    state: Mapped[ReviewState] = mapped_column(word(ReviewState, 10))
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    readings: Mapped[int] = mapped_column(Integer)
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_at: Mapped[datetime | None]
    note: Mapped[str | None] = mapped_column(String(200))


class ReadingRetention(Base):
    """How far old readings were thinned out; one row."""

    __tablename__ = "reading_retention"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    thinned_until: Mapped[date]


_default = DDL(f"CREATE TABLE {DEFAULT_PARTITION} PARTITION OF meter_readings DEFAULT")  # type: ignore[no-untyped-call]  # SQLAlchemy left it untyped
event.listen(MeterReading.__table__, "after_create", _default.execute_if(dialect="postgresql"))
