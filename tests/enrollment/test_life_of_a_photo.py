"""The whole life of a photo through the API, with real photographs, on each database."""

import base64
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import func, select

from accounts.services import AccountsServices
from accounts.tables import AuditEntry
from accounts.vocabulary import Role
from database import Database, Sealer, new_id
from enrollment import photos, templates
from enrollment.api import router
from enrollment.person_mask import PersonMask
from enrollment.quality import Checker
from enrollment.services import EnrollmentServices
from enrollment.tables import PhotoImage, PhotoRecord, PhotoState
from models.engine import FaceEngine
from models.store import ModelStore
from web import problems

GOOD, OTHER, TILTED_BACKGROUND = "real_00898.jpg", "real_00932.jpg", "real_01016.jpg"


@dataclass
class Desk:
    """The server, its clock and short ways to what the tests do."""

    client: TestClient
    accounts: AccountsServices
    services: EnrollmentServices
    now: datetime = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)

    def as_person(self, person_id: UUID, *roles: Role) -> dict[str, str]:
        issue = self.accounts.access_tokens.issue
        token = issue(person_id, new_id(), {Role.HOLDER, *roles}, must_change_password=False, now=self.now)
        return {"Authorization": f"Bearer {token}"}

    def consent(self, person_id: UUID) -> None:
        answer = self.client.put("/api/v1/me/face-consent", json={"version": "1"}, headers=self.as_person(person_id))
        assert answer.status_code == 200, answer.text

    def hand_in(self, person_id: UUID, content: bytes) -> httpx.Response:
        return self.client.post(
            "/api/v1/photos", files={"file": ("photo.jpg", content)}, headers=self.as_person(person_id)
        )

    def review(self, photo_id: str, step: str, reviewer: UUID, **body: Any) -> httpx.Response:
        headers = self.as_person(reviewer, Role.REVIEWER)
        return self.client.post(f"/api/v1/reviews/{photo_id}/{step}", json=body or None, headers=headers)

    def active(self) -> list[UUID]:
        with self.services.database.read() as session:
            return list(templates.active(session, self.services.sealer, self.services.engine.model_id))

    def steps(self, photo_id: str) -> list[str]:
        with self.services.database.read() as session:
            rows = session.scalars(
                select(AuditEntry.action).where(AuditEntry.subject == f"photo:{photo_id}").order_by(AuditEntry.serial)
            )
            return [action.removeprefix("photo.") for action in rows]


@pytest.fixture
def desk(database: Database, engine: FaceEngine, sealer: Sealer, model_store: ModelStore) -> Iterator[Desk]:
    mask = PersonMask(model_store.path("selfie-segmentation"))
    services = EnrollmentServices(database, sealer, engine, Checker(engine, person_finder=mask))
    holder: list[Desk] = []
    accounts = AccountsServices(database=database, secret=b"x" * 32, clock=lambda: holder[0].now)
    app = FastAPI()
    app.state.accounts, app.state.enrollment = accounts, services
    problems.install(app)
    app.include_router(router)
    with TestClient(app) as client:
        holder.append(Desk(client, accounts, services))
        yield holder[0]


@pytest.fixture
def good(portraits: Path) -> bytes:
    return (portraits / GOOD).read_bytes()


@pytest.fixture
def other(portraits: Path) -> bytes:
    return (portraits / OTHER).read_bytes()


def _grey(content: bytes) -> bytes:
    stream = io.BytesIO()
    Image.open(io.BytesIO(content)).convert("L").save(stream, "JPEG")
    return stream.getvalue()


def _again(content: bytes) -> bytes:
    """The same picture in another file."""
    stream = io.BytesIO()
    Image.open(io.BytesIO(content)).save(stream, "JPEG", quality=88)
    return stream.getvalue()


