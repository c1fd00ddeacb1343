"""A person's own page: consent to face recognition, their photo and its life, and their inbox."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from accounts import people
from accounts.principals import Principal
from console import consent_notice
from console.dependencies import HolderDep, ServicesDep
from console.rendering import forbid_storing, jpeg_response, language_of, render_page
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.texts import texts_of_photos
from enrollment import (
    consent,
    gate_photos,
    notices,
    personal_photos,
    photo_pairs,
    photos,
    second_photo_invitation,
)
from enrollment.photo import MAX_BYTES
from enrollment.photo_form import read_form
from enrollment.preview import PreviewSide, make_preview
from enrollment.schemas import NoticeOut, PhotoOut
from enrollment.tables import PhotoRecord, PhotoSlot, PhotoState
from web.client_address import AddressDep
from web.text import line

router = APIRouter(prefix="/console/me", include_in_schema=False, dependencies=[Depends(forbid_storing)])

_NOTICES = 20
_PHOTOS = 10


class ConsentIn(BaseModel):
    """Consent to the version of the notice that was shown, and the language it was read in."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[str, line(32)]
    language: Literal["zh", "en"]


@router.get("/photo", response_class=HTMLResponse)
def photo_page(request: Request, me: HolderDep, services: ServicesDep) -> HTMLResponse:
    """Show the page of one's own photo."""
    with services.database.read() as session:
        person = people.get(session, me.person_id)
        found = _describe_consent(session, services, me)
    return render_page(
        request,
        "mine/photo.html",
        is_asked=not found["given"] and not found["refused"],
        texts=texts_of_photos(language_of(request)),
        person=person,
        version=services.enrollment.consent_version,
        notice_parts=consent_notice.PARTS,
        most_bytes=MAX_BYTES,
        gate_version=services.enrollment.gate_photo_version,
    )


@router.get("/state", name="console_state")
def state(me: HolderDep, services: ServicesDep) -> dict[str, Any]:
    """Return everything the page shows: consent, photos (newest first), notices (newest first)."""
    return _describe_state(services, me)


@router.put("/consent", name="console_consent")
def give_consent(
    wanted: ConsentIn, me: HolderDep, services: ServicesDep, address: AddressDep, _same_origin: SameOriginDep
) -> dict[str, Any]:
    """Consent to the notice in force."""
    evidence = _describe_evidence(wanted, me, address)
    with services.database.begin() as session:
        consent.give(
            session,
            me.person_id,
            wanted.version,
            evidence,
            present=services.enrollment.consent_version,
            by=me.actor,
            now=services.now(),
        )
    return _describe_state(services, me)


@router.put("/consent/refusal", status_code=204, name="console_consent_refuse")
def refuse_consent(
    wanted: ConsentIn, me: HolderDep, services: ServicesDep, address: AddressDep, _same_origin: SameOriginDep
) -> None:
    """Remember that the person says no to the notice in force: they are not asked again."""
    evidence = _describe_evidence(wanted, me, address)
    with services.database.begin() as session:
        consent.refuse(
            session,
            me.person_id,
            wanted.version,
            evidence,
            present=services.enrollment.consent_version,
            by=me.actor,
            now=services.now(),
        )


@router.delete("/consent", name="console_consent_withdraw")
def withdraw_consent(me: HolderDep, services: ServicesDep, _same_origin: SameOriginDep) -> dict[str, int]:
    """Withdraw consent: photos and templates are erased; card and code go on working."""
    with services.database.begin() as session:
        return {"photos_erased": consent.withdraw(session, me.person_id, by=me.actor, now=services.now())}


@router.post("/photos", status_code=201, name="console_photos")
async def hand_in(
    request: Request,
    me: HolderDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    slot: PhotoSlot = PhotoSlot.FIRST,
) -> PhotoOut:
    """Hand in a photo: the first, or a second beside it."""
    enrollment, now = services.enrollment, services.now()
    personal_photos.count_upload(enrollment, me, now=now)
    content, _ = await read_form(request)
    return PhotoOut.of(await enrollment.run_assessment(personal_photos.hand_in, enrollment, me, content, now, slot))


@router.post("/photos/second/declined", status_code=204, name="console_second_declined")
def decline_second(me: HolderDep, services: ServicesDep, _same_origin: SameOriginDep) -> None:
    """Remember that the person does not want to be asked for a second photo."""
    personal_photos.decline_second(services.enrollment, me, services.now())


