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
from tests.enrollment.desk import Desk, grey, one_backend
from tests.waiting import PATIENCE_S


@one_backend
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


@one_backend
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
    turned.save(stream, kind, exif=exif, quality=95)
    return stream.getvalue()


@one_backend
@pytest.mark.parametrize("kind", ["JPEG", "HEIF", "WEBP"])
def test_metadata_is_stripped_and_the_picture_turned_upright(
    desk: Desk, good: bytes, add_person: Callable[[str], UUID], kind: str
) -> None:
    student = add_person("2026001")
    desk.consent(student)
    sent = _with_place(good, kind)
    assert b"PHONE-MAKER" in sent
    answer = desk.hand_in(student, sent)
    assert answer.status_code == 201, answer.text
    address = f"/api/v1/photos/{answer.json()['id']}/picture"
    kept = desk.client.get(address, headers=desk.as_person(student)).content
    assert b"PHONE-MAKER" not in kept
    assert b"Exif" not in kept
    assert [face.pose.roll for face in desk.services.engine.detect(np.asarray(Image.open(io.BytesIO(kept))))] == (
        pytest.approx([0], abs=10)
    )


def _bomb(size: tuple[int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("1", size).save(stream, "PNG")
    return stream.getvalue()


@one_backend
@pytest.mark.parametrize("size", [(20_000, 20_000), (16_001, 40), (8_001, 8_001)])
def test_a_decompression_bomb_is_refused_before_a_pixel_is_decoded(
    desk: Desk, add_person: Callable[[str], UUID], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(*_: object) -> None:
        raise AssertionError("a pixel was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    student = add_person("2026001")
    desk.consent(student)
    answer = desk.hand_in(student, _bomb(size))
    assert (answer.status_code, answer.json()["code"]) == (422, "photo_unreadable")
    assert answer.json()["rules"][0]["advice"]["zh"]


def test_the_same_file_sent_twice_at_once_is_one_photo(
    desk: Desk, good: bytes, add_person: Callable[[str], UUID]
) -> None:
    student = add_person("2026001")
    desk.consent(student)
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: desk.hand_in(student, good), range(3)))
    assert len({answer.json()["id"] for answer in answers}) == 1
    with desk.services.database.read() as session:
        assert session.scalar(select(func.count()).select_from(PhotoRecord)) == 1


@one_backend
def test_the_server_answers_others_while_a_photo_is_checked(
    desk: Desk, good: bytes, add_person: Callable[[str], UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    student, other = add_person("2026001"), add_person("2026002")
    desk.consent(student)
    checking, answered = threading.Event(), threading.Event()
    check_faces = desk.services.checker.check_faces

    def slow(*arguments: Any) -> Any:
        checking.set()
        assert answered.wait(PATIENCE_S), "nobody was answered meanwhile"
        return check_faces(*arguments)

    monkeypatch.setattr(desk.services.checker, "check_faces", slow)
    with ThreadPoolExecutor(1) as pool:
        handed_in = pool.submit(desk.hand_in, student, good)
        assert checking.wait(PATIENCE_S)
        assert desk.client.get("/api/v1/photos", headers=desk.as_person(other)).status_code == 200
        answered.set()
        assert handed_in.result().status_code == 201


@one_backend
def test_while_the_campus_moves_to_another_model_a_photo_gets_both_templates(
    desk: Desk, good: bytes, model_store: ModelStore, add_person: Callable[[str], UUID]
) -> None:
    following = FaceEngine(model_store, embedder="dlib-resnet", threads=1)
    desk.client.app.state.enrollment = replace(desk.services, further_engines=(following,))  # type: ignore[attr-defined]
    student, reviewer = add_person("2026001"), add_person("R1")
    desk.approved(student, good, reviewer)
    with desk.services.database.read() as session:
        for model_id in (desk.services.engine.model_id, following.model_id):
            assert list(templates.load_active(session, desk.services.sealer, model_id)) == [student]
    with desk.services.database.read() as session:
        assert set(filing.count_by_model(session).values()) == {1}
    assert templates.forget_model(desk.services.database, following.model_id, now=desk.now) == 1
    assert desk.active() == [student]


def test_a_face_is_measured_only_of_photos_that_keep_the_rules_or_are_asked_about(
    desk: Desk, good: bytes, model_store: ModelStore, add_person: Callable[[str], UUID]
) -> None:
    following = FaceEngine(model_store, embedder="dlib-resnet", threads=1)
    services = replace(desk.services, further_engines=(following,))
    desk.client.app.state.enrollment = services  # type: ignore[attr-defined]
    student, twin, reviewer = add_person("2026001"), add_person("2026002"), add_person("R1")
    desk.approved(twin, good, reviewer)
    desk.consent(student)
    photo = desk.hand_in(student, grey(good)).json()

    def models() -> set[str]:
        with services.database.read() as session:
            return templates.find_models(session, UUID(photo["id"]))

    assert photo["state"] == "rejected"
    assert models() == set()
    desk.client.post(f"/api/v1/photos/{photo['id']}/review", headers=desk.as_person(student))
    assert models() == {services.engine.model_id, following.model_id}
    (waiting,) = desk.client.get("/api/v1/reviews", headers=desk.as_person(reviewer, Role.REVIEWER)).json()["items"]
    assert [one["person"]["number"] for one in waiting["identity"]["duplicates"]] == ["2026002"]
    desk.review(photo["id"], "claim", reviewer)
    assert desk.review(photo["id"], "approve", reviewer, note="fine").json()["state"] == "approved"
    assert set(desk.active()) == {student, twin}


@one_backend
def test_a_person_hands_in_only_so_many_photos_a_day(desk: Desk, add_person: Callable[[str], UUID]) -> None:
    student, other = add_person("2026001"), add_person("2026002")
    desk.consent(student)
    desk.consent(other)
    for _ in range(desk.services.photos_a_day):
        assert desk.hand_in(student, b"no photo").json()["code"] == "photo_unreadable"
    answer = desk.hand_in(student, b"no photo")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_photos")
    assert int(answer.headers["retry-after"]) == answer.json()["retry_after_s"]
    assert desk.hand_in(other, b"no photo").json()["code"] == "photo_unreadable"
    desk.now += timedelta(days=1, seconds=1)
    assert desk.hand_in(student, b"no photo").json()["code"] == "photo_unreadable"
