"""A second photo beside the first: asked for once, held to the same rules, like the first, and gone with consent."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import numpy as np
import pytest
from sqlalchemy import select

from accounts.tables import AuditEntry
from accounts.vocabulary import Role
from enrollment import photo_pairs, settling, templates
from enrollment.photo import decode, encode_jpeg
from enrollment.tables import (
    PhotoImage,
    PhotoRecord,
    PhotoState,
    PhotoThumbnail,
    TemplateRecord,
    TemplateState,
)
from models.face import Face
from models.pixels import Image
from models.template import Template, mean_template
from tests.databases import ON_BOTH, ON_SQLITE
from tests.enrollment.enrollment_api import EnrollmentApi, again, grey

pytestmark = ON_SQLITE


@pytest.fixture
def one(faces: dict[str, list[bytes]]) -> list[bytes]:
    return faces["Aaron_Peirsol"]


@pytest.fixture
def another(faces: dict[str, list[bytes]]) -> list[bytes]:
    return faces["Abel_Pacheco"]


def mirrored_and_brighter(content: bytes) -> bytes:
    image = decode(content).image[:, ::-1]
    return encode_jpeg(np.clip(image * 1.15, 0, 255).astype(np.uint8), quality=80)


def _hand_in_second(api: EnrollmentApi, person: UUID, content: bytes) -> httpx.Response:
    files, headers = {"file": ("photo.jpg", content)}, api.as_person(person)
    return api.client.post("/api/v1/photos?slot=second", files=files, headers=headers)


def _approve(api: EnrollmentApi, photo: str, reviewer: UUID) -> httpx.Response:
    api.review(photo, "claim", reviewer)
    return api.review(photo, "approve", reviewer, note="ok")


def _both(api: EnrollmentApi, person: UUID, pictures: list[bytes], reviewer: UUID) -> tuple[str, str]:
    first = api.approved(person, pictures[0], reviewer)
    second = _hand_in_second(api, person, pictures[1]).json()["id"]
    assert _approve(api, second, reviewer).json()["state"] == "approved"
    return first, second


def _singles(api: EnrollmentApi, person: UUID) -> tuple[Template, ...]:
    with api.services.database.read() as session:
        active = templates.load_active(session, api.services.sealer, api.services.engine.model_id)
    return active.get(person, ())


def _searched(api: EnrollmentApi, person: UUID) -> Template:
    with api.services.database.read() as session:
        return templates.load_means(session, api.services.sealer, api.services.engine.model_id, [person])[person]


def _listed(api: EnrollmentApi, person: UUID) -> dict[str, str]:
    found = api.client.get("/api/v1/photos", headers=api.as_person(person)).json()["items"]
    return {photo["slot"]: photo["state"] for photo in reversed(found)}


def _withdraw(api: EnrollmentApi, person: UUID, photo: str) -> None:
    assert api.client.delete(f"/api/v1/photos/{photo}", headers=api.as_person(person)).status_code == 200


def test_the_searched_template_is_the_mean_of_both_and_falls_back_to_the_one_that_stays(
    api: EnrollmentApi, one: list[bytes], add_person: Callable[[str], UUID]
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    first, second = _both(api, student, one, reviewer)
    singles = _singles(api, student)
    assert len(singles) == 2
    searched = _searched(api, student)
    assert searched.similarity(mean_template(singles)) == pytest.approx(1, abs=1e-5)
    fresh = api.services.engine.embed(*_probe(api, one[2]))[0]
    scores = [float(each.vector @ fresh) for each in singles]
    assert float(searched.vector @ fresh) > np.mean(scores), "a third photograph is nearer to the mean"

    _withdraw(api, student, second)
    assert _searched(api, student).similarity(singles[0]) == pytest.approx(1, abs=1e-5)
    assert _listed(api, student) == {"first": "approved", "second": "withdrawn"}

    again_second = _hand_in_second(api, student, one[1]).json()["id"]
    assert _approve(api, again_second, reviewer).status_code == 200
    _withdraw(api, student, first)
    assert _searched(api, student).similarity(singles[1]) == pytest.approx(1, abs=1e-5)
    kept = api.client.get(f"/api/v1/photos/{again_second}", headers=api.as_person(student)).json()
    assert (kept["slot"], kept["state"]) == ("first", "approved"), "the second takes the first one's place"


def _probe(api: EnrollmentApi, content: bytes) -> tuple[Image, list[Face]]:
    image = decode(content).image
    return image, api.services.engine.detect(image)[:1]


def test_the_person_is_asked_once_and_never_after_a_no(
    api: EnrollmentApi, one: list[bytes], add_person: Callable[[str], UUID]
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    headers = api.as_person(student)
    first = api.approved(student, one[0], reviewer)

    def invitations() -> int:
        told = api.client.get("/api/v1/me/notices", headers=headers).json()["items"]
        return sum("第二" in text or "再交一张" in text for text in (one["content"]["zh"]["body"] for one in told))

    assert invitations() == 1
    assert api.client.get("/api/v1/photos", headers=headers).json()["second_wanted"]
    api.review(first, "undo", reviewer)
    assert not api.client.get("/api/v1/photos", headers=headers).json()["second_wanted"]
    assert api.review(first, "approve", reviewer, note="ok").status_code == 200
    assert invitations() == 1, "told once, though approved twice"
    assert api.client.post("/api/v1/photos/second/declined", headers=headers).status_code == 204
    assert not api.client.get("/api/v1/photos", headers=headers).json()["second_wanted"]
    assert _hand_in_second(api, student, one[1]).status_code == 201, "and may give one all the same"


def test_a_second_photo_of_somebody_else_is_refused_and_nothing_of_it_stays(
    api: EnrollmentApi, one: list[bytes], another: list[bytes], add_person: Callable[[str], UUID]
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    api.consent(student)
    early = _hand_in_second(api, student, one[1])
    assert (early.status_code, early.json()["code"]) == (409, "first_photo_missing")
    api.approved(student, one[0], reviewer)
    refused = _hand_in_second(api, student, another[0])
    assert (refused.status_code, refused.json()["code"]) == (409, "photo_unlike_first")
    for copy in (one[0], again(one[0]), mirrored_and_brighter(one[0])):
        assert _hand_in_second(api, student, copy).json()["code"] == "photo_same_as_first"
    with api.services.database.read() as session:
        assert len(session.scalars(select(PhotoRecord)).all()) == 1
        assert len(session.scalars(select(PhotoImage)).all()) == 1
        assert len(session.scalars(select(TemplateRecord)).all()) == 1
        audited = session.scalars(select(AuditEntry).where(AuditEntry.action == "photo.second_refused")).all()
    assert [entry.subject for entry in audited] == [f"person:{student}"]


def test_a_second_photo_is_held_to_the_rules_and_an_appeal_must_agree_too(
    api: EnrollmentApi, one: list[bytes], another: list[bytes], add_person: Callable[[str], UUID]
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    api.approved(student, one[0], reviewer)
    headers = api.as_person(student)
    foreign, own = (_hand_in_second(api, student, grey(content)).json() for content in (another[0], one[1]))
    assert {foreign["state"], own["state"]} == {"rejected"}
    asked = api.client.post(f"/api/v1/photos/{foreign['id']}/review", headers=headers)
    assert (asked.status_code, asked.json()["code"]) == (409, "photo_unlike_first")
    assert api.client.get(f"/api/v1/photos/{foreign['id']}", headers=headers).json()["state"] == "withdrawn"
    assert api.client.post(f"/api/v1/photos/{own['id']}/review", headers=headers).json()["state"] == "in_review"
    assert _listed(api, student) == {"first": "approved", "second": "in_review"}, "the first stands meanwhile"


def test_the_reviewer_of_a_second_photo_sees_the_first_and_who_is_like_it(
    api: EnrollmentApi, one: list[bytes], another: list[bytes], add_person: Callable[[str], UUID]
) -> None:
    student, twin, reviewer = add_person("2026001"), add_person("2026002"), add_person("R1")
    api.approved(student, one[0], reviewer)
    api.approved(twin, one[2], reviewer)
    second = _hand_in_second(api, student, one[1]).json()["id"]
    headers = api.as_person(reviewer, Role.REVIEWER)
    seen = api.client.get(f"/api/v1/reviews/{second}", headers=headers).json()
    assert (seen["slot"], seen["identity"]["unusual"]) == ("second", True)
    assert [found["person_id"] for found in seen["identity"]["duplicates"]] == [str(twin)]
    assert api.client.get(seen["identity"]["own_picture"], headers=headers).status_code == 200
    bulk = api.client.post("/api/v1/reviews/approve-flawless", json={"photo_ids": [second]}, headers=headers)
    assert bulk.json()["outcomes"] == {second: "needs_a_look"}


def test_a_new_first_photo_keeps_a_second_that_agrees_and_dismisses_one_that_does_not(
    api: EnrollmentApi, one: list[bytes], another: list[bytes], add_person: Callable[[str], UUID]
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    _, second = _both(api, student, one, reviewer)
    like = api.hand_in(student, one[2]).json()["id"]
    assert _approve(api, like, reviewer).status_code == 200
    assert len(_singles(api, student)) == 2
    api.now += timedelta(seconds=5)

    unlike = api.hand_in(student, another[0]).json()["id"]
    assert _approve(api, unlike, reviewer).status_code == 200, "a reviewer may say that the account changed its face"
    assert len(_singles(api, student)) == 1
    headers = api.as_person(student)
    assert api.client.get("/api/v1/me/notices", headers=headers).json()["items"][1]["kind"] == "second_photo_dismissed"
    api.review(unlike, "undo", reviewer)
    assert len(_singles(api, student)) == 2, "taken back, both stand again"
    api.review(unlike, "approve", reviewer, note="ok")
    with api.services.database.begin() as session:
        settling.settle(session, now=api.now + timedelta(minutes=2))
        states = session.scalars(select(TemplateRecord.state).where(TemplateRecord.photo_id == UUID(second)))
        assert set(states) == {TemplateState.WITHDRAWN}


def test_a_second_photo_that_waits_while_the_first_changes_is_compared_with_the_new_one(
    api: EnrollmentApi, one: list[bytes], another: list[bytes], add_person: Callable[[str], UUID]
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    api.approved(student, one[0], reviewer)
    second = _hand_in_second(api, student, one[1]).json()["id"]
    unlike = api.hand_in(student, another[0]).json()["id"]
    assert _approve(api, unlike, reviewer).status_code == 200
    found = api.client.get(f"/api/v1/photos/{second}", headers=api.as_person(student)).json()
    assert (found["state"], found["reasons"]) == ("rejected", ["unlike_first"])


def test_a_first_photo_cannot_be_taken_back_from_under_a_second(
    api: EnrollmentApi, one: list[bytes], add_person: Callable[[str], UUID]
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    first, second = _both(api, student, one, reviewer)
    assert api.review(first, "undo", reviewer).json()["code"] == "photo_step_not_possible"
    assert api.review(second, "undo", reviewer).json()["state"] == "in_review"
    assert len(_singles(api, student)) == 1
    assert api.review(first, "undo", reviewer).json()["state"] == "in_review"


@ON_BOTH
@pytest.mark.parametrize("how", ["consent", "administrator"])
def test_withdrawal_and_erasure_take_both_everywhere(
    api: EnrollmentApi, one: list[bytes], add_person: Callable[[str], UUID], how: str
) -> None:
    student, reviewer = add_person("2026001"), add_person("R1")
    _both(api, student, one, reviewer)
    held = api.client.get("/api/v1/me/face-data", headers=api.as_person(student)).json()
    assert {(photo["slot"], photo["state"]) for photo in held["photos"]} == {
        ("first", "approved"),
        ("second", "approved"),
    }
    assert all(photo["picture_jpeg_base64"] for photo in held["photos"])
    assert {template["photo"] for template in held["templates"]} == {photo["id"] for photo in held["photos"]}
    if how == "consent":
        answer = api.client.delete("/api/v1/me/face-consent", headers=api.as_person(student))
    else:
        answer = api.client.delete(f"/api/v1/people/{student}/photos", headers=api.as_person(reviewer, Role.ADMIN))
    assert answer.json() == {"photos_erased": 2}
    with api.services.database.read() as session:
        assert set(session.scalars(select(PhotoRecord.state))) == {PhotoState.WITHDRAWN}
        assert set(session.scalars(select(TemplateRecord.sealed))) == {None}
        assert session.scalars(select(PhotoImage)).all() == session.scalars(select(PhotoThumbnail)).all() == []
    assert api.active() == []


def test_a_photo_without_a_model_in_common_cannot_agree(
    api: EnrollmentApi, one: list[bytes], add_person: Callable[[str], UUID]
) -> None:
    """In the middle of a change of models: the first photo has only the template of the model before."""
    student, reviewer = add_person("2026001"), add_person("R1")
    first = api.approved(student, one[0], reviewer)
    services = api.services
    with services.database.begin() as session:
        (before,) = templates.load_active(session, services.sealer, services.engine.model_id)[student]
        templates.withdraw(session, student, at=api.now, photo_id=UUID(first))
        old = Template("before-1", before.vector)
        templates.store(session, services.sealer, student, old, at=api.now, photo_id=UUID(first))
    assert _hand_in_second(api, student, one[1]).json()["code"] == "photo_unlike_first"


def test_two_models_are_held_apart_and_both_must_agree() -> None:
    def vector(*values: float) -> np.ndarray:
        found = np.zeros(8, np.float32)
        found[: len(values)] = values
        return found / np.linalg.norm(found)

    old, new = Known("old", 0.5), Known("new", 0.9)
    made = [Template("old", vector(1, 0.1)), Template("new", vector(1, 0.1))]
    kept = [Template("old", vector(1)), Template("new", vector(1))]
    kept_unlike = [kept[0], Template("new", vector(1, 1))]
    photo = uuid4()

    def compare(of_first: list[Template], of_second: list[Template], *engines: Known) -> tuple[float, bool]:
        found = photo_pairs.compare_pair(photo, of_second, of_first, engines)
        assert found is not None
        assert (found.photo_id, found.same_picture) == (photo, False)
        return found.similarity, found.agrees

    assert compare(kept, made, old, new) == (pytest.approx(0.995, abs=1e-3), True)
    assert compare(kept_unlike, made, old, new) == (pytest.approx(0.995, abs=1e-3), False)
    assert compare(kept_unlike, made, old) == (pytest.approx(0.995, abs=1e-3), True)
    assert photo_pairs.compare_pair(photo, made[:1], kept[1:], (old, new)) is None


class Known:
    """An engine of which only its model and its threshold are asked."""

    def __init__(self, model_id: str, threshold: float) -> None:
        self.model_id = model_id
        self._threshold = threshold

    def threshold(self, purpose: str, gallery_size: int = 1) -> float:
        assert (purpose, gallery_size) == ("agreement", 1)
        return self._threshold
