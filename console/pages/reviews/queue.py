"""The reviewer's page: the queue, one photo with everything known of it, and how the queue is doing, live."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from accounts import people
from console.dependencies import REVIEWERS, ReviewerDep, ServicesDep, SignedInDep
from console.disclosures import record_disclosure
from console.live.heartbeat import AGAIN, Heartbeat, status_event
from console.live.stream_authorization import StreamAuthorization
from console.rendering import forbid_storing, jpeg_response, json_response, language_of, render_page
from console.services import ConsoleServices
from console.texts import texts_of_photos
from console.views.reviews import describe_queue, describe_reviews, describe_statistics
from enrollment import personal_photos, photos, review, review_context
from enrollment.preview import PreviewSide, make_preview
from enrollment.quality import Verdict
from enrollment.quality.rules import RULES
from enrollment.reasons import REASONS
from web.paging import PageRequest

router = APIRouter(prefix="/console/reviews", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_PAGE = 100
_POLL_S = 1.0


@router.get("", response_class=HTMLResponse)
def reviews_page(request: Request, me: ReviewerDep, services: ServicesDep) -> HTMLResponse:
    """Show the queue."""
    with services.database.read() as session:
        departments = review.query_departments(session)
        person = people.get(session, me.person_id)
    return render_page(
        request,
        "reviews/reviews.html",
        texts=texts_of_photos(language_of(request)),
        person=person,
        departments=departments,
        rules=[rule.name for rule in RULES],
        verdicts=list(Verdict),
        reasons=[{"name": name, "zh": advice.zh, "en": advice.en} for name, advice in REASONS.items()],
        claim_lasts_s=review.CLAIM_LASTS.total_seconds(),
    )


@router.get("/queue", dependencies=[record_disclosure("reviews.read", "photos:list")], name="console_review_queue")
def queue(
    request: Request,
    me: ReviewerDep,
    services: ServicesDep,
    *,
    verdict: Verdict | None = None,
    rule: Annotated[str | None, Query(max_length=50)] = None,
    department: Annotated[str | None, Query(max_length=100)] = None,
    unusual: bool | None = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> JSONResponse:
    """Return photos that wait, oldest first; `next` is the cursor of the page after it.

    `fingerprint` is what the stream's figures call `queue`: as long as they are equal, nothing has changed since.
    """
    wanted = PageRequest(_PAGE, cursor)
    after = wanted.after(tuple[datetime, UUID])
    with services.database.read() as session:
        # Before the photos: what changes in between is then loaded once more, and not missed.
        fingerprint = review.fingerprint_queue(session)
        found = review.query_queue(
            session,
            after=after,
            limit=wanted.limit + 1,
            verdict=verdict,
            rule=rule,
            department=department,
            unusual=unusual,
        )
        rows, following = wanted.cut(found, lambda photo: (photo.uploaded_at.isoformat(), str(photo.id)))
        items = describe_queue(session, rows, by=me.person_id, now=services.now())
    return json_response(request, {"items": items, "next": following, "fingerprint": fingerprint})


@router.get("/stream", response_class=EventSourceResponse, name="console_review_stream")
async def stream(claims: SignedInDep, _me: ReviewerDep, services: ServicesDep) -> AsyncIterator[ServerSentEvent]:
    """Stream the figures of the queue as they change, for as long as the reader may see them."""
    shown: dict[str, Any] | None = None
    heartbeat = Heartbeat(poll_s=_POLL_S)
    still_allowed = StreamAuthorization(services, claims, REVIEWERS)
    while await still_allowed():
        figures = await run_in_threadpool(_query_figures, services)
        if figures != shown:
            shown = figures
            yield ServerSentEvent(event="figures", data=figures, retry=1000)
        if (due := heartbeat.next_event(now=services.now())) is not None:
            yield due
        await asyncio.sleep(_POLL_S)
    yield status_event(AGAIN, now=services.now())


@router.get(
    "/{photo_id}", dependencies=[record_disclosure("photo.read", "photo:{photo_id}")], name="console_review_photo"
)
def one(photo_id: UUID, me: ReviewerDep, services: ServicesDep) -> dict[str, Any]:
    """Return one photo with everything known of it."""
    with services.database.read() as session:
        return describe_reviews(session, [photos.get(session, photo_id)], by=me.person_id, now=services.now())[0]


@router.get("/{photo_id}/picture", name="console_review_picture")
def picture(
    photo_id: UUID, me: ReviewerDep, services: ServicesDep, response: Response, side: PreviewSide | None = None
) -> Response:
    """Return the picture of a photo, while it is kept; reduced to `side`, or whole for a closer look."""
    content = personal_photos.read_picture(services.enrollment, me, photo_id)
    return jpeg_response(make_preview(content, side), response)


@router.get("/{photo_id}/duplicates/{person_id}/picture", name="console_likeness")
def duplicate_picture(
    photo_id: UUID,
    person_id: UUID,
    *,
    me: ReviewerDep,
    services: ServicesDep,
    response: Response,
    side: PreviewSide | None = None,
) -> Response:
    """Return the picture kept of somebody whom the photo is like."""
    with services.database.begin() as session:
        content = review_context.read_look_alike_picture(
            session,
            services.enrollment.sealer,
            photos.get(session, photo_id),
            person_id,
            by=me.actor,
            now=services.now(),
        )
    return jpeg_response(make_preview(content, side), response)


@router.get(
    "/{photo_id}/before/picture",
    dependencies=[record_disclosure("photo.compare", "photo:{photo_id}")],
    name="console_before",
)
def picture_before(
    photo_id: UUID, _me: ReviewerDep, services: ServicesDep, response: Response, side: PreviewSide | None = None
) -> Response:
    """Return the picture of the person's photo that was approved before this one."""
    with services.database.read() as session:
        content = review_context.read_previous_picture(
            session, services.enrollment.sealer, photos.get(session, photo_id)
        )
    return jpeg_response(make_preview(content, side), response)


def _query_figures(services: ConsoleServices) -> dict[str, Any]:
    """Return the statistics without what changes by the mere passing of time, and a mark of the queue as it stands."""
    with services.database.read() as session:
        figures = describe_statistics(session, now=services.now())
        figures["queue"] = review.fingerprint_queue(session)
    oldest = figures["oldest_waiting_s"]
    figures["oldest_waiting_min"] = None if oldest is None else int(oldest // 60)
    del figures["oldest_waiting_s"]
    return figures
