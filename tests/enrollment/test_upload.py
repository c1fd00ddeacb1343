"""Handing a photo in: what is taken, what is refused, and what is left of the file."""

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from PIL import Image, ImageFile
from sqlalchemy import func, select

from accounts.vocabulary import Role
from enrollment import filing, templates
from enrollment.tables import PhotoRecord
from models.engine import FaceEngine
from models.store import ModelStore
from tests.databases import ON_BOTH, ON_SQLITE
from tests.enrollment.enrollment_api import EnrollmentApi, grey
from tests.enrollment.picture_bytes import QUICK_HEIF
from tests.waiting import PATIENCE_S

pytestmark = ON_SQLITE


@pytest.mark.parametrize("content", [b"", b"no photo", b"\xff\xd8\xff\xe0 cut"])
def test_a_file_that_is_no_photo_is_refused_with_advice(
    content: bytes, api: EnrollmentApi, add_person: Callable[[str], UUID]
) -> None:
    student = add_person("2026001")
    api.consent(student)
    answer = api.hand_in(student, content)
    assert answer.status_code == 422
    if content:
        assert answer.json()["code"] == "photo_unreadable"
        assert answer.json()["rules"][0]["advice"]["zh"]
    with api.services.database.read() as session:
        assert session.scalar(select(func.count()).select_from(PhotoRecord)) == 0


def test_a_form_without_a_file_and_a_huge_one_are_refused(
    api: EnrollmentApi, add_person: Callable[[str], UUID]
) -> None:
    student = add_person("2026001")
    headers = api.as_person(student)
    assert api.client.post("/api/v1/photos", data={"file": "text"}, headers=headers).json()["code"] == "file_missing"
    huge = api.client.post(
        "/api/v1/photos", content=b"", headers=headers | {"Content-Length": "999999999", "Content-Type": "x/y"}
    )
    assert (huge.status_code, huge.json()["code"]) == (413, "photo_too_large")


def test_the_same_file_is_the_same_photo(api: EnrollmentApi, good: bytes, add_person: Callable[[str], UUID]) -> None:
    student = add_person("2026001")
    api.consent(student)
    assert api.hand_in(student, good).json()["id"] == api.hand_in(student, good).json()["id"]


