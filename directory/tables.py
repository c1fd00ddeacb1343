"""Tables of the directory: gates and zones, what each gate must know of each person, and what each gate has applied."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

# The directory is made of accounts and templates: whoever uses these tables needs theirs as well.
import enrollment.tables  # noqa: F401
from access.snapshot import View, add_digest
from database import Base, new_id
from directory.list_tables import NO_TOTAL, SharedList


class ZoneRecord(Base):
    """A place that gates lead into: a campus, a building, a floor."""

    __tablename__ = "zones"

    name: Mapped[str] = mapped_column(String(63), primary_key=True)
    site: Mapped[str] = mapped_column(String(63))
    title: Mapped[str] = mapped_column(String(100))


class GateRecord(Base):
    """A gate. `policy` is what administrators asked for, `published` what the gate is told, at `revision`."""

    __tablename__ = "gates"

    name: Mapped[str] = mapped_column(String(63), primary_key=True)
    title: Mapped[str] = mapped_column(String(100))
    policy: Mapped[dict[str, Any]] = mapped_column(JSON)
    published: Mapped[str | None] = mapped_column(Text)
    """The JSON of `access.policy.GatePolicy`, byte for byte what its digest covers."""
    model_id: Mapped[str | None] = mapped_column(String(255))
    """The face model that administrators chose for this gate; None: the campus's."""
    models: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """Of what is published: people are matched by the first of these that they have a template of."""
    is_dirty: Mapped[bool] = mapped_column(default=True)
    list_id: Mapped[UUID | None] = mapped_column(index=True)
    """The list that this gate shares; None until it is published. SQLite could add no reference."""
    own_revision: Mapped[int] = mapped_column("revision", BigInteger, default=0)
    """Of the last change of the policy or of an entry of this gate's own."""
    own_floor: Mapped[int] = mapped_column("floor", BigInteger, default=0)
    joined_from: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """The gate's revision when it came to its list, of which it knew another one then: `directory.list_changes`."""
    joined_at: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """The list's changes up to this revision are among the gate's own entries, where they concern it at all."""
    own_full: Mapped[bytes] = mapped_column("full_total", LargeBinary(32), default=NO_TOTAL)
    """What the gate's own entries add to the sum of its list, modulo 2²⁵⁶."""
    own_cards: Mapped[bytes] = mapped_column("cards_total", LargeBinary(32), default=NO_TOTAL)
    own_published_at: Mapped[datetime | None] = mapped_column("published_at")
    shared: Mapped[SharedList | None] = relationship(
        primaryjoin=lambda: foreign(GateRecord.list_id) == SharedList.id, lazy="selectin"
    )

    @property
    def revision(self) -> int:
        """Return the revision of the gate's directory: of its list, or of what is its own."""
        return max(self.own_revision, self.shared.revision if self.shared else 0)

    @property
    def floor(self) -> int:
        """Return the revision before which changes are not known any more: an older replica is fetched anew."""
        return max(self.own_floor, self.joined_from, self.shared.floor if self.shared else 0)

    @property
    def published_at(self) -> datetime | None:
        """Return when the gate's directory last changed."""
        times = (self.own_published_at, self.shared.published_at if self.shared else None)
        return max((at for at in times if at is not None), default=None)

    def total(self, view: View) -> int:
        """Return the sum of the digests of the gate's entries, as a view has them."""
        own = self.own_full if view == "full" else self.own_cards
        return add_digest(int.from_bytes(own, "big"), self.shared.total(view) if self.shared else 0)


class DirectoryPerson(Base):
    """A person as all gates together may know them, sealed; `directory.records.PersonRecord`."""

    __tablename__ = "directory_people"

    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    valid_until: Mapped[datetime | None] = mapped_column(index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class GateModel(Base):
    """How many people more than in its list a gate matches by a face model, for its own entries; may be negative."""

    __tablename__ = "gate_models"

    gate: Mapped[str] = mapped_column(ForeignKey("gates.name", ondelete="CASCADE"), primary_key=True)
    model_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    people: Mapped[int]
    changed_at: Mapped[datetime]


class EdgeModels(Base):
    """Which face models a gate's edge says it can run; `models` None: it says nothing, so it runs one only."""

    __tablename__ = "edge_models"

    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    models: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    said_at: Mapped[datetime]


class GateApplied(Base):
    """What a gate's edge (`full`) or controller (`cards`) says it has in force."""

    __tablename__ = "gate_applied"

    gate: Mapped[str] = mapped_column(ForeignKey("gates.name", ondelete="CASCADE"), primary_key=True)
    view: Mapped[str] = mapped_column(String(8), primary_key=True)
    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str | None] = mapped_column(String(64))
    applied_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class DeviceContradiction(Base):
    """A gate's device said what cannot be true, and nothing right since; see `directory.acknowledgements`."""

    __tablename__ = "device_contradictions"

    device_id: Mapped[UUID] = mapped_column(primary_key=True)
    gate: Mapped[str] = mapped_column(ForeignKey("gates.name", ondelete="CASCADE"))
    reason: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]


