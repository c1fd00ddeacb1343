"""Who is it? Look-alikes and photos unlike the person go to a reviewer, with the pictures to compare."""

import io
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import numpy as np
from PIL import Image
from sqlalchemy import select

from accounts.tables import AuditEntry
from accounts.vocabulary import Role
from enrollment import settling
from enrollment.photo import THUMBNAIL_SIDE
from tests.enrollment.desk import Desk, again


def test_the_same_face_under_another_account_goes_to_a_look_with_both_pictures(
    desk: Desk, good: bytes, other: bytes, add_person: Callable[[str], UUID]
) -> None:
    first, second, third, reviewer = (add_person(number) for number in ("2026001", "2026002", "2026003", "R1"))
    for student in (first, second, third):
        desk.consent(student)
    one = desk.hand_in(first, good).json()["id"]
    unlike = desk.hand_in(third, other).json()["id"]
    headers = desk.as_person(reviewer, Role.REVIEWER)
    bulk = desk.client.post("/api/v1/reviews/approve-flawless", json={"photo_ids": [one]}, headers=headers)
    assert bulk.json()["outcomes"] == {one: "approved"}
    with desk.services.database.begin() as session:
        settling.settle(session, now=desk.now + timedelta(minutes=2))
    assert desk.client.get(f"/api/v1/photos/{one}/picture", headers=headers).status_code == 404, "erased"

    two = desk.hand_in(second, again(good)).json()["id"]
    seen = desk.client.get(f"/api/v1/reviews/{two}", headers=headers).json()["identity"]
    assert seen["unusual"]
    (duplicate,) = seen["duplicates"]
    assert duplicate["person"]["number"] == "2026001"
    shown = desk.client.get(duplicate["picture"], headers=headers)
    assert max(Image.open(io.BytesIO(shown.content)).size) == THUMBNAIL_SIDE
    with desk.services.database.read() as session:
        looked = session.scalars(select(AuditEntry).where(AuditEntry.action == "photo.compare")).one()
    assert looked.actor == f"person:{reviewer}"

    nobody = desk.client.get(f"/api/v1/reviews/{unlike}/duplicates/{first}/picture", headers=headers)
    assert nobody.status_code == 404, "a reviewer sees nobody's picture who is not like the photo"
    assert desk.client.get(duplicate["picture"], headers=desk.as_person(second)).status_code == 403
    bulk = desk.client.post("/api/v1/reviews/approve-flawless", json={"photo_ids": [two]}, headers=headers)
    assert bulk.json()["outcomes"] == {two: "needs_a_look"}
    found = desk.client.get("/api/v1/reviews?unusual=true", headers=headers).json()["items"]
    assert [photo["id"] for photo in found] == [two]


def test_another_face_than_before_goes_to_a_look_with_the_picture_before(
    desk: Desk, good: bytes, other: bytes, add_person: Callable[[str], UUID]
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    desk.approved(student, good, reviewer)
    second = desk.hand_in(student, other).json()["id"]
    headers = desk.as_person(reviewer, Role.REVIEWER)
    identity = desk.client.get(f"/api/v1/reviews/{second}", headers=headers).json()["identity"]
    assert identity["unusual"]
    assert identity["own_similarity"] < identity["own_threshold"]
    before = Image.open(io.BytesIO(desk.client.get(identity["own_picture"], headers=headers).content))
    was = Image.open(io.BytesIO(good)).convert("RGB").resize(before.size)
    assert np.abs(np.asarray(before, float) - np.asarray(was, float)).mean() < 10, "it is the first photo"
