"""Tables of people, cards, devices, passwords, sign-in, and the change feed. The ledger has its own."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Enum, ForeignKey, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from accounts.vocabulary import CardKind, CardState, Channel, DeviceRole, PasswordPurpose, PersonKind, PersonState, Role
from database import Base, new_id
from database.append_only import make_append_only

Serial = BigInteger().with_variant(Integer, "sqlite")


def _word(kind: type[StrEnum], length: int) -> Enum:
    return Enum(kind, native_enum=False, length=length, values_callable=lambda words: [word.value for word in words])


_LIVE = text("state NOT IN ('replaced', 'returned')")
_LIVE_PHYSICAL = text("kind = 'physical' AND state NOT IN ('replaced', 'returned')")
_LIVE_VIRTUAL = text("kind = 'virtual' AND state NOT IN ('replaced', 'returned')")


class Person(Base):
    """One person, one account."""

    __tablename__ = "people"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[PersonKind] = mapped_column(_word(PersonKind, 10))
    department: Mapped[str] = mapped_column(String(100), default="", index=True)
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    state: Mapped[PersonState] = mapped_column(_word(PersonState, 10), default=PersonState.ACTIVE)
    phone: Mapped[str | None] = mapped_column(String(16))
    phone_confirmed_at: Mapped[datetime | None]
    merged_into: Mapped[UUID | None] = mapped_column(index=True)
    """The account of the same person that this one was closed for."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    group_rows: Mapped[list["PersonGroup"]] = relationship(cascade="all, delete-orphan", lazy="selectin")
    role_rows: Mapped[list["PersonRole"]] = relationship(cascade="all, delete-orphan", lazy="selectin")

    @property
    def groups(self) -> frozenset[str]:
        """The groups the access rules speak of."""
        return frozenset(row.name for row in self.group_rows)

    @property
    def roles(self) -> frozenset[Role]:
        """What the person may do once signed in."""
        return frozenset(row.role for row in self.role_rows) | {Role.HOLDER}

    def is_valid(self, at: datetime) -> bool:
        """Whether the account may be used at the time `at`."""
        return (
            self.state is PersonState.ACTIVE
            and self.valid_from <= at
            and (self.valid_until is None or at < self.valid_until)
        )


class PersonGroup(Base):
    """Membership of a person in a group."""

    __tablename__ = "person_groups"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)


class PersonRole(Base):
    """A role given to a person, beside holder, which everyone has."""

    __tablename__ = "person_roles"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(_word(Role, 16), primary_key=True)


class PersonChange(Base):
    """The outbox of changes: one row for each change, written in the same transaction as the change itself."""

    __tablename__ = "person_changes"

    seq: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    person_id: Mapped[UUID] = mapped_column(index=True)
    at: Mapped[datetime]


