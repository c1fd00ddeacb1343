"""The reviewer's queue: claims, decisions, second thoughts."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from uuid import UUID

import numpy as np
from PIL import Image
from sqlalchemy import select

from accounts.vocabulary import Role
from enrollment import photos, review, templates
from enrollment.tables import PhotoRecord, PhotoState
from tests.databases import ON_BOTH, ON_SQLITE
from tests.enrollment.enrollment_api import GOOD, OTHER, TILTED_BACKGROUND, EnrollmentApi

pytestmark = ON_SQLITE


def test_two_reviewers_never_hold_one_photo(api: EnrollmentApi, good: bytes, add_person: Callable[[str], UUID]) -> None:
    student, first, second = add_person("2026001"), add_person("R1"), add_person("R2")
    api.consent(student)
    photo = api.hand_in(student, good).json()["id"]
    assert api.review(photo, "claim", first).status_code == 200
    taken = api.review(photo, "claim", second)
    assert (taken.status_code, taken.json()["code"]) == (409, "photo_claimed")
    api.now += timedelta(minutes=6)
    assert api.review(photo, "claim", second).status_code == 200
    late = api.review(photo, "approve", first, note="late")
    assert (late.status_code, late.json()["code"]) == (409, "photo_not_claimed")


@ON_BOTH
def test_of_two_reviewers_who_claim_at_once_one_gets_the_photo(
    api: EnrollmentApi, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    student = add_person("2026001")
    api.consent(student)
    photo = UUID(api.hand_in(student, good).json()["id"])
    reviewers = [add_person(f"R{number}") for number in range(6)]
    together = Barrier(len(reviewers))

    def claim(reviewer: UUID) -> str:
        together.wait()
        try:
            with api.services.database.begin() as session:
                review.claim(session, photo, by=reviewer, now=api.now)
        except review.AlreadyClaimedError:
            return "late"
        return "got it"

    with ThreadPoolExecutor(len(reviewers)) as pool:
        assert sorted(pool.map(claim, reviewers)) == ["got it"] + ["late"] * 5


def test_a_photo_without_a_face_cannot_be_approved(
    api: EnrollmentApi, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    api.consent(student)
    stream = io.BytesIO()
    Image.effect_noise((600, 800), 60).convert("RGB").save(stream, "PNG")
    photo = api.hand_in(student, stream.getvalue()).json()
    assert photo["state"] == "rejected"
    api.client.post(f"/api/v1/photos/{photo['id']}/review", headers=api.as_person(student))
    api.review(photo["id"], "claim", reviewer)
    answer = api.review(photo["id"], "approve", reviewer, note="?")
    assert (answer.status_code, answer.json()["code"]) == (409, "photo_without_face")
    assert api.steps(photo["id"])[-1] == "in_review", "nothing of the decision is kept"


def test_a_reviewer_does_not_decide_about_themselves(
    api: EnrollmentApi, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    reviewer = add_person("R1")
    api.consent(reviewer)
    photo = api.hand_in(reviewer, good).json()["id"]
    own = api.review(photo, "claim", reviewer)
    assert (own.status_code, own.json()["code"]) == (403, "own_photo")


def test_reviews_need_the_role(api: EnrollmentApi, add_person: Callable[[str], UUID]) -> None:
    student = add_person("2026001")
    answer = api.client.get("/api/v1/reviews", headers=api.as_person(student))
    assert (answer.status_code, answer.json()["code"]) == (403, "role_required")


def test_a_decision_is_taken_back_within_a_minute(
    api: EnrollmentApi, good: bytes, other: bytes, add_person: Callable[[str], UUID]
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    api.consent(student)
    old = api.hand_in(student, good).json()["id"]
    api.review(old, "claim", reviewer)
    api.review(old, "approve", reviewer, note="first")
    api.now += timedelta(hours=1)
    new = api.hand_in(student, other).json()["id"]
    api.review(new, "claim", reviewer)
    api.review(new, "approve", reviewer, note="second")
    with api.services.database.read() as session:
        states = {str(photo.id): photo.state for photo in session.scalars(select(PhotoRecord))}
    assert states == {old: PhotoState.REPLACED, new: PhotoState.APPROVED}

    api.now += timedelta(seconds=50)
    assert api.review(new, "undo", reviewer).json()["state"] == "in_review"
    with api.services.database.read() as session:
        assert photos.get(session, UUID(old)).state == PhotoState.APPROVED
        (kept,) = templates.load_active(session, api.services.sealer, api.services.engine.model_id)[student]
        (probe,) = api.services.engine.analyse(  # type: ignore[attr-defined]
            np.asarray(Image.open(io.BytesIO(good)))
        )
    assert kept.similarity(probe.template) > 0.9, "the first photo opens gates again"

    api.review(new, "reject", reviewer, reasons=["another_person"])
    api.now += timedelta(seconds=70)
    late = api.review(new, "undo", reviewer)
    assert (late.status_code, late.json()["code"]) == (409, "photo_step_not_possible")


@ON_BOTH
def test_the_queue_is_paged_and_filtered(
    api: EnrollmentApi, good: bytes, portraits: Path, add_person: Callable[[str], UUID]
) -> None:
    reviewer = add_person("R1")
    handed_in = []
    for number, name in enumerate([GOOD, OTHER, TILTED_BACKGROUND]):
        student = add_person(f"202600{number}")
        api.consent(student)
        api.now += timedelta(minutes=1)
        photo = api.hand_in(student, (portraits / name).read_bytes()).json()
        assert photo["state"] == "in_review", photo
        handed_in.append(photo)
    headers = api.as_person(reviewer, Role.REVIEWER)
    first = api.client.get("/api/v1/reviews?limit=2", headers=headers).json()
    second = api.client.get(f"/api/v1/reviews?limit=2&cursor={first['next']}", headers=headers).json()
    assert [one["id"] for one in first["items"] + second["items"]] == [one["id"] for one in handed_in]
    flawless = api.client.get("/api/v1/reviews?verdict=accept", headers=headers).json()["items"]
    assert [one["id"] for one in flawless] == [one["id"] for one in handed_in if one["verdict"] == "accept"]
    failing = {rule["rule"] for one in handed_in for rule in one["rules"] if not rule["passed"]}
    for rule in failing:
        found = api.client.get(f"/api/v1/reviews?rule={rule}", headers=headers).json()["items"]
        wanted = [one["id"] for one in handed_in if any(r["rule"] == rule and not r["passed"] for r in one["rules"])]
        assert [one["id"] for one in found] == wanted
    counted = api.client.get("/api/v1/reviews/statistics", headers=headers).json()
    assert counted["waiting"] == 3
    assert counted["oldest_waiting_s"] == 120
    assert counted["approved_share_last_day"] is None


def test_the_statistics_count_decisions_by_hour_and_day(
    api: EnrollmentApi, good: bytes, other: bytes, add_person: Callable[[str], UUID]
) -> None:
    reviewer, first, second = add_person("R1"), add_person("2026001"), add_person("2026002")
    api.approved(first, good, reviewer)
    api.now += timedelta(hours=2)
    api.consent(second)
    photo = api.hand_in(second, other).json()["id"]
    api.review(photo, "claim", reviewer)
    api.review(photo, "reject", reviewer, reasons=["picture_of_a_picture"], note="a screen")
    headers = api.as_person(reviewer, Role.REVIEWER)
    counted = api.client.get("/api/v1/reviews/statistics", headers=headers).json()
    assert counted == {
        "waiting": 0,
        "oldest_waiting_s": None,
        "decided_last_hour": 1,
        "approved_share_last_day": 0.5,
    }
    (notice,) = api.client.get("/api/v1/me/notices", headers=api.as_person(second)).json()["items"]
    assert "翻拍" in notice["content"]["zh"]["body"]
    assert notice["content"]["zh"]["body"].endswith("a screen")


def test_a_claimed_photo_is_not_offered_to_others_until_it_is_given_back(
    api: EnrollmentApi, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    student, first, second = add_person("2026001"), add_person("R1"), add_person("R2")
    api.consent(student)
    photo = api.hand_in(student, good).json()["id"]
    api.review(photo, "claim", first)

    def offered(reviewer: UUID) -> int:
        headers = api.as_person(reviewer, Role.REVIEWER)
        return len(api.client.get("/api/v1/reviews?free=true", headers=headers).json()["items"])

    assert (offered(first), offered(second)) == (1, 0)
    api.client.delete(f"/api/v1/reviews/{photo}/claim", headers=api.as_person(first, Role.REVIEWER))
    assert offered(second) == 1
