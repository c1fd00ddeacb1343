"""Tables of enrolment: photos, their sealed images, templates, consent, notices. Steps are in the audit trail."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

# Photos and templates belong to people: whoever uses these tables needs theirs as well.
import accounts.tables  # noqa: F401
from database import Base, new_id


class PhotoState(StrEnum):
    """Where a photo stands in its life."""

    UPLOADED = "uploaded"
    CHECKED = "checked"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


class TemplateState(StrEnum):
    """A candidate waits for its photo's review; an active one opens gates; a withdrawn one has lost its vector.

    A reference comes from an identity document or the admission photo: photos are compared with it, gates never get it.
    """

    CANDIDATE = "candidate"
    ACTIVE = "active"
    REFERENCE = "reference"
    WITHDRAWN = "withdrawn"


class PhotoSlot(StrEnum):
    """Which of a person's two photos: the first, or the second that may stand beside it."""

    FIRST = "first"
    SECOND = "second"


class PhotoSource(StrEnum):
    """Where a photo comes from: handed in, or taken at a gate, which as a rule sends a template and no picture."""

    PERSON = "person"
    GATE = "gate"


class PhotoRecord(Base):
    """A photo that a person handed in. The picture itself is in `photo_images`, sealed."""

    __tablename__ = "photos"
    __table_args__ = (Index("ix_photos_queue", "state", "uploaded_at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    slot: Mapped[str] = mapped_column(String(8), default=PhotoSlot.FIRST, server_default=PhotoSlot.FIRST)
    source: Mapped[str] = mapped_column(String(8), default=PhotoSource.PERSON, server_default=PhotoSource.PERSON)
    state: Mapped[str] = mapped_column(String(16))
    verdict: Mapped[str | None] = mapped_column(String(8))
    digest: Mapped[str] = mapped_column(String(64), index=True)
    """SHA-256 of the file as it was handed in, in hexadecimal: the same file is not taken twice."""
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """Results of the rules, see `enrollment.quality.report`, and of `enrollment.quality.geometry`."""
    identity: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """Findings of the identity checks, see `enrollment.identity`."""
    uploaded_at: Mapped[datetime]
    uploaded_by: Mapped[UUID | None]
    claimed_by: Mapped[UUID | None]
    claimed_until: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None] = mapped_column(index=True)
    reasons: Mapped[list[str] | None] = mapped_column(JSON)
    note: Mapped[str | None] = mapped_column(String(1000))


class PhotoImage(Base):
    """The picture of a photo: a JPEG without metadata, sealed. The row is deleted when it is no longer needed."""

    __tablename__ = "photo_images"

    photo_id: Mapped[UUID] = mapped_column(ForeignKey("photos.id"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class PhotoThumbnail(Base):
    """A small picture, sealed: what a reviewer sees of this person when another one's photo looks alike.

    It stays when the picture is erased after the approval, and goes with the photo's template.
    """

    __tablename__ = "photo_thumbnails"

    photo_id: Mapped[UUID] = mapped_column(ForeignKey("photos.id"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class TemplateRecord(Base):
    """A template of a person, sealed; `sealed` is erased when it is withdrawn."""

    __tablename__ = "templates"
    __table_args__ = (
        Index("ix_templates_model_state", "model_id", "state", "person_id"),
        Index(
            "uq_templates_photo_model",
            "photo_id",
            "model_id",
            unique=True,
            sqlite_where=text("state != 'withdrawn'"),
            postgresql_where=text("state != 'withdrawn'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    photo_id: Mapped[UUID | None] = mapped_column(ForeignKey("photos.id"))
    model_id: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16))
    source: Mapped[str | None] = mapped_column(String(16))
    """Of a reference: where it comes from, see `enrollment.references`."""
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class ConsentPurpose(StrEnum):
    """What a consent is to: face recognition at all, or besides that a second photo taken at a gate."""

    FACE_RECOGNITION = "face_recognition"
    GATE_PHOTO = "gate_photo"


class Consent(Base):
    """A person's consent to one version of the notice of a purpose, with the evidence of how it was given."""

    __tablename__ = "consents"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    purpose: Mapped[str] = mapped_column(
        String(32), default=ConsentPurpose.FACE_RECOGNITION, server_default=ConsentPurpose.FACE_RECOGNITION
    )
    version: Mapped[str] = mapped_column(String(32))
    given_at: Mapped[datetime]
    evidence: Mapped[dict[str, Any]] = mapped_column(JSON)
    withdrawn_at: Mapped[datetime | None]


class ConsentRefusal(Base):
    """A person said no to one version of the notice: they are not asked for it again, and may still consent."""

    __tablename__ = "consent_refusals"
    __table_args__ = (UniqueConstraint("person_id", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"))
    version: Mapped[str] = mapped_column(String(32))
    refused_at: Mapped[datetime]
    evidence: Mapped[dict[str, Any]] = mapped_column(JSON)


class SecondPhotoInvitation(Base):
    """A person was told, once, that they may give a second photo, or has said that they will not."""

    __tablename__ = "second_photo_invitations"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    told_at: Mapped[datetime | None]
    declined_at: Mapped[datetime | None]


class Notice(Base):
    """A message in a person's inbox, in Chinese and in English."""

    __tablename__ = "notices"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("people.id"), index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(32))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    """`{"zh": {"title", "body"}, "en": {"title", "body"}}`."""
    read_at: Mapped[datetime | None]


class NoticeDelivery(Base):
    """What became of a notice by one channel; a notice without a row has not been tried yet."""

    __tablename__ = "notice_deliveries"

    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notices.id", ondelete="CASCADE"), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    tries: Mapped[int]
    next_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
