"""Reference photos: handed in by staff, compared with, never kept as pictures, never at a gate."""

import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from PIL import Image
from sqlalchemy import select

from accounts.vocabulary import Role
from enrollment import templates
from enrollment.tables import PhotoImage, PhotoThumbnail, TemplateRecord, TemplateState
from tests.databases import ON_BOTH, ON_SQLITE
from tests.enrollment.enrollment_api import EnrollmentApi, again

pytestmark = ON_SQLITE


def _put(api: EnrollmentApi, person: UUID, content: bytes, staff: UUID, source: str = "id_document") -> httpx.Response:
    return api.client.post(
        f"/api/v1/people/{person}/reference-photos",
        files={"file": ("scan.jpg", content)},
        data={"source": source},
        headers=api.as_person(staff, Role.ADMIN),
    )


def _look(api: EnrollmentApi, photo: str, reviewer: UUID) -> dict[str, Any]:
    answer = api.client.get(f"/api/v1/reviews/{photo}", headers=api.as_person(reviewer, Role.REVIEWER))
    found: dict[str, Any] = answer.json()["identity"]
    return found


@ON_BOTH
def test_a_photo_unlike_the_identity_document_goes_to_a_look(
    api: EnrollmentApi, good: bytes, other: bytes, add_person: Callable[[str], UUID]
) -> None:
    student, staff = add_person("2026001"), add_person("S1")
    refused = _put(api, student, good, staff)
    assert (refused.status_code, refused.json()["code"]) == (403, "consent_missing")
    api.consent(student)
    answer = _put(api, student, other, staff)
    assert (answer.status_code, answer.json()) == (201, {"similarity": None, "same_person": None})
    assert api.active() == [], "a reference opens no gate"
    with api.services.database.read() as session:
        assert session.scalars(select(PhotoImage)).all() == []
        assert session.scalars(select(PhotoThumbnail)).all() == []

    photo = api.hand_in(student, good).json()["id"]
    found = _look(api, photo, staff)
    assert found["unusual"]
    assert found["reference_similarity"] < found["own_threshold"]

    _put(api, student, again(good), staff)
    found = _look(api, photo, staff)
    assert not found["unusual"], "a better scan takes the first one's place, and waiting photos are compared anew"
    assert found["reference_similarity"] > found["own_threshold"]
    listed = api.client.get(f"/api/v1/people/{student}/reference-photos", headers=api.as_person(staff, Role.ADMIN))
    assert [one["source"] for one in listed.json()["items"]] == ["id_document"]


def test_a_reference_is_compared_with_the_photo_that_opens_gates(
    api: EnrollmentApi, good: bytes, other: bytes, add_person: Callable[[str], UUID]
) -> None:
    student, staff = add_person("2026001"), add_person("S1")
    api.approved(student, good, staff)
    assert _put(api, student, again(good), staff, "admission").json()["same_person"] is True
    assert _put(api, student, other, staff, "id_document").json()["same_person"] is False
    assert api.active() == [student]


@ON_BOTH
@pytest.mark.parametrize("by", ["consent", "staff"])
def test_a_reference_goes_when_consent_does(
    api: EnrollmentApi, good: bytes, add_person: Callable[[str], UUID], by: str
) -> None:
    student, staff = add_person("2026001"), add_person("S1")
    api.consent(student)
    _put(api, student, good, staff)
    if by == "consent":
        api.client.delete("/api/v1/me/face-consent", headers=api.as_person(student))
    else:
        address = f"/api/v1/people/{student}/reference-photos"
        erased = api.client.delete(address, headers=api.as_person(staff, Role.ADMIN))
        assert erased.json() == {"references_erased": 1}
    with api.services.database.read() as session:
        (record,) = session.scalars(select(TemplateRecord))
        assert (record.state, record.sealed) == (TemplateState.WITHDRAWN, None)
        assert templates.load_references(session, api.services.sealer, api.services.engine.model_id, student) == ()


def test_what_is_no_reference_is_refused(api: EnrollmentApi, good: bytes, add_person: Callable[[str], UUID]) -> None:
    student, staff = add_person("2026001"), add_person("S1")
    for person in (student, staff):
        api.consent(person)
    noise = io.BytesIO()
    Image.effect_noise((400, 400), 60).save(noise, "PNG")
    refused = {
        "reference_without_face": _put(api, student, noise.getvalue(), staff),
        "photo_unreadable": _put(api, student, b"no photo", staff),
        "reference_source_unknown": _put(api, student, good, staff, "a friend"),
        "own_reference": _put(api, staff, good, staff),
        "not_found": _put(api, UUID(int=7), good, staff),
        "role_required": api.client.post(
            f"/api/v1/people/{student}/reference-photos",
            files={"file": ("scan.jpg", good)},
            headers=api.as_person(student, Role.REVIEWER),
        ),
    }
    assert {answer.json()["code"] for answer in refused.values()} == set(refused)