class Card(Base):
    """A physical or a virtual card. Replaced and returned ones stay for the history."""

    __tablename__ = "cards"
    __table_args__ = (
        Index(
            "uq_cards_person_physical_live",
            "person_id",
            unique=True,
            postgresql_where=_LIVE_PHYSICAL,
            sqlite_where=_LIVE_PHYSICAL,
        ),
        Index("uq_cards_uid_digest_live", "uid_digest", unique=True, postgresql_where=_LIVE, sqlite_where=_LIVE),
        Index(
            "uq_cards_person_channel_live",
            "person_id",
            "channel",
            unique=True,
            postgresql_where=_LIVE_VIRTUAL,
            sqlite_where=_LIVE_VIRTUAL,
        ),
        Index(
            "uq_cards_channel_user_live",
            "channel",
            "channel_user",
            unique=True,
            postgresql_where=_LIVE_VIRTUAL,
            sqlite_where=_LIVE_VIRTUAL,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    kind: Mapped[CardKind] = mapped_column(_word(CardKind, 10))
    state: Mapped[CardState] = mapped_column(_word(CardState, 10))
    suspended_for_loss: Mapped[bool] = mapped_column(default=False)
    issued_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    uid_digest: Mapped[str | None] = mapped_column(String(64), index=True)
    """Of the number, under the site's credential key: what is read here opens no gate."""
    key_number: Mapped[int | None]
    first_tap_at: Mapped[datetime | None]

    channel: Mapped[Channel | None] = mapped_column(_word(Channel, 10))
    channel_user: Mapped[str | None] = mapped_column(String(128))
    code_handle: Mapped[str | None] = mapped_column(String(7), unique=True)
    code_lease: Mapped[int] = mapped_column(default=0)
    code_lease_until: Mapped[datetime | None]
    code_last_second: Mapped[int | None] = mapped_column(BigInteger)


class CardEvent(Base):
    """One line of a card's history."""

    __tablename__ = "card_events"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    card_id: Mapped[UUID] = mapped_column(ForeignKey("cards.id"), index=True)
    at: Mapped[datetime]
    action: Mapped[str] = mapped_column(String(20))
    state: Mapped[CardState] = mapped_column(_word(CardState, 10))
    actor: Mapped[str] = mapped_column(String(60))
    note: Mapped[str] = mapped_column(String(200), default="")


class LossReport(Base):
    """A reported loss, open until the card is found or reissued."""

    __tablename__ = "loss_reports"
    __table_args__ = (
        Index(
            "uq_loss_reports_person_open",
            "person_id",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
            sqlite_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    card_id: Mapped[UUID] = mapped_column(ForeignKey("cards.id"), index=True)
    reported_at: Mapped[datetime]
    reported_by: Mapped[str] = mapped_column(String(10))
    was_suspended: Mapped[bool]
    closed_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(10))


class Device(Base):
    """A machine that speaks to the server with a token of its own."""

    __tablename__ = "devices"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[DeviceRole] = mapped_column(_word(DeviceRole, 12))
    campus: Mapped[str | None] = mapped_column(String(64))
    gate: Mapped[str | None] = mapped_column(String(64))
    merchant_id: Mapped[UUID | None]
    kiosk_id: Mapped[UUID | None]
    """The kiosk that a card dispenser stands in."""
    token_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Password(Base):
    """One of a person's passwords."""

    __tablename__ = "passwords"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    purpose: Mapped[PasswordPurpose] = mapped_column(_word(PasswordPurpose, 12), primary_key=True)
    hash: Mapped[str] = mapped_column(String(300))
    must_change: Mapped[bool]
    changed_at: Mapped[datetime]


class PasswordTries(Base):
    """What was tried at one password from one source; both are digests, see `accounts.passwords.tries`."""

    __tablename__ = "password_tries"

    subject: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    source: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    failed: Mapped[int]
    locks: Mapped[int]
    locked_until: Mapped[datetime | None]
    known_until: Mapped[datetime | None]
    """The password was right from here, so it is no stranger's."""
    since: Mapped[datetime] = mapped_column(index=True)


class SignIn(Base):
    """One sign-in: the family of refresh tokens that follow from it, of which only the newest is good."""

    __tablename__ = "sign_ins"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    method: Mapped[str] = mapped_column(String(10))
    started_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    generation: Mapped[int]
    renewed_at: Mapped[datetime | None]
    """When the newest token took the place of the one before."""
    revoked_at: Mapped[datetime | None]


class ProviderAttempt(Base):
    """A sign-in that went to an identity provider and has not come back."""

    __tablename__ = "provider_attempts"

    state_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    provider: Mapped[str] = mapped_column(String(10))
    nonce: Mapped[str] = mapped_column(String(64))
    verifier: Mapped[str] = mapped_column(String(128))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class PhoneCode(Base):
    """A code sent to a phone and not confirmed yet."""

    __tablename__ = "phone_codes"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    phone: Mapped[str] = mapped_column(String(16))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)


class AuditEntry(Base):
    """One line of the audit trail; each line's digest covers the line before."""

    __tablename__ = "audit"

    serial: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(80), index=True)
    action: Mapped[str] = mapped_column(String(40), index=True)
    subject: Mapped[str] = mapped_column(String(80), index=True)
    details: Mapped[str] = mapped_column(Text)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))


make_append_only(AuditEntry)
