"""The contract between the directory on the server and a gate: what travels, and how both sides prove they agree.

Both keep, for each gate, a sum of the digests of all its entries (addition modulo 2²⁵⁶, so that it does not depend on
order and a change costs one subtraction and one addition). The digest of the directory binds that sum to the policy.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from access.policy import GatePolicy, Group, Name
from access.schedules import ALWAYS

SCHEMA_VERSION = 1
"""Raised when what an entry or the policy says so far comes to mean something else. A field that is added is left out
where it says nothing (`exclude_if`): a gate that does not know it goes on until somebody uses it, and then has to be
updated, for to ignore a rule would open doors. `PersonEntry.model_id` goes to no gate that did not ask with `models`.
"""

_MODULUS = 1 << 256

KEY_CHECK_HEADER = "Campusgate-Credential-Check"
"""With every page of changes: what the server's credential key makes of nothing, for the gate to compare."""
TIME_HEADER = "Campusgate-Time"
"""The server's time in an answer (ISO 8601), where the server itself believes its clock."""
ACKNOWLEDGED_HEADER = "Campusgate-Acknowledged"
"""In the answer to a question for changes: the revision that the server took note of by `held`, 0 for none. A server
that does not say it expects acknowledgements apart."""
MODELS_HEADER = "Campusgate-Models"
"""The ids of the models that the gate should be able to run, separated by spaces: in the answer to a question for
changes, which says in `models` those that it can."""
PICTURES_HEADER = "Campusgate-Pictures"
"""The kinds of events at which the gate's camera takes a picture, separated by spaces; left out where it takes none."""


def time_in(headers: Mapping[str, str]) -> datetime | None:
    """Return the server's time in the headers of an answer, None where it is not told."""
    try:
        return datetime.fromisoformat(headers[TIME_HEADER]).astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return None


CredentialKind = Literal["card", "code", "pin"]
CredentialStatus = Literal["active", "lost", "suspended", "replaced", "returned"]
View = Literal["full", "cards"]
"""`full`: with templates, for an edge; `cards`: without, for a door controller, which has no use for them."""


class DirectoryVersionError(Exception):
    """The server is newer than this gate and says something that it does not understand."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")


class CredentialEntry(_Value):
    """Something a person can present. `digest`: see `access.credentials`; for a card and a code it is unique."""

    kind: CredentialKind
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    status: CredentialStatus = "active"
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None


class Grant(_Value):
    """A pass given to this one person at this gate, such as a visitor's for some hours."""

    schedule: Name = ALWAYS.name
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None


class PersonEntry(_Value):
    """One person as one gate knows them: no name, no number, and only the groups that count at this gate."""

    person_id: UUID
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    suspended: bool = False
    groups: tuple[Group, ...] = ()
    grants: tuple[Grant, ...] = ()
    needs_card_and_face: bool = False
    """A look-alike is enrolled: a face alone does not tell this person apart."""
    extended_time: bool = False
    """Needs the door open for longer."""
    credentials: tuple[CredentialEntry, ...] = ()
    templates: tuple[bytes, ...] = ()
    """Unit vectors, float16 little-endian, all of one model: the policy's, unless `model_id` names another."""
    model_id: Annotated[str | None, Field(exclude_if=lambda model_id: model_id is None)] = None
    """The model of `templates` where it is not the policy's: the person has none of that one yet."""

    def without_templates(self) -> "PersonEntry":
        """Return the entry as a gate without a camera gets it."""
        return self.model_copy(update={"templates": (), "model_id": None}) if self.templates else self

    @property
    def is_revoked(self) -> bool:
        """Whether the gate must hear of it before anything else."""
        return self.suspended or any(credential.status != "active" for credential in self.credentials)

    def to_json(self) -> bytes:
        """Return the one way to write the entry down, which its digest covers."""
        return self.model_dump_json().encode()

    def digest(self) -> int:
        """Return the digest of `to_json`, the summand of this entry."""
        return digest_of(self.to_json())


class Change(_Value):
    """What became of one person at this gate; `entry` None: removed, nothing of them may stay."""

    revision: Annotated[int, Field(ge=1)]
    person_id: UUID
    entry: PersonEntry | None


class ChangePage(_Value):
    """Part of the way from one revision to the latest.

    Revocations (removals, suspensions, lost cards) after `revoked_from` come first, ahead of their turn; the other
    changes follow in the order of their revision. Having applied the page, a gate asks again with
    `since=to_revision&revoked_since=revoked_to`. On the last page `to_revision` equals `latest_revision` and
    `digest_when_complete` is given.
    """

    schema_version: int = SCHEMA_VERSION
    policy: GatePolicy
    view: View = "full"
    from_revision: Annotated[int, Field(ge=0)]
    to_revision: Annotated[int, Field(ge=0)]
    revoked_from: Annotated[int, Field(ge=0)]
    revoked_to: Annotated[int, Field(ge=0)]
    latest_revision: Annotated[int, Field(ge=0)]
    changes: tuple[Change, ...]
    digest_when_complete: str | None = None

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Read what a server answered.

        Raises:
            DirectoryVersionError: it is of a newer version.
            pydantic.ValidationError: it is no page.
        """
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            version = _version_in(content)
            if version > SCHEMA_VERSION:
                raise DirectoryVersionError(
                    f"the directory speaks version {version}, this gate {SCHEMA_VERSION}: update the gate"
                ) from error
            unknown = [one for one in error.errors(include_url=False) if one["type"] == "extra_forbidden"]
            if not unknown:
                raise
            where = ".".join(map(str, unknown[0]["loc"]))
            raise DirectoryVersionError(f"the server says {where}, which this gate does not know: update it") from error

    @property
    def gate(self) -> str:
        """The gate this page is for."""
        return self.policy.gate

    @property
    def model_id(self) -> str | None:
        """The model of every template in it whose entry names no other."""
        return self.policy.model_id

    @property
    def model_ids(self) -> frozenset[str]:
        """Every model that whoever applies the page must be able to run."""
        named = {change.entry.model_id for change in self.changes if change.entry is not None}
        return frozenset(model_id for model_id in named | {self.policy.model_id} if model_id is not None)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left after this page."""
        return self.to_revision == self.latest_revision


def _version_in(content: bytes) -> int:
    try:
        found = json.loads(content).get("schema_version")
    except (ValueError, AttributeError):
        return SCHEMA_VERSION
    return found if isinstance(found, int) else SCHEMA_VERSION


def digest_of(entry_json: bytes) -> int:
    """Return SHA-256 of an entry's JSON as an integer."""
    return int.from_bytes(hashlib.sha256(entry_json).digest(), "big")


def add_digest(total: int, digest: int) -> int:
    """Return the sum with one more entry."""
    return (total + digest) % _MODULUS


def subtract_digest(total: int, digest: int) -> int:
    """Return the sum without that entry."""
    return (total - digest) % _MODULUS


def directory_digest(policy: GatePolicy, total: int) -> str:
    """Return the digest (64 hex digits) of a whole directory: its policy and the sum over its entries."""
    return digest_of_published(policy.model_dump_json(), total)


def digest_of_published(policy_json: str, total: int) -> str:
    """Return `directory_digest` of a policy in the one way to write it down."""
    return hashlib.sha256(policy_json.encode() + total.to_bytes(32, "big")).hexdigest()
