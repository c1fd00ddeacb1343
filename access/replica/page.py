"""Whether a page of the directory is the one a replica waits for. Pure."""

from collections.abc import Collection

from access.replica.meta import ReplicaMeta
from access.snapshot import SCHEMA_VERSION, ChangePage


class ReplicaError(Exception):
    """A page cannot be applied; nothing of it was."""


class ModelMismatchError(ReplicaError):
    """The directory's templates were made by a model that this gate cannot run."""


def require_next(page: ChangePage, held: ReplicaMeta, *, models: Collection[str]) -> None:
    """Check that a page follows what is held, is this gate's, and agrees with itself; the gate can run `models`.

    Raises:
        ModelMismatchError: it holds templates of another model.
        ReplicaError: it is another gate's, does not follow what is held, or cannot be understood.
    """
    if page.schema_version != SCHEMA_VERSION:
        raise ReplicaError(f"the directory speaks version {page.schema_version}, this gate {SCHEMA_VERSION}: update")
    if page.gate != held.gate or page.view != held.view:
        raise ReplicaError(f"this page is for gate {page.gate!r} ({page.view}), not {held.gate!r} ({held.view})")
    if held.view == "full" and (unknown := page.model_ids.difference(models)):
        raise ModelMismatchError(
            f"the directory holds templates of model {', '.join(sorted(unknown))}, this gate runs "
            f"{', '.join(sorted(models)) or 'none'}: install the directory's model here, or choose one of these for "
            "this gate"
        )
    position = held.position
    if (page.from_revision, page.revoked_from) != (position.revision, position.revoked_to):
        # An older page would bring removed people back.
        raise ReplicaError(f"a page from revision {page.from_revision} does not follow {position.revision}")
    if page.is_complete and page.digest_when_complete is None:
        raise ReplicaError("the last page carries no digest")
    if len({change.person_id for change in page.changes}) != len(page.changes):
        raise ReplicaError("a page names one person twice")
    for change in page.changes:
        if change.entry is not None and change.entry.person_id != change.person_id:
            raise ReplicaError("a change and its entry name two people")