def test_from_upload_to_the_gates_and_out_again(desk: Desk, good: bytes, add_person: Callable[[str], UUID]) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    refused = desk.hand_in(student, good)
    assert (refused.status_code, refused.json()["code"]) == (403, "consent_missing")

    desk.consent(student)
    answer = desk.hand_in(student, good)
    assert answer.status_code == 201, answer.text
    photo = answer.json()
    assert (photo["state"], photo["verdict"]) == ("in_review", "accept")
    assert desk.active() == []

    queue = desk.client.get("/api/v1/reviews", headers=desk.as_person(reviewer, Role.REVIEWER)).json()
    assert [one["id"] for one in queue["items"]] == [photo["id"]]
    assert queue["items"][0]["department"] == "Physics"
    assert desk.review(photo["id"], "approve", reviewer, note="ok").json()["code"] == "photo_not_claimed"
    assert desk.review(photo["id"], "claim", reviewer).status_code == 200
    assert desk.review(photo["id"], "approve", reviewer, note="welcome").json()["state"] == "approved"
    assert desk.active() == [student]

    inbox = desk.client.get("/api/v1/me/notices", headers=desk.as_person(student)).json()["items"]
    assert [notice["kind"] for notice in inbox] == ["photo_approved"]
    assert desk.client.post(f"/api/v1/me/notices/{inbox[0]['id']}/read", headers=desk.as_person(student)).json()[
        "read_at"
    ]

    with desk.services.database.begin() as session:
        assert photos.settle(session, now=desk.now + timedelta(seconds=30)) == 0, "it can still be undone"
        assert photos.settle(session, now=desk.now + timedelta(minutes=2)) == 1
    picture = desk.client.get(f"/api/v1/photos/{photo['id']}/picture", headers=desk.as_person(student))
    assert picture.status_code == 404, "the original is erased after approval"

    erased = desk.client.delete("/api/v1/me/face-consent", headers=desk.as_person(student)).json()
    assert erased == {"photos_erased": 1}
    assert desk.active() == []
    assert desk.steps(photo["id"]) == ["checked", "in_review", "approved", "withdrawn"]


