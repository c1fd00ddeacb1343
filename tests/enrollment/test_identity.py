"""Who is it? Look-alikes and photos unlike the person go to a reviewer, with the pictures to compare."""

import io
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from accounts.tables import AuditEntry
from accounts.vocabulary import Role
from enrollment import settling
from enrollment.identity import IdentityFindings
from enrollment.photo import THUMBNAIL_SIDE
from tests.databases import ON_SQLITE
from tests.enrollment.enrollment_api import EnrollmentApi, again

pytestmark = ON_SQLITE


def test_the_same_face_under_another_account_goes_to_a_look_with_both_pictures(
    api: EnrollmentApi, good: bytes, other: bytes, add_person: Callable[[str], UUID]
) -> None:
    first, second, third, reviewer = (add_person(number) for number in ("2026001", "2026002", "2026003", "R1"))
    for student in (first, second, third):
        api.consent(student)
    one = api.hand_in(first, good).json()["id"]
    unlike = api.hand_in(third, other).json()["id"]
    headers = api.as_person(reviewer, Role.REVIEWER)
    bulk = api.client.post("/api/v1/reviews/approve-flawless", json={"photo_ids": [one]}, headers=headers)
    assert bulk.json()["outcomes"] == {one: "approved"}
    with api.services.database.begin() as session:
        settling.settle(session, now=api.now + timedelta(minutes=2))
    assert api.client.get(f"/api/v1/photos/{one}/picture", headers=headers).status_code == 404, "erased"

    two = api.hand_in(second, again(good)).json()["id"]
    seen = api.client.get(f"/api/v1/reviews/{two}", headers=headers).json()["identity"]
    assert seen["unusual"]
    (duplicate,) = seen["duplicates"]
    assert duplicate["person"]["number"] == "2026001"
    shown = api.client.get(duplicate["picture"], headers=headers)
    assert max(Image.open(io.BytesIO(shown.content)).size) == THUMBNAIL_SIDE
    with api.services.database.read() as session:
        looked = session.scalars(select(AuditEntry).where(AuditEntry.action == "photo.compare")).one()
    assert looked.actor == f"person:{reviewer}"

    nobody = api.client.get(f"/api/v1/reviews/{unlike}/duplicates/{first}/picture", headers=headers)
    assert nobody.status_code == 404, "a reviewer sees nobody's picture who is not like the photo"
    assert api.client.get(duplicate["picture"], headers=api.as_person(second)).status_code == 403
    bulk = api.client.post("/api/v1/reviews/approve-flawless", json={"photo_ids": [two]}, headers=headers)
    assert bulk.json()["outcomes"] == {two: "needs_a_look"}
    found = api.client.get("/api/v1/reviews?unusual=true", headers=headers).json()["items"]
    assert [photo["id"] for photo in found] == [two]


def test_another_face_than_before_goes_to_a_look_with_the_picture_before(
    api: EnrollmentApi, good: bytes, other: bytes, add_person: Callable[[str], UUID]
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    api.approved(student, good, reviewer)
    second = api.hand_in(student, other).json()["id"]
    headers = api.as_person(reviewer, Role.REVIEWER)
    identity = api.client.get(f"/api/v1/reviews/{second}", headers=headers).json()["identity"]
    assert identity["unusual"]
    assert identity["own_similarity"] < identity["own_threshold"]
    before = Image.open(io.BytesIO(api.client.get(identity["own_picture"], headers=headers).content))
    was = Image.open(io.BytesIO(good)).convert("RGB").resize(before.size)
    assert np.abs(np.asarray(before, float) - np.asarray(was, float)).mean() < 10, "it is the first photo"


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ((0.7, 0.6), (0.9, 0.9), (0.7, 0.5, 0.6, None)),
        ((None, 0.6), (0.9, 0.9), (0.9, 0.8, 0.6, 0.5)),
        ((0.7, None), (0.9, 0.9), (0.7, 0.5, 0.9, 0.8)),
        ((None, None), (0.9, 0.9), (0.9, 0.8, 0.9, None)),
        ((None, None), (None, None), (None, 0.5, None, None)),
    ],
)
def test_what_only_another_model_found_keeps_its_own_threshold(new: tuple, old: tuple, expected: tuple) -> None:
    found = IdentityFindings(new[0], 0.5, (), 0.6, new[1]).completed_by(IdentityFindings(old[0], 0.8, (), 0.9, old[1]))
    told = (found.own_similarity, found.own_threshold, found.reference_similarity, found.reference_threshold)
    assert told == expected
