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
from tests.enrollment.desk import GOOD, OTHER, TILTED_BACKGROUND, Desk, one_backend


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


def test_of_two_reviewers_who_claim_at_once_one_gets_the_photo(
    desk: Desk, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    student = add_person("2026001")
    desk.consent(student)
    photo = UUID(desk.hand_in(student, good).json()["id"])
    reviewers = [add_person(f"R{number}") for number in range(6)]
    together = Barrier(len(reviewers))

    def claim(reviewer: UUID) -> str:
        together.wait()
        try:
            with desk.services.database.begin() as session:
                review.claim(session, photo, by=reviewer, now=desk.now)
        except review.AlreadyClaimedError:
            return "late"
        return "got it"

    with ThreadPoolExecutor(len(reviewers)) as pool:
        assert sorted(pool.map(claim, reviewers)) == ["got it"] + ["late"] * 5


@one_backend
def test_a_photo_without_a_face_cannot_be_approved(desk: Desk, good: bytes, add_person: Callable[[str], UUID]) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    desk.consent(student)
    stream = io.BytesIO()
    Image.effect_noise((600, 800), 60).convert("RGB").save(stream, "PNG")
    photo = desk.hand_in(student, stream.getvalue()).json()
    assert photo["state"] == "rejected"
    desk.client.post(f"/api/v1/photos/{photo['id']}/review", headers=desk.as_person(student))
    desk.review(photo["id"], "claim", reviewer)
    answer = desk.review(photo["id"], "approve", reviewer, note="?")
    assert (answer.status_code, answer.json()["code"]) == (409, "photo_without_face")
    assert desk.steps(photo["id"])[-1] == "in_review", "nothing of the decision is kept"


@one_backend
def test_a_reviewer_does_not_decide_about_themselves(
    desk: Desk, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    reviewer = add_person("R1")
    desk.consent(reviewer)
    photo = desk.hand_in(reviewer, good).json()["id"]
    own = desk.review(photo, "claim", reviewer)
    assert (own.status_code, own.json()["code"]) == (403, "own_photo")


@one_backend
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
        (kept,) = templates.load_active(session, desk.services.sealer, desk.services.engine.model_id)[student]
        (probe,) = desk.services.engine.analyse(  # type: ignore[attr-defined]
            np.asarray(Image.open(io.BytesIO(good)))
        )
    assert kept.similarity(probe.template) > 0.9, "the first photo opens gates again"

    desk.review(new, "reject", reviewer, reasons=["another_person"])
    desk.now += timedelta(seconds=70)
    late = desk.review(new, "undo", reviewer)
    assert (late.status_code, late.json()["code"]) == (409, "photo_step_not_possible")


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


def test_the_statistics_count_decisions_by_hour_and_day(
    desk: Desk, good: bytes, other: bytes, add_person: Callable[[str], UUID]
) -> None:
    reviewer, first, second = add_person("R1"), add_person("2026001"), add_person("2026002")
    desk.approved(first, good, reviewer)
    desk.now += timedelta(hours=2)
    desk.consent(second)
    photo = desk.hand_in(second, other).json()["id"]
    desk.review(photo, "claim", reviewer)
    desk.review(photo, "reject", reviewer, reasons=["picture_of_a_picture"], note="a screen")
    headers = desk.as_person(reviewer, Role.REVIEWER)
    counted = desk.client.get("/api/v1/reviews/statistics", headers=headers).json()
    assert counted == {
        "waiting": 0,
        "oldest_waiting_s": None,
        "decided_last_hour": 1,
        "approved_share_last_day": 0.5,
    }
    (notice,) = desk.client.get("/api/v1/me/notices", headers=desk.as_person(second)).json()["items"]
    assert "翻拍" in notice["content"]["zh"]["body"]
    assert notice["content"]["zh"]["body"].endswith("a screen")


def test_a_claimed_photo_is_not_offered_to_others_until_it_is_given_back(
    desk: Desk, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    student, first, second = add_person("2026001"), add_person("R1"), add_person("R2")
    desk.consent(student)
    photo = desk.hand_in(student, good).json()["id"]
    desk.review(photo, "claim", first)

    def offered(reviewer: UUID) -> int:
        headers = desk.as_person(reviewer, Role.REVIEWER)
        return len(desk.client.get("/api/v1/reviews?free=true", headers=headers).json()["items"])

    assert (offered(first), offered(second)) == (1, 0)
    desk.client.delete(f"/api/v1/reviews/{photo}/claim", headers=desk.as_person(first, Role.REVIEWER))
    assert offered(second) == 1