def test_a_photo_against_the_rules_comes_back_with_advice(
    desk: Desk, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    desk.consent(student)
    photo = desk.hand_in(student, _grey(good)).json()
    assert (photo["state"], photo["verdict"]) == ("rejected", "reject")
    (colour,) = [rule for rule in photo["rules"] if rule["rule"] == "colour"]
    assert "彩色" in colour["advice"]["zh"]
    (notice,) = desk.client.get("/api/v1/me/notices", headers=desk.as_person(student)).json()["items"]
    assert colour["advice"]["zh"] in notice["content"]["zh"]["body"]

    asked = desk.client.post(f"/api/v1/photos/{photo['id']}/review", headers=desk.as_person(student))
    assert asked.json()["state"] == "in_review"
    desk.review(photo["id"], "claim", reviewer)
    unknown = desk.review(photo["id"], "reject", reviewer, reasons=["ugly"])
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_reason")
    decided = desk.review(photo["id"], "reject", reviewer, reasons=["colour"], note="black and white")
    assert decided.json()["state"] == "rejected"
    again = desk.client.post(f"/api/v1/photos/{photo['id']}/review", headers=desk.as_person(student))
    assert again.status_code == 409, "a reviewer has the last word"


@pytest.mark.parametrize("content", [b"", b"no photo", b"\xff\xd8\xff\xe0 cut"])
def test_a_file_that_is_no_photo_is_refused_with_advice(
    content: bytes, desk: Desk, add_person: Callable[[str], UUID]
) -> None:
    student = add_person("2026001")
    desk.consent(student)
    answer = desk.hand_in(student, content)
    assert answer.status_code == 422
    if content:
        assert answer.json()["code"] == "photo_unreadable"
        assert answer.json()["rules"][0]["advice"]["zh"]
    with desk.services.database.read() as session:
        assert session.scalar(select(func.count()).select_from(PhotoRecord)) == 0


def test_a_form_without_a_file_and_a_huge_one_are_refused(desk: Desk, add_person: Callable[[str], UUID]) -> None:
    student = add_person("2026001")
    headers = desk.as_person(student)
    assert desk.client.post("/api/v1/photos", data={"file": "text"}, headers=headers).json()["code"] == "file_missing"
    huge = desk.client.post(
        "/api/v1/photos", content=b"", headers=headers | {"Content-Length": "999999999", "Content-Type": "x/y"}
    )
    assert (huge.status_code, huge.json()["code"]) == (413, "photo_too_large")


def test_the_same_file_is_the_same_photo(desk: Desk, good: bytes, add_person: Callable[[str], UUID]) -> None:
    student = add_person("2026001")
    desk.consent(student)
    assert desk.hand_in(student, good).json()["id"] == desk.hand_in(student, good).json()["id"]


def test_two_reviewers_never_hold_one_photo(desk: Desk, good: bytes, add_person: Callable[[str], UUID]) -> None:
    student, first, second = add_person("2026001"), add_person("R1"), add_person("R2")
    desk.consent(student)
    photo = desk.hand_in(student, good).json()["id"]
    assert desk.review(photo, "claim", first).status_code == 200
    taken = desk.review(photo, "claim", second)
    assert (taken.status_code, taken.json()["code"]) == (409, "photo_claimed")
    desk.now += timedelta(minutes=6)
    assert desk.review(photo, "claim", second).status_code == 200
    late = desk.review(photo, "approve", first, note="late")
    assert (late.status_code, late.json()["code"]) == (409, "photo_not_claimed")


def test_a_reviewer_does_not_decide_about_themselves(
    desk: Desk, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    reviewer = add_person("R1")
    desk.consent(reviewer)
    photo = desk.hand_in(reviewer, good).json()["id"]
    own = desk.review(photo, "claim", reviewer)
    assert (own.status_code, own.json()["code"]) == (403, "own_photo")


def test_reviews_need_the_role(desk: Desk, add_person: Callable[[str], UUID]) -> None:
    student = add_person("2026001")
    answer = desk.client.get("/api/v1/reviews", headers=desk.as_person(student))
    assert (answer.status_code, answer.json()["code"]) == (403, "role_required")


def test_a_decision_is_taken_back_within_a_minute(
    desk: Desk, good: bytes, other: bytes, add_person: Callable[[str], UUID]
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    desk.consent(student)
    old = desk.hand_in(student, good).json()["id"]
    desk.review(old, "claim", reviewer)
    desk.review(old, "approve", reviewer, note="first")
    desk.now += timedelta(hours=1)
    new = desk.hand_in(student, other).json()["id"]
    desk.review(new, "claim", reviewer)
    desk.review(new, "approve", reviewer, note="second")
    with desk.services.database.read() as session:
        states = {str(photo.id): photo.state for photo in session.scalars(select(PhotoRecord))}
    assert states == {old: PhotoState.REPLACED, new: PhotoState.APPROVED}

    desk.now += timedelta(seconds=50)
    assert desk.review(new, "undo", reviewer).json()["state"] == "in_review"
    with desk.services.database.read() as session:
        assert photos.get(session, UUID(old)).state == PhotoState.APPROVED
        (kept,) = templates.active(session, desk.services.sealer, desk.services.engine.model_id)[student]
        (probe,) = desk.services.engine.analyse(  # type: ignore[attr-defined]
            np.asarray(Image.open(io.BytesIO(good)))
        )
    assert kept.similarity(probe.template) > 0.9, "the first photo opens gates again"

    desk.review(new, "reject", reviewer, reasons=["another_person"])
    desk.now += timedelta(seconds=70)
    late = desk.review(new, "undo", reviewer)
    assert (late.status_code, late.json()["code"]) == (409, "photo_step_not_possible")


def test_the_same_face_under_another_account_goes_to_a_look(
    desk: Desk, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    first, second, reviewer = add_person("2026001"), add_person("2026002"), add_person("R1")
    for student in (first, second):
        desk.consent(student)
    one = desk.hand_in(first, good).json()["id"]
    two = desk.hand_in(second, _again(good)).json()["id"]
    headers = desk.as_person(reviewer, Role.REVIEWER)
    seen = desk.client.get(f"/api/v1/reviews/{two}", headers=headers).json()["identity"]
    assert seen["unusual"]
    assert [found["person_id"] for found in seen["duplicates"]] == [str(first)]
    beside = f"/api/v1/reviews/{two}/duplicates"
    assert desk.client.get(f"{beside}/{first}/picture", headers=headers).content.startswith(b"\xff\xd8")
    for person in (second, reviewer):
        assert desk.client.get(f"{beside}/{person}/picture", headers=headers).status_code == 404
    assert desk.client.get(f"{beside}/{first}/picture", headers=desk.as_person(second)).status_code == 403
    bulk = desk.client.post("/api/v1/reviews/approve-flawless", json={"photo_ids": [one, two]}, headers=headers)
    assert bulk.json()["outcomes"] == {one: "approved", two: "needs_a_look"}


def test_another_face_than_before_goes_to_a_look(
    desk: Desk, good: bytes, other: bytes, add_person: Callable[[str], UUID]
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    desk.consent(student)
    first = desk.hand_in(student, good).json()["id"]
    desk.review(first, "claim", reviewer)
    desk.review(first, "approve", reviewer, note="ok")
    second = desk.hand_in(student, other).json()["id"]
    identity = desk.client.get(f"/api/v1/reviews/{second}", headers=desk.as_person(reviewer, Role.REVIEWER)).json()[
        "identity"
    ]
    assert identity["unusual"]
    assert identity["own_similarity"] < identity["own_threshold"]


def test_the_queue_is_paged_and_filtered(
    desk: Desk, good: bytes, portraits: Path, add_person: Callable[[str], UUID]
) -> None:
    reviewer = add_person("R1")
    handed_in = []
    for number, name in enumerate([GOOD, OTHER, TILTED_BACKGROUND]):
        student = add_person(f"202600{number}")
        desk.consent(student)
        desk.now += timedelta(minutes=1)
        photo = desk.hand_in(student, (portraits / name).read_bytes()).json()
        assert photo["state"] == "in_review", photo
        handed_in.append(photo)
    headers = desk.as_person(reviewer, Role.REVIEWER)
    first = desk.client.get("/api/v1/reviews?limit=2", headers=headers).json()
    second = desk.client.get(f"/api/v1/reviews?limit=2&cursor={first['next']}", headers=headers).json()
    assert [one["id"] for one in first["items"] + second["items"]] == [one["id"] for one in handed_in]
    flawless = desk.client.get("/api/v1/reviews?verdict=accept", headers=headers).json()["items"]
    assert [one["id"] for one in flawless] == [one["id"] for one in handed_in if one["verdict"] == "accept"]
    failing = {rule["rule"] for one in handed_in for rule in one["rules"] if not rule["passed"]}
    for rule in failing:
        found = desk.client.get(f"/api/v1/reviews?rule={rule}", headers=headers).json()["items"]
        wanted = [one["id"] for one in handed_in if any(r["rule"] == rule and not r["passed"] for r in one["rules"])]
        assert [one["id"] for one in found] == wanted
    counted = desk.client.get("/api/v1/reviews/statistics", headers=headers).json()
    assert counted["waiting"] == 3
    assert counted["oldest_waiting_s"] == 120
    assert counted["approved_share_last_day"] is None


def test_everything_held_about_a_person_is_theirs_to_see(
    desk: Desk, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    student, stranger = add_person("2026001"), add_person("2026002")
    desk.consent(student)
    photo = desk.hand_in(student, good).json()["id"]
    held = desk.client.get("/api/v1/me/face-data", headers=desk.as_person(student)).json()
    assert [one["id"] for one in held["photos"]] == [photo]
    picture = Image.open(io.BytesIO(base64.b64decode(held["photos"][0]["picture_jpeg_base64"])))
    assert not picture.getexif()
    assert held["consents"][0]["evidence"]["channel"] == "api"
    for address in (f"/api/v1/photos/{photo}", f"/api/v1/photos/{photo}/picture"):
        assert desk.client.get(address, headers=desk.as_person(stranger)).status_code == 404


def test_pictures_are_sealed_at_rest(desk: Desk, good: bytes, add_person: Callable[[str], UUID]) -> None:
    student = add_person("2026001")
    desk.consent(student)
    desk.hand_in(student, good)
    with desk.services.database.read() as session:
        sealed = session.scalars(select(PhotoImage.sealed)).one()
    assert b"JFIF" not in sealed


def test_people_are_counted_once_for_the_register(desk: Desk, good: bytes, add_person: Callable[[str], UUID]) -> None:
    student = add_person("2026001")
    desk.consent(student)
    desk.hand_in(student, good)
    answer = desk.client.get("/api/v1/enrollment/register", headers=desk.as_person(student, Role.ADMIN)).json()
    assert answer == {"people": 1, "filing_due_at": 100_000, "warning": False}