class ZonePassage(Base):
    """The last passage of one person through a gate of a zone, and the one before, should the last be taken back.

    `gate` None: forgiven, or not taken. `direction`: `entry`, `exit`, or `both` where the gate does not tell.
    """

    __tablename__ = "zone_passages"
    __table_args__ = (Index("ix_zone_passages_revision", "zone", "revision"),)

    zone: Mapped[str] = mapped_column(ForeignKey("zones.name", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    gate: Mapped[str | None] = mapped_column(String(63))
    direction: Mapped[str] = mapped_column(String(5))
    at: Mapped[datetime]
    before_gate: Mapped[str | None] = mapped_column(String(63))
    before_direction: Mapped[str | None] = mapped_column(String(5))
    before_at: Mapped[datetime | None]


class ZonePassageState(Base):
    """How far the passages of a zone are recorded; a gate older than `floor` fetches them anew."""

    __tablename__ = "zone_presence"

    zone: Mapped[str] = mapped_column(ForeignKey("zones.name", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger, default=0)
    floor: Mapped[int] = mapped_column(BigInteger, default=0)
    forgiven_before: Mapped[datetime | None]


class TemplateReceipt(Base):
    """A device that may have held a person's template when it left a gate's directory.

    See `directory.template_receipts`. It outlives the gate and the device: it is evidence.
    """

    __tablename__ = "template_receipts"
    __table_args__ = (
        Index(
            "ix_template_receipts_outstanding",
            "device_id",
            "gate",
            "revision",
            sqlite_where=text("confirmed_at IS NULL"),
            postgresql_where=text("confirmed_at IS NULL"),
        ),
        Index("ix_template_receipts_removed_at", "removed_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(index=True)
    gate: Mapped[str] = mapped_column(String(63))
    revision: Mapped[int] = mapped_column(BigInteger)
    device_id: Mapped[UUID]
    removed_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    confirmed_revision: Mapped[int | None] = mapped_column(BigInteger)
    model_id: Mapped[str | None] = mapped_column(String(255))
    """The model of the template; None: from before models were noted."""


class VisitorPass(Base):
    """Leave for one person to pass some gates for some hours, by face or by a code.

    One that a host gave keeps its code, sealed, so that they can show it again while it is good.
    """

    __tablename__ = "visitor_passes"
    __table_args__ = (Index("ix_visitor_passes_host", "host_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    gates: Mapped[list[str]] = mapped_column(JSON)
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    code_digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    issued_by: Mapped[str] = mapped_column(String(60))
    issued_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    host_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id"))
    purpose: Mapped[str] = mapped_column(String(200), default="", server_default="")
    sealed_code: Mapped[bytes | None] = mapped_column(LargeBinary)


class GatePerson(Base):
    """What gates must heed about a person beyond the account."""

    __tablename__ = "gate_people"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    needs_card_and_face: Mapped[bool] = mapped_column(default=False)
    extended_time: Mapped[bool] = mapped_column(default=False)
    pin_digest: Mapped[str | None] = mapped_column(String(64))


class DirectoryState(Base):
    """The publisher's place in the change feed; its row is the publisher's lock."""

    __tablename__ = "directory_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, default=0)
    revision: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """The last revision given out: all lists and gates count with one counter, so that a gate may change its list."""
    models: Mapped[list[str]] = mapped_column(JSON, default=list)
    """The face models that the campus uses, the one it moves to or stays with first; see `directory.gate_models`."""
    assembled: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """Those whose templates the people's records hold; None: records of an older version, which nobody may get."""


class LookAlikePair(Base):
    """Two people whom a gate could take for each other, the smaller id first; see `directory.look_alikes`."""

    __tablename__ = "look_alike_pairs"

    one_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    other_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True, index=True)
    similarity: Mapped[float]
    found_at: Mapped[datetime]

    @property
    def people(self) -> tuple[UUID, UUID]:
        """Return both ids."""
        return self.one_id, self.other_id


class LookAlikeState(Base):
    """How far the change feed was searched for look-alikes, with which models; its row is the lock."""

    __tablename__ = "look_alike_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    models: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))


class ProbeOfferRecord(Base):
    """The last offer for a second photo of a person from a gate; see `directory.probe_offers`.

    It is open while `sealed_key` is there and `until` has not come. None is opened again before `not_before`.
    """

    __tablename__ = "probe_offers"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    offer_id: Mapped[UUID] = mapped_column(unique=True)
    gate: Mapped[str] = mapped_column(String(63))
    device_id: Mapped[UUID]
    model_id: Mapped[str] = mapped_column(String(255))
    sealed_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The private key of the offer, sealed; erased when the offer is used."""
    until: Mapped[datetime] = mapped_column(index=True)
    not_before: Mapped[datetime | None]


class GateSetupCode(Base):
    """A code with which the computer of a gate sets itself up, once; see `directory.gate_setup`."""

    __tablename__ = "gate_setup_codes"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    """Of its secret, which nobody keeps."""
    gate: Mapped[str] = mapped_column(String(63), index=True)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The gate's users at the broker, sealed under the code; gone with it."""
    made_at: Mapped[datetime]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """When it was used, or another was made in its place."""
