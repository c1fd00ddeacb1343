"""Handing a photo in: what is taken, what is refused, and what is left of the file."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import func, select

from enrollment.tables import PhotoRecord
from tests.enrollment.desk import Desk


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
