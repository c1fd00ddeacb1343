"""The part of an intake that needs no transaction: each line's files opened and measured, by several workers."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.tables import Person
from enrollment import references
from enrollment.assessment import Assessment, Engine, assess
from enrollment.intake_results import OUTCOME_BEFORE, IntakeOutcome
from enrollment.photo import UnreadablePhotoError
from enrollment.quality import Checker, Verdict
from enrollment.references import NoFaceError
from enrollment.roster import PhotoSource, RosterRow
from enrollment.tables import Consent, ConsentPurpose, ConsentRefusal, PhotoRecord, PhotoState
from models.template import Template


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what terms photos are taken in.

    `approve` is the worst verdict that needs no look; None leaves every photo to the reviewers' queue. `approver` is
    the reviewer in whose name such photos are approved; never their own.
    """

    consent_version: str
    """The notice in force."""
    consent_evidence: str | None = None
    """Where everybody's signed consents are kept; None: only who has consented already, or as their line says."""
    approve: Verdict | None = None
    approver: UUID | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is there before the first line, read once."""

    taken: dict[tuple[str, str], PhotoState]
    """What earlier runs took, by the person's number and the file's digest."""
    consented: frozenset[str]
    """Numbers of people whose consent to the notice in force stands."""
    withdrawn: frozenset[str]
    """Numbers of people who have withdrawn theirs, or said no: only they can give it, no list can."""

    @classmethod
    def read(cls, session: Session, version: str) -> "Standing":
        """Read it; `version` is the notice in force."""
        taken = session.execute(
            select(Person.number, PhotoRecord.digest, PhotoRecord.state)
            .join(Person, Person.id == PhotoRecord.person_id)
            .where(PhotoRecord.state != PhotoState.WITHDRAWN)
            .order_by(PhotoRecord.id)
        )
        consents = session.execute(
            select(Person.number, Consent.version, Consent.withdrawn_at)
            .join(Consent, Consent.person_id == Person.id)
            .where(Consent.purpose == ConsentPurpose.FACE_RECOGNITION)
            .order_by(Consent.id)
        ).all()
        refused = session.execute(
            select(Person.number)
            .join(ConsentRefusal, ConsentRefusal.person_id == Person.id)
            .where(ConsentRefusal.version == version)
        ).scalars()
        last = {number: withdrawn_at is not None for number, _, withdrawn_at in consents}
        return cls(
            {(number, digest): PhotoState(state) for number, digest, state in taken},
            frozenset(number for number, given, withdrawn_at in consents if given == version and withdrawn_at is None),
            frozenset((*refused, *(number for number, is_withdrawn in last.items() if is_withdrawn))),
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """What a worker found of a line; `outcome` is set when there is no photo to store."""

    outcome: IntakeOutcome | None = None
    why: str = ""
    digest: str = ""
    assessment: Assessment | None = None
    reference: Sequence[Template] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurer:
    """Opens and assesses lines. Safe to use from several threads."""

    source: PhotoSource
    engine: Engine
    further_engines: Sequence[Engine]
    checker: Checker
    terms: Terms
    standing: Standing

    def measure(self, row: RosterRow, refused: str | None) -> Measured:
        """Open and assess a line's files, unless it is `refused`. Nothing is measured of a face without consent."""
        if refused is not None:
            return Measured(IntakeOutcome.INVALID, refused)
        content = self._read(row.photo)
        if content is None:
            named = f"the photo {row.photo} is missing" if row.photo else f"there is no photo named {row.number}"
            return Measured(IntakeOutcome.NO_PHOTO, named)
        digest = hashlib.sha256(content).hexdigest()
        before = self.standing.taken.get((row.number, digest))
        if before is not None:
            return Measured(OUTCOME_BEFORE[before], "decided by an earlier run", digest)
        if not self.consents(row):
            return Measured(IntakeOutcome.NO_CONSENT, self._no_consent(row), digest)
        assessment = assess(content, self.engine, self.checker, self.further_engines)
        reference, why = self._reference(row)
        return Measured(None, why, digest, assessment, reference)

    def consents(self, row: RosterRow) -> bool:
        """Say whether the person of a line consents to the notice in force, as the line or the campus can show."""
        if row.number in self.standing.consented:
            return True
        if row.number in self.standing.withdrawn:
            return False
        if row.consent:
            return row.consent == self.terms.consent_version
        return self.terms.consent_evidence is not None

    def _no_consent(self, row: RosterRow) -> str:
        if row.number in self.standing.withdrawn:
            return "consent was withdrawn or refused; only the person can give it"
        return f"no consent to the notice {self.terms.consent_version}"

    def _read(self, name: str | None) -> bytes | None:
        if name is not None:
            with suppress(OSError, KeyError):
                return self.source.read(name)
        return None

    def _reference(self, row: RosterRow) -> tuple[Sequence[Template], str]:
        content = self._read(row.reference)
        if content is None:
            return (), f"the reference {row.reference} is missing" if row.reference else ""
        try:
            return references.read_templates(content, self.engine, self.further_engines), ""
        except (UnreadablePhotoError, NoFaceError):
            return (), f"the reference {row.reference} shows no face that can be read"
