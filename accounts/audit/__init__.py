"""The audit trail: who did what, and who was shown what, in lines that are chained and only ever added."""

from accounts.audit.trail import (
    BACKUP,
    SYSTEM,
    Scalar,
    Verification,
    device_actor,
    find,
    head,
    lines_after,
    person_actor,
    record,
    record_many,
    verify,
)

__all__ = [
    "BACKUP",
    "SYSTEM",
    "Scalar",
    "Verification",
    "device_actor",
    "find",
    "head",
    "lines_after",
    "person_actor",
    "record",
    "record_many",
    "verify",
]