@router.put("/gate-photo-consent", status_code=204, name="console_gate_consent")
def give_gate_consent(
    wanted: ConsentIn, me: HolderDep, services: ServicesDep, address: AddressDep, _same_origin: SameOriginDep
) -> None:
    """Consent to a second photo taken at a gate."""
    evidence = _describe_evidence(wanted, me, address, notice="gate_consent")
    with services.database.begin() as session:
        gate_photos.give_consent(
            session, services.enrollment, me.person_id, wanted.version, evidence, by=me.actor, now=services.now()
        )


@router.delete("/gate-photo-consent", name="console_gate_consent_withdraw")
def withdraw_gate_consent(me: HolderDep, services: ServicesDep, _same_origin: SameOriginDep) -> dict[str, int]:
    """Withdraw it: what a gate took is erased."""
    with services.database.begin() as session:
        erased = gate_photos.withdraw_consent(session, me.person_id, by=me.actor, now=services.now())
    return {"photos_erased": erased}


@router.get("/photos/{photo_id}/picture", name="console_picture")
def picture(
    photo_id: UUID, me: HolderDep, services: ServicesDep, response: Response, side: PreviewSide | None = None
) -> Response:
    """Return the picture of one's own photo, while it is kept; reduced to `side`, or whole."""
    # Also a reviewer sees only their own here.
    holder = Principal(me.person_id, me.sign_in_id, frozenset())
    content = personal_photos.read_picture(services.enrollment, holder, photo_id)
    return jpeg_response(make_preview(content, side), response)


@router.post("/photos/{photo_id}/review", name="console_photo_review")
async def ask_for_review(photo_id: UUID, me: HolderDep, services: ServicesDep, _same_origin: SameOriginDep) -> PhotoOut:
    """Bring a photo that the rules rejected before a reviewer."""
    enrollment, ask = services.enrollment, personal_photos.ask_for_review
    return PhotoOut.of(await enrollment.run_assessment(ask, enrollment, me, photo_id, services.now()))


@router.delete("/photos/{photo_id}", name="console_photo_withdraw")
def withdraw_photo(photo_id: UUID, me: HolderDep, services: ServicesDep, _same_origin: SameOriginDep) -> PhotoOut:
    """Withdraw a photo: its picture and its template are erased."""
    return PhotoOut.of(personal_photos.withdraw(services.enrollment, me, photo_id, services.now()))


@router.post("/notices/{notice_id}/read", name="console_notice_read")
def read_notice(notice_id: UUID, me: HolderDep, services: ServicesDep, _same_origin: SameOriginDep) -> NoticeOut:
    """Note that a notice was read."""
    with services.database.begin() as session:
        return NoticeOut.of(notices.mark_read(session, me.person_id, notice_id, now=services.now()))


def _describe_evidence(
    wanted: ConsentIn, me: Principal, address: str | None, *, notice: str = "consent"
) -> dict[str, Any]:
    return {
        "channel": "console",
        "address": address,
        "sign_in": str(me.sign_in_id),
        "language": wanted.language,
        "notice_sha256": consent_notice.digest_notice(wanted.language, notice),
    }


def _describe_state(services: ConsoleServices, me: Principal) -> dict[str, Any]:
    with services.database.read() as session:
        return {
            "consent": _describe_consent(session, services, me),
            "photos": [PhotoOut.of(one) for one in _select_shown(photos.find_of_person(session, me.person_id))],
            "second": {
                "possible": photo_pairs.find_first(session, me.person_id) is not None,
                "wanted": second_photo_invitation.is_wanted(session, me.person_id),
            },
            "gate_photos": {"given": gate_photos.find_consent(session, services.enrollment, me.person_id) is not None},
            "notices": [
                NoticeOut.of(one) for one in notices.query_inbox(session, me.person_id, before=None, limit=_NOTICES)
            ],
        }


def _describe_consent(session: Session, services: ConsoleServices, me: Principal) -> dict[str, Any]:
    standing = consent.find_current(session, me.person_id)
    given = standing is not None and standing.version == services.enrollment.consent_version
    return {
        "given": given,
        "given_at": standing.given_at.isoformat() if standing is not None else None,
        "outdated": standing is not None and not given,
        "refused": consent.has_refused(session, me.person_id, services.enrollment.consent_version),
    }


def _select_shown(own: Sequence[PhotoRecord]) -> list[PhotoRecord]:
    """Return the last photos, newest first, and those in use however long ago they were handed in."""
    return [one for place, one in enumerate(own) if place < _PHOTOS or one.state == PhotoState.APPROVED]
