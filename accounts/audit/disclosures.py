"""Disclosures of what is known of other people: who was shown what and when, in the audit trail, a line a request.

A line holds ids and the names of the filters that were used, never what was searched for or found. It is written before
the answer leaves: nobody sees what they could deny to have seen.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from accounts.audit import trail
from database import Database

_PAGING = frozenset({"limit", "cursor", "before", "after", "start", "done"})
_IDS = frozenset({"person_id", "gate"})
"""Parameters that name what is shown; the values of others may hold names or numbers."""


def record(
    database: Database,
    *,
    by: UUID,
    action: str,
    subject: str,
    now: datetime,
    details: Mapping[str, trail.Scalar | list[str]] | None = None,
) -> None:
    """Record what a person was shown; of oneself, it is no disclosure.

    Raises:
        DatabaseBusyError: it could not be written now; do not answer then.
    """
    if subject == f"person:{by}":
        return
    with database.begin() as session:
        trail.record(
            session, actor=trail.person_actor(by), action=action, subject=subject, now=now, details=details or {}
        )


def record_request(
    database: Database,
    *,
    by: UUID,
    action: str,
    subject: str,
    path: Mapping[str, str],
    query: Mapping[str, str],
    now: datetime,
) -> None:
    """Record what a request was shown: `subject` is `kind:id` with the path's parameters in braces.

    Raises:
        DatabaseBusyError: it could not be written now; do not answer then.
    """
    record(database, by=by, action=action, subject=subject.format(**path), now=now, details=_details_of(query))


def _details_of(query: Mapping[str, str]) -> dict[str, trail.Scalar | list[str]]:
    """Return what may stand in a line of the parameters of a request."""
    found: dict[str, trail.Scalar | list[str]] = {name: query[name][:80] for name in sorted(_IDS & query.keys())}
    if filters := sorted(query.keys() - _IDS - _PAGING):
        found["filters"] = filters
    return found
