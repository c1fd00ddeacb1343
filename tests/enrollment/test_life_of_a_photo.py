"""The whole life of a photo through the API, with real photographs, on each database."""

import base64
import io
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from PIL import Image
from sqlalchemy import select

from accounts.vocabulary import Role
from enrollment import settling
from enrollment.tables import PhotoImage
from tests.enrollment.enrollment_api import EnrollmentApi, grey


def test_from_upload_to_the_gates_and_out_again(
    api: EnrollmentApi, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    refused = api.hand_in(student, good)
    assert (refused.status_code, refused.json()["code"]) == (403, "consent_missing")

    api.consent(student)
    answer = api.hand_in(student, good)
    assert answer.status_code == 201, answer.text
    photo = answer.json()
    assert (photo["state"], photo["verdict"]) == ("in_review", "accept")
    assert api.active() == []

    queue = api.client.get("/api/v1/reviews", headers=api.as_person(reviewer, Role.REVIEWER)).json()
    assert [one["id"] for one in queue["items"]] == [photo["id"]]
    assert queue["items"][0]["department"] == "Physics"
    assert api.review(photo["id"], "approve", reviewer, note="ok").json()["code"] == "photo_not_claimed"
    assert api.review(photo["id"], "claim", reviewer).status_code == 200
    assert api.review(photo["id"], "approve", reviewer, note="welcome").json()["state"] == "approved"
    assert api.active() == [student]

    inbox = api.client.get("/api/v1/me/notices", headers=api.as_person(student)).json()["items"]
    assert [notice["kind"] for notice in inbox] == ["photo_approved"]
    assert api.client.post(f"/api/v1/me/notices/{inbox[0]['id']}/read", headers=api.as_person(student)).json()[
        "read_at"
    ]

    with api.services.database.begin() as session:
        assert settling.settle(session, now=api.now + timedelta(seconds=30)) == 0, "it can still be undone"
        assert settling.settle(session, now=api.now + timedelta(minutes=2)) == 1
    picture = api.client.get(f"/api/v1/photos/{photo['id']}/picture", headers=api.as_person(student))
    assert picture.status_code == 404, "the original is erased after approval"

    erased = api.client.delete("/api/v1/me/face-consent", headers=api.as_person(student)).json()
    assert erased == {"photos_erased": 1}
    assert api.active() == []
    assert api.steps(photo["id"]) == ["checked", "in_review", "approved", "withdrawn"]


def test_a_photo_against_the_rules_comes_back_with_advice(
    api: EnrollmentApi, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    api.consent(student)
    photo = api.hand_in(student, grey(good)).json()
    assert (photo["state"], photo["verdict"]) == ("rejected", "reject")
    (colour,) = [rule for rule in photo["rules"] if rule["rule"] == "colour"]
    assert "彩色" in colour["advice"]["zh"]
    (notice,) = api.client.get("/api/v1/me/notices", headers=api.as_person(student)).json()["items"]
    assert colour["advice"]["zh"] in notice["content"]["zh"]["body"]

    asked = api.client.post(f"/api/v1/photos/{photo['id']}/review", headers=api.as_person(student))
    assert asked.json()["state"] == "in_review"
    api.review(photo["id"], "claim", reviewer)
    unknown = api.review(photo["id"], "reject", reviewer, reasons=["ugly"])
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_reason")
    decided = api.review(photo["id"], "reject", reviewer, reasons=["colour"], note="black and white")
    assert decided.json()["state"] == "rejected"
    again = api.client.post(f"/api/v1/photos/{photo['id']}/review", headers=api.as_person(student))
    assert again.status_code == 409, "a reviewer has the last word"


def test_everything_held_about_a_person_is_theirs_to_see(
    api: EnrollmentApi, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    student, stranger = add_person("2026001"), add_person("2026002")
    api.consent(student)
    photo = api.hand_in(student, good).json()["id"]
    held = api.client.get("/api/v1/me/face-data", headers=api.as_person(student)).json()
    assert [one["id"] for one in held["photos"]] == [photo]
    picture = Image.open(io.BytesIO(base64.b64decode(held["photos"][0]["picture_jpeg_base64"])))
    assert not picture.getexif()
    assert Image.open(io.BytesIO(base64.b64decode(held["photos"][0]["small_picture_jpeg_base64"]))).height == 240
    assert held["photos"][0]["comparison"]["look_alikes"] == 0
    assert [step["action"] for step in held["photos"][0]["steps"]] == ["photo.checked", "photo.in_review"]
    assert held["consents"][0]["evidence"]["channel"] == "api"
    for address in (f"/api/v1/photos/{photo}", f"/api/v1/photos/{photo}/picture"):
        assert api.client.get(address, headers=api.as_person(stranger)).status_code == 404


def test_pictures_are_sealed_at_rest(api: EnrollmentApi, good: bytes, add_person: Callable[[str], UUID]) -> None:
    student = add_person("2026001")
    api.consent(student)
    api.hand_in(student, good)
    with api.services.database.read() as session:
        sealed = session.scalars(select(PhotoImage.sealed)).one()
    assert b"JFIF" not in sealed


def test_people_are_counted_once_for_the_register(
    api: EnrollmentApi, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    student = add_person("2026001")
    api.consent(student)
    api.hand_in(student, good)
    answer = api.client.get("/api/v1/enrollment/register", headers=api.as_person(student, Role.ADMIN)).json()
    assert answer == {"people": 1, "filing_due_at": 100_000, "warning": False}
