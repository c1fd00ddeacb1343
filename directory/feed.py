"""What a gate asks for: the next page of changes after what it holds, and the digest once nothing is left."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from access.policy import GatePolicy
from access.snapshot import Change, ChangePage, View, directory_digest
from database import Database, Sealer
from directory.records import EntryFilter, PersonRecord
from directory.tables import DirectoryPerson, DirectoryState, GateEntry, GateRecord
from web.problems import NotFoundError, ProblemError

MAX_LIMIT = 5000


class RebuildRequiredError(ProblemError):
    """No way leads from the gate's revision to the present one."""

    code = "directory_rebuild_required"
    status = 409
    title = "The changes since this revision are not known any more; fetch the directory anew from revision 0"


class NotPublishedError(ProblemError):
    """The gate was added a moment ago."""

    code = "directory_not_published"
    status = 503
    title = "The gate's directory is not assembled yet; try again in a moment"


def changes_since(
    database: Database,
    sealer: Sealer,
    gate: str,
    *,
    since: int,
    revoked_since: int,
    limit: int,
    view: View,
    whole: bool = False,
) -> ChangePage:
    """Return one page; see `access.snapshot.ChangePage` for the order.

    `whole`: the fetch began at revision 0, so that no forgotten removal can be missing.

    Raises:
        NotFoundError: no such gate.
        NotPublishedError: it has no directory yet.
        RebuildRequiredError: `since` is ahead of the server, or older than the removals it remembers.
    """
    with database.read() as session:
        if not database.is_sqlite:
            # The gate's row and its entries must be of one moment; SQLite's transactions always are.
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        record, policy = _published(session, gate)
        latest = record.revision
        if since > latest or revoked_since > latest or (0 < since < record.floor and not whole):
            raise RebuildRequiredError
        revoked = _rows(session, gate, max(since, revoked_since), limit, revoked=True)
        regular = _rows(session, gate, since, limit - len(revoked), revoked=False) if len(revoked) < limit else []
        revoked_to = revoked[-1][0] if len(revoked) == limit else latest
        to_revision = since
        if len(revoked) + len(regular) < limit:
            to_revision = latest
        elif regular:
            to_revision = regular[-1][0]
        entry_filter = EntryFilter.of(policy, record.models)
        changes = tuple(_to_change(sealer, entry_filter, view, row) for row in (*revoked, *regular))
        total = int.from_bytes(record.full_total if view == "full" else record.cards_total, "big")
        return ChangePage(
            policy=policy,
            view=view,
            from_revision=since,
            to_revision=to_revision,
            revoked_from=revoked_since,
            revoked_to=revoked_to,
            latest_revision=latest,
            changes=changes,
            digest_when_complete=directory_digest(policy, total) if to_revision == latest else None,
        )


def _published(session: Session, gate: str) -> tuple[GateRecord, GatePolicy]:
    record = session.get(GateRecord, gate)
    if record is None:
        raise NotFoundError(f"there is no gate {gate!r}")
    state = session.get(DirectoryState, 1)
    if record.published is None or state is None or state.assembled is None:
        raise NotPublishedError(headers={"Retry-After": "1"})
    return record, GatePolicy.model_validate_json(record.published)


_Row = tuple[int, UUID, bool, bytes | None]
"""Revision, person, whether removed, the sealed record."""


def _rows(session: Session, gate: str, after: int, limit: int, *, revoked: bool) -> list[_Row]:
    statement = (
        select(GateEntry.revision, GateEntry.person_id, GateEntry.is_removed, DirectoryPerson.sealed)
        .outerjoin(DirectoryPerson, DirectoryPerson.person_id == GateEntry.person_id)
        .where(GateEntry.gate == gate, GateEntry.revision > after, GateEntry.is_revoked.is_(revoked))
        .order_by(GateEntry.revision)
        .limit(limit)
    )
    return list(session.execute(statement))


def _to_change(sealer: Sealer, entry_filter: EntryFilter, view: View, row: _Row) -> Change:
    revision, person_id, removed, sealed = row
    if removed or sealed is None:
        return Change(revision=revision, person_id=person_id, entry=None)
    entry = PersonRecord.open(sealer, person_id, sealed).for_gate(entry_filter)
    if entry is not None and view == "cards":
        entry = entry.without_templates()
    return Change(revision=revision, person_id=person_id, entry=entry)
