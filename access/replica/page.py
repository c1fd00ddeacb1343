"""Whether a page of the directory is the one a replica waits for. Pure."""

from access.replica.meta import ReplicaMeta
from access.snapshot import SCHEMA_VERSION, ChangePage


class ReplicaError(Exception):
    """A page cannot be applied; nothing of it was."""


class ModelMismatchError(ReplicaError):
    """The directory's templates were made by another model than this gate runs."""


def require_next(page: ChangePage, held: ReplicaMeta, *, model_id: str | None) -> None:
    """Check that a page follows what is held, is this gate's, and agrees with itself; `model_id` is the engine's.

    Raises:
        ModelMismatchError: its templates are of another model.
        ReplicaError: it is another gate's, does not follow what is held, or cannot be understood.
    """
    if page.schema_version != SCHEMA_VERSION:
        raise ReplicaError(f"the directory speaks version {page.schema_version}, this gate {SCHEMA_VERSION}: update")
    if page.gate != held.gate or page.view != held.view:
        raise ReplicaError(f"this page is for gate {page.gate!r} ({page.view}), not {held.gate!r} ({held.view})")
    if held.view == "full" and page.model_id is not None and page.model_id != model_id:
        raise ModelMismatchError(
            f"the directory holds templates of model {page.model_id!r}, this gate runs {model_id!r}: "
            "install the directory's model here, or rebuild the templates for this one"
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
