"""A person's inbox."""

from uuid import UUID

from fastapi import APIRouter

from accounts.api.dependencies import PERSON_ERRORS, NowDep, PrincipalDep
from enrollment import notices
from enrollment.api.dependencies import EnrollmentDep
from enrollment.schemas import NoticeOut
from web.paging import InvalidCursorError, Page, PageDep
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1/me/notices", tags=["notices"])


@router.get("", responses=responses(*PERSON_ERRORS, InvalidCursorError))
def inbox(services: EnrollmentDep, principal: PrincipalDep, page: PageDep) -> Page[NoticeOut]:
    """Return one's notices, newest first."""
    with services.database.read() as session:
        found = notices.query_inbox(session, principal.person_id, before=page.after(UUID), limit=page.limit + 1)
        rows, following = page.cut(found, lambda notice: str(notice.id))
        return Page(items=[NoticeOut.of(notice) for notice in rows], next=following)


@router.post("/{notice_id}/read", responses=responses(*PERSON_ERRORS, NotFoundError))
def mark_read(notice_id: UUID, services: EnrollmentDep, principal: PrincipalDep, now: NowDep) -> NoticeOut:
    """Note that a notice was read."""
    with services.database.begin() as session:
        return NoticeOut.of(notices.mark_read(session, principal.person_id, notice_id, now=now))