def _with_place(content: bytes, kind: str) -> bytes:
    """The photo as a phone writes it: turned on its side, with the place and the phone in its metadata."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    picture.thumbnail((480, 480))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "PHONE-MAKER"
    exif.get_ifd(0x8825)[1] = "N"
    stream = io.BytesIO()
    # Pillow-HEIF turns the pixels itself and forgets the orientation.
    turned = picture if kind == "HEIF" else picture.transpose(Image.Transpose.ROTATE_90)
    turned.save(stream, kind, exif=exif, quality=95, **(QUICK_HEIF if kind == "HEIF" else {}))
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "HEIF", "WEBP"])
def test_metadata_is_stripped_and_the_picture_turned_upright(
    api: EnrollmentApi, good: bytes, add_person: Callable[[str], UUID], kind: str
) -> None:
    student = add_person("2026001")
    api.consent(student)
    sent = _with_place(good, kind)
    assert b"PHONE-MAKER" in sent
    answer = api.hand_in(student, sent)
    assert answer.status_code == 201, answer.text
    address = f"/api/v1/photos/{answer.json()['id']}/picture"
    kept = api.client.get(address, headers=api.as_person(student)).content
    assert b"PHONE-MAKER" not in kept
    assert b"Exif" not in kept
    assert [face.pose.roll for face in api.services.engine.detect(np.asarray(Image.open(io.BytesIO(kept))))] == (
        pytest.approx([0], abs=10)
    )


def _bomb(size: tuple[int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("1", size).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("size", [(20_000, 20_000), (16_001, 40), (8_001, 8_001)])
def test_a_decompression_bomb_is_refused_before_a_pixel_is_decoded(
    api: EnrollmentApi, add_person: Callable[[str], UUID], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(*_: object) -> None:
        raise AssertionError("a pixel was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    student = add_person("2026001")
    api.consent(student)
    answer = api.hand_in(student, _bomb(size))
    assert (answer.status_code, answer.json()["code"]) == (422, "photo_unreadable")
    assert answer.json()["rules"][0]["advice"]["zh"]


@ON_BOTH
def test_the_same_file_sent_twice_at_once_is_one_photo(
    api: EnrollmentApi, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    student = add_person("2026001")
    api.consent(student)
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: api.hand_in(student, good), range(3)))
    assert len({answer.json()["id"] for answer in answers}) == 1
    with api.services.database.read() as session:
        assert session.scalar(select(func.count()).select_from(PhotoRecord)) == 1


def test_the_server_answers_others_while_a_photo_is_checked(
    api: EnrollmentApi, good: bytes, add_person: Callable[[str], UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    student, other = add_person("2026001"), add_person("2026002")
    api.consent(student)
    checking, answered = threading.Event(), threading.Event()
    check_faces = api.services.checker.check_faces

    def slow(*arguments: Any) -> Any:
        checking.set()
        assert answered.wait(PATIENCE_S), "nobody was answered meanwhile"
        return check_faces(*arguments)

    monkeypatch.setattr(api.services.checker, "check_faces", slow)
    with ThreadPoolExecutor(1) as pool:
        handed_in = pool.submit(api.hand_in, student, good)
        assert checking.wait(PATIENCE_S)
        assert api.client.get("/api/v1/photos", headers=api.as_person(other)).status_code == 200
        answered.set()
        assert handed_in.result().status_code == 201


def test_while_the_campus_moves_to_another_model_a_photo_gets_both_templates(
    api: EnrollmentApi, good: bytes, model_store: ModelStore, add_person: Callable[[str], UUID]
) -> None:
    following = FaceEngine(model_store, embedder="dlib-resnet", threads=1)
    api.client.app.state.enrollment = replace(api.services, further_engines=(following,))  # type: ignore[attr-defined]
    student, reviewer = add_person("2026001"), add_person("R1")
    api.approved(student, good, reviewer)
    with api.services.database.read() as session:
        for model_id in (api.services.engine.model_id, following.model_id):
            assert list(templates.load_active(session, api.services.sealer, model_id)) == [student]
    with api.services.database.read() as session:
        assert set(filing.count_by_model(session).values()) == {1}
    assert templates.forget_model(api.services.database, following.model_id, now=api.now) == 1
    assert api.active() == [student]


def test_of_a_model_that_the_campus_has_forgotten_no_template_is_made(
    api: EnrollmentApi, good: bytes, model_store: ModelStore, add_person: Callable[[str], UUID]
) -> None:
    former = FaceEngine(model_store, embedder="dlib-resnet", threads=1)
    used = {former.model_id}
    services = replace(api.services, further_engines=(former,), uses_model=lambda model_id: model_id in used)
    api.client.app.state.enrollment = services  # type: ignore[attr-defined]
    made = []
    for student in (add_person("2026001"), add_person("2026002")):
        api.consent(student)
        photo = UUID(api.hand_in(student, good).json()["id"])
        with api.services.database.read() as session:
            made.append(templates.find_models(session, photo))
        used.clear()
    assert made == [{api.services.engine.model_id, former.model_id}, {api.services.engine.model_id}]


def test_a_face_is_measured_only_of_photos_that_keep_the_rules_or_are_asked_about(
    api: EnrollmentApi, good: bytes, model_store: ModelStore, add_person: Callable[[str], UUID]
) -> None:
    following = FaceEngine(model_store, embedder="dlib-resnet", threads=1)
    services = replace(api.services, further_engines=(following,))
    api.client.app.state.enrollment = services  # type: ignore[attr-defined]
    student, twin, reviewer = add_person("2026001"), add_person("2026002"), add_person("R1")
    api.approved(twin, good, reviewer)
    api.consent(student)
    photo = api.hand_in(student, grey(good)).json()

    def models() -> set[str]:
        with services.database.read() as session:
            return templates.find_models(session, UUID(photo["id"]))

    assert photo["state"] == "rejected"
    assert models() == set()
    api.client.post(f"/api/v1/photos/{photo['id']}/review", headers=api.as_person(student))
    assert models() == {services.engine.model_id, following.model_id}
    (waiting,) = api.client.get("/api/v1/reviews", headers=api.as_person(reviewer, Role.REVIEWER)).json()["items"]
    assert [one["person"]["number"] for one in waiting["identity"]["duplicates"]] == ["2026002"]
    api.review(photo["id"], "claim", reviewer)
    assert api.review(photo["id"], "approve", reviewer, note="fine").json()["state"] == "approved"
    assert set(api.active()) == {student, twin}


def test_a_person_hands_in_only_so_many_photos_a_day(api: EnrollmentApi, add_person: Callable[[str], UUID]) -> None:
    student, other = add_person("2026001"), add_person("2026002")
    api.consent(student)
    api.consent(other)
    for _ in range(api.services.photos_a_day):
        assert api.hand_in(student, b"no photo").json()["code"] == "photo_unreadable"
    answer = api.hand_in(student, b"no photo")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_photos")
    assert int(answer.headers["retry-after"]) == answer.json()["retry_after_s"]
    assert api.hand_in(other, b"no photo").json()["code"] == "photo_unreadable"
    api.now += timedelta(days=1, seconds=1)
    assert api.hand_in(student, b"no photo").json()["code"] == "photo_unreadable"
