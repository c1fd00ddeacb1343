"""What a gate asks for: the next page of changes after what it holds, and the digest once nothing is left."""

from dataclasses import dataclass
from heapq import merge
from itertools import islice
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from access.policy import GatePolicy
from access.snapshot import Change, ChangePage, View, directory_digest
from database import Database, Sealer
from directory.list_tables import GateEntry, SharedEntry
from directory.records import EntryFilter, PersonRecord
from directory.tables import DirectoryPerson, DirectoryState, GateRecord
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
        # A device that held another list has all that differs from it among the gate's own rows.
        is_of_other_list = not whole and 0 < record.joined_from <= since < record.joined_at
        place = _Place(record, of_list_from=record.joined_at if is_of_other_list else 0)
        revoked = _rows(session, place, max(since, revoked_since), limit, revoked=True)
        regular = _rows(session, place, since, limit - len(revoked), revoked=False) if len(revoked) < limit else []
        revoked_to = revoked[-1][0] if len(revoked) == limit else latest
        to_revision = since
        if len(revoked) + len(regular) < limit:
            to_revision = latest
        elif regular:
            to_revision = regular[-1][0]
        entry_filter = EntryFilter.of(policy, record.models)
        changes = tuple(_to_change(sealer, entry_filter, view, row) for row in (*revoked, *regular))
        return ChangePage(
            policy=policy,
            view=view,
            from_revision=since,
            to_revision=to_revision,
            revoked_from=revoked_since,
            revoked_to=revoked_to,
            latest_revision=latest,
            changes=changes,
            digest_when_complete=directory_digest(policy, record.total(view)) if to_revision == latest else None,
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


@dataclass(frozen=True, slots=True)
class _Place:
    """A gate's own rows, and those of its list after `of_list_from` about people of whom it has none."""

    gate: GateRecord
    of_list_from: int


def _rows(session: Session, place: _Place, after: int, limit: int, *, revoked: bool) -> list[_Row]:
    """Return rows in the order of their revisions."""
    gate, of_list_after = place.gate, max(after, place.of_list_from)
    own: list[_Row] = []
    if gate.own_revision > after:
        own = _read(session, GateEntry, GateEntry.gate == gate.name, after, limit, revoked=revoked)
    if gate.shared is None or gate.shared.revision <= of_list_after:
        return own
    elsewhere = select(GateEntry.person_id).where(GateEntry.gate == gate.name)
    here = and_(SharedEntry.list_id == gate.list_id, SharedEntry.person_id.not_in(elsewhere))
    return list(islice(merge(own, _read(session, SharedEntry, here, of_list_after, limit, revoked=revoked)), limit))


def _read(
    session: Session,
    table: type[SharedEntry] | type[GateEntry],
    where: ColumnElement[bool],
    after: int,
    limit: int,
    *,
    revoked: bool,
) -> list[_Row]:
    statement = (
        select(table.revision, table.person_id, table.is_removed, DirectoryPerson.sealed)
        .outerjoin(DirectoryPerson, DirectoryPerson.person_id == table.person_id)
        .where(where, table.revision > after, table.is_revoked.is_(revoked))
        .order_by(table.revision)
        .limit(limit)
    )
    return [
        (revision, person, is_removed, sealed) for revision, person, is_removed, sealed in session.execute(statement)
    ]


def _to_change(sealer: Sealer, entry_filter: EntryFilter, view: View, row: _Row) -> Change:
    revision, person_id, removed, sealed = row
    if removed or sealed is None:
        return Change(revision=revision, person_id=person_id, entry=None)
    entry = PersonRecord.open(sealer, person_id, sealed).for_gate(entry_filter)
    if entry is not None and view == "cards":
        entry = entry.without_templates()
    return Change(revision=revision, person_id=person_id, entry=entry)
