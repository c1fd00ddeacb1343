"""Beside the reviewer's queue: decisions, the week, and who has no photo."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from accounts import people
from accounts.tables import Person
from enrollment.tables import PhotoRecord, PhotoState
from tests.console.administration import check_pages, resident, staff
from tests.console.page_server import Pages, signed_in

HOME = "/console/reviews"


@pytest.fixture(scope="module")
def console(served_pages: Pages) -> Pages:
    staff(served_pages)
    now = served_pages.app.state.console.now()
    with served_pages.database.read() as session:
        reviewer = session.scalars(select(Person.id).where(Person.number == "R1")).one()
    for number, state, by in (
        ("D1", PhotoState.APPROVED, reviewer),
        ("D2", PhotoState.REJECTED, reviewer),
        ("D3", PhotoState.APPROVED, served_pages.people["F2"]),
        ("D4", PhotoState.IN_REVIEW, None),
    ):
        person = resident(served_pages, number, name=f"Name {number}", department="=Physics")
        with served_pages.database.begin() as session:
            session.add(
                PhotoRecord(
                    person_id=person, state=state, digest=number, uploaded_at=now - timedelta(minutes=30),
                    decided_by=by, decided_at=now if by else None,
                    reasons=["blurred"] if state is PhotoState.REJECTED else None,
                )
            )  # fmt: skip
    return served_pages


@pytest.fixture(scope="module")
def reviewer(console: Pages):
    with signed_in(console, "R1") as client:
        yield client


def test_decisions_are_ones_own_or_everybodys_and_filtered(reviewer: httpx.Client) -> None:
    def names(query: str = "") -> list[str]:
        page = reviewer.get(f"{HOME}/decisions{query}").text
        return [name for name in ("D1", "D2", "D3", "D4") if f">{name}<" in page]

    assert names() == ["D1", "D2"]
    assert names("?who=all") == ["D1", "D2", "D3"]
    assert names("?who=all&result=rejected") == ["D2"]
    assert names("?who=all&result=approved&department=%3DPhysics") == ["D1", "D3"]
    assert names("?department=Chemistry") == []


def test_the_week_counts_days_and_reasons(reviewer: httpx.Client) -> None:
    page = reviewer.get(f"{HOME}/week").text
    assert "2 approved, 1 rejected." in page
    assert "at most 30 minutes" in page
    assert "<meter" in page


def test_who_has_no_photo_is_listed_by_department_and_as_csv(reviewer: httpx.Client) -> None:
    page = reviewer.get(f"{HOME}/missing", params={"department": "=Physics"}).text
    assert (">D1<" in page, ">D2<" in page, ">D4<" in page) == (False, True, True)
    table = reviewer.get(f"{HOME}/missing/table", params={"department": "=Physics"})
    assert table.headers["content-type"].startswith("text/csv")
    lines = table.text.removeprefix("\ufeff").split()
    assert lines[0].startswith("Number,Name")
    assert len(lines) > 2
    assert "'=Physics" in table.text


def test_the_pages_are_for_everybody(open_window, console: Pages) -> None:
    pages = ["decisions?who=all", "week", "missing?department=%3DPhysics"]
    check_pages(open_window, console, "R1", [f"{HOME}/{page}" for page in pages])


def test_others_have_no_business_there(console: Pages) -> None:
    with signed_in(console, "F1") as client:
        for page in ("decisions", "week", "missing", "missing/table"):
            assert client.get(f"{HOME}/{page}").status_code == 403


def test_a_reference_needs_a_known_source_consent_and_a_colleague(console: Pages) -> None:
    with console.database.read() as session:
        ids = {number: people.by_number(session, number).id for number in ("A1", "D1")}
    with signed_in(console, "A1") as client:
        page = client.get(f"{HOME}/references", params={"number": "D1"})
        assert page.url.path == f"{HOME}/references/{ids['D1']}"
        assert page.text.count("none yet") == 2
        assert client.get(f"{HOME}/references", params={"number": "nobody"}).status_code == 404
        for who, source, status in (("D1", "passport", 422), ("D1", "admission", 403), ("A1", "admission", 403)):
            answer = client.post(
                f"{HOME}/references/{ids[who]}/reference-photos",
                data={"source": source},
                files={"file": ("x.jpg", b"x", "image/jpeg")},
            )
            assert (answer.status_code, 'role="alert"' in answer.text) == (status, True), source
        erased = client.post(f"{HOME}/references/{ids['D1']}/withdrawal", data={"source": "admission"})
        assert "The reference was erased" in erased.text
