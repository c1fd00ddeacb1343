"""Tables of the ledger. The journal (`ledger_transfers`) and its seals take inserts only: triggers refuse the rest.

No foreign key points at `ledger_accounts`: PostgreSQL would lock the merchant's row for each payment, and a merchant
whom everyone pays would queue the campus. The one writer (`posting.record`) checks that accounts exist instead.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from accounts.ledger.transfer import AccountKind
from database import Base
from database.append_only import make_append_only

ALL_WALLETS = UUID(int=0)
"""The id under which the wallets' day stands, all together."""

ALL_ROOMS = UUID(int=1)
"""The id under which the rooms' day stands, all together."""

IN_ONE_LINE = {AccountKind.WALLET: ALL_WALLETS, AccountKind.ROOM: ALL_ROOMS}
"""Kinds whose accounts are one line of a day's totals, all together."""

_Serial = BigInteger().with_variant(Integer, "sqlite")


class LedgerAccount(Base):
    """An account. Wallets and rooms carry `balance` and `held`; every other kind is summed from the journal.

    A room may owe: what it has used is debited whatever it has paid in.
    """

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        CheckConstraint(
            "(kind IN ('wallet', 'room')) = (balance IS NOT NULL)", name="wallets_and_rooms_carry_a_balance"
        ),
        CheckConstraint("kind <> 'wallet' OR balance >= held", name="wallets_are_never_negative"),
        CheckConstraint("held >= 0", name="held_amounts_are_not_negative"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(10))
    balance: Mapped[int | None] = mapped_column(BigInteger)
    held: Mapped[int] = mapped_column(BigInteger, default=0)
    opened_at: Mapped[datetime]


class JournalTransfer(Base):
    """One line of the journal: `amount` fen from `debit` to `credit`, and what balances are after it.

    A hold, a void and an expiry move nothing: their `amount` is what they reserve or release.
    """

    __tablename__ = "ledger_transfers"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="amounts_are_not_negative"),
        Index("ix_ledger_transfers_debit", "debit", "serial"),
        Index("ix_ledger_transfers_credit", "credit", "serial"),
        Index(
            "uq_ledger_transfers_resolves",
            "resolves",
            unique=True,
            postgresql_where=text("resolves IS NOT NULL"),
            sqlite_where=text("resolves IS NOT NULL"),
        ),
        Index(
            "ix_ledger_transfers_corrects",
            "corrects",
            postgresql_where=text("corrects IS NOT NULL"),
            sqlite_where=text("corrects IS NOT NULL"),
        ),
    )

    serial: Mapped[int] = mapped_column(_Serial, primary_key=True, autoincrement=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    action: Mapped[str] = mapped_column(String(8))
    purpose: Mapped[str] = mapped_column(String(20))
    debit: Mapped[UUID]
    credit: Mapped[UUID]
    amount: Mapped[int] = mapped_column(BigInteger)
    debit_balance: Mapped[int | None] = mapped_column(BigInteger)
    credit_balance: Mapped[int | None] = mapped_column(BigInteger)
    resolves: Mapped[UUID | None]
    corrects: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    windows: Mapped[str | None] = mapped_column(Text)
    details: Mapped[str | None] = mapped_column(Text)
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(index=True)


class OpenHold(Base):
    """A hold that is not resolved yet; the row goes when it is."""

    __tablename__ = "ledger_open_holds"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    debit: Mapped[UUID] = mapped_column(index=True)
    credit: Mapped[UUID] = mapped_column(index=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Corrected(Base):
    """How much of a transfer has been taken back by corrections; its row is the lock that keeps the sum right."""

    __tablename__ = "ledger_corrected"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)


class SpendingCounter(Base):
    """What a wallet has spent and holds in one window, such as a calendar day or a meal."""

    __tablename__ = "ledger_counters"

    account: Mapped[UUID] = mapped_column(primary_key=True)
    window: Mapped[str] = mapped_column(String(40), primary_key=True)
    spent: Mapped[int] = mapped_column(BigInteger)
    touched_at: Mapped[datetime] = mapped_column(index=True)


class Seal(Base):
    """A link of the hash chain: the journal's lines up to `last_serial` that the seal before did not cover."""

    __tablename__ = "ledger_seals"

    number: Mapped[int] = mapped_column(_Serial, primary_key=True, autoincrement=False)
    last_serial: Mapped[int] = mapped_column(BigInteger)
    transfers: Mapped[int] = mapped_column(Integer)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    sealed_at: Mapped[datetime]


class DayClose(Base):
    """A closed accounting day: lines up to `last_serial` recorded before `ends_at` that no earlier day took."""

    __tablename__ = "ledger_days"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    ends_at: Mapped[datetime]
    last_serial: Mapped[int] = mapped_column(BigInteger)
    transfers: Mapped[int] = mapped_column(BigInteger)
    closed_at: Mapped[datetime]


class DayTotal(Base):
    """One account's day. The wallets are one line, under the id `ALL_WALLETS`, and the rooms one under `ALL_ROOMS`."""

    __tablename__ = "ledger_day_totals"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    account: Mapped[UUID] = mapped_column(primary_key=True, index=True)
    kind: Mapped[str] = mapped_column(String(10))
    opening: Mapped[int] = mapped_column(BigInteger)
    debits: Mapped[int] = mapped_column(BigInteger)
    credits: Mapped[int] = mapped_column(BigInteger)
    closing: Mapped[int] = mapped_column(BigInteger)


for _row in (JournalTransfer, Seal, DayClose, DayTotal):
    make_append_only(_row)
