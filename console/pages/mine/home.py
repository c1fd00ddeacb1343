"""The first page of one's own pages, and the inbox."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from accounts import people
from console.dependencies import HolderDep, ServicesDep
from console.rendering import done, forbid_storing, render_page
from console.same_origin import SameOriginDep
from console.views.home import describe_own_home
from enrollment import notices
from web.paging import PageRequest

router = APIRouter(prefix="/console/me", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_NOTICES = 20


@router.get("", response_class=HTMLResponse)
def me_page(request: Request, me: HolderDep, services: ServicesDep) -> HTMLResponse:
    """Show what matters now, and the way to everything of one's own."""
    now = services.now()
    with services.database.read() as session:
        return render_page(
            request,
            "mine/home.html",
            person=people.get(session, me.person_id),
            home=describe_own_home(session, services, me.person_id, now=now),
            now=now,
        )


@router.get("/inbox", response_class=HTMLResponse)
def inbox_page(
    request: Request,
    me: HolderDep,
    services: ServicesDep,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> HTMLResponse:
    """Show one's notices, newest first."""
    page = PageRequest(_NOTICES, cursor)
    with services.database.read() as session:
        rows = notices.query_inbox(session, me.person_id, before=page.after(UUID), limit=page.limit + 1)
        shown, following = page.cut(rows, lambda row: row.id)
        return render_page(request, "mine/inbox.html", notices=shown, following=following)


@router.post("/inbox/{notice_id}", name="inbox_read")
def read_notice(
    request: Request,
    notice_id: UUID,
    me: HolderDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    back: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Note that a notice was read, and go back to where it stood."""
    with services.database.begin() as session:
        notices.mark_read(session, me.person_id, notice_id, now=services.now())
    return done(request, "me_page" if back == "home" else "inbox_page", "notice_read")


@router.post("/inbox", name="inbox_read_all")
def read_all_notices(
    request: Request,
    me: HolderDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    until: Annotated[UUID, Form()],
) -> Response:
    """Note that every notice was read, up to the newest one that the page showed."""
    with services.database.begin() as session:
        notices.mark_all_read(session, me.person_id, until=until, now=services.now())
    return done(request, "inbox_page", "notices_read")
