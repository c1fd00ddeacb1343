"""The life of a photo: which step may follow which, and the one place where a step is taken and audited.

`docs/enrollment.md` draws it from `NEXT`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from accounts import audit
from enrollment.tables import PhotoRecord, PhotoState
from web.problems import ProblemError

NEXT = {
    PhotoState.UPLOADED: {PhotoState.CHECKED, PhotoState.WITHDRAWN},
    PhotoState.CHECKED: {PhotoState.IN_REVIEW, PhotoState.APPROVED, PhotoState.REJECTED, PhotoState.WITHDRAWN},
    PhotoState.IN_REVIEW: {PhotoState.APPROVED, PhotoState.REJECTED, PhotoState.REPLACED, PhotoState.WITHDRAWN},
    # In review again: a decision undone within its minute, or a person who asks for a reviewer after the rules said no.
    PhotoState.APPROVED: {PhotoState.REPLACED, PhotoState.WITHDRAWN, PhotoState.IN_REVIEW},
    PhotoState.REJECTED: {PhotoState.IN_REVIEW, PhotoState.WITHDRAWN},
    PhotoState.REPLACED: {PhotoState.APPROVED, PhotoState.WITHDRAWN},
    PhotoState.WITHDRAWN: set(),
}

Scalar = str | int | bool | None


class StepError(ProblemError):
    """The photo is not in a state from which this step can be taken."""

    code = "photo_step_not_possible"
    status = 409
    title = "The photo is not in a state for this"


def is_possible(before: PhotoState, after: PhotoState) -> bool:
    """Say whether a photo may go from `before` to `after`."""
    return after in NEXT[before]


def step(
    session: Session,
    photo: PhotoRecord,
    after: PhotoState,
    *,
    by: str,
    now: datetime,
    why: Mapping[str, Scalar | list[str]] | None = None,
) -> None:
    """Take a photo to its next state, in the caller's transaction, and audit who did it and why.

    Raises:
        StepError: the photo's present state does not allow it.
    """
    before = PhotoState(photo.state)
    if not is_possible(before, after):
        raise StepError(f"a photo that is {before.value} cannot become {after.value}", state=before.value)
    photo.state = after
    details: dict[str, Any] = {"before": before.value, **(why or {})}
    audit.record(
        session, actor=by, action=f"photo.{after.value}", subject=f"photo:{photo.id}", now=now, details=details
    )
