"""Problem details, paging and text limits, through a small API."""

import contextlib
from datetime import datetime
from typing import Annotated
from unittest.mock import patch

import pytest
from fastapi import FastAPI, HTTPException
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from database import DatabaseBusyError
from tests.app_client import AppClient
from web import problems
from web.paging import InvalidCursorError, Page, PageDep, decode_cursor, encode_cursor
from web.problems import MEDIA_TYPE, ProblemError, responses
from web.text import Line


class Broth(BaseModel):
    name: Line
    salt: int


@pytest.fixture
def too_many_cooks():
    """A problem that the server does not have; it is known as long as a test runs."""
    with patch.dict(problems._known):

        class TooManyCooksError(ProblemError):
            code = "too_many_cooks"
            status = 409
            title = "Too many cooks"

        yield TooManyCooksError


@pytest.fixture
def client(too_many_cooks):
    app = FastAPI()

    @app.get("/cooks", responses=responses(too_many_cooks))
    def cooks() -> None:
        raise too_many_cooks("spoil the broth", headers={"Retry-After": "7"}, cooks=3)

    @app.post("/broth")
    def broth(body: Broth) -> str:
        return body.name

    @app.get("/busy")
    def busy() -> None:
        raise DatabaseBusyError("locked")

    @app.get("/teapot")
    def teapot() -> None:
        raise HTTPException(418, "short and stout")

    @app.get("/bug")
    def bug() -> None:
        raise ZeroDivisionError("secret of the house")

    @app.get("/numbers")
    def numbers(page: PageDep) -> Page[int]:
        start = page.after(int) or 0
        rows, following = page.cut(range(start + 1, min(start + page.limit + 2, 8)), lambda number: number)
        return Page(items=list(rows), next=following)

    problems.install(app)
    with AppClient(app, raise_server_exceptions=False) as client:
        yield client


def test_a_problem_carries_type_title_status_code_detail_and_its_own_members(client):
    answer = client.get("/cooks")
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["retry-after"] == "7"
    assert answer.json() == {
        "type": "urn:campusgate:problem:too_many_cooks",
        "title": "Too many cooks",
        "status": 409,
        "detail": "spoil the broth",
        "code": "too_many_cooks",
        "cooks": 3,
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("DELETE", "/cooks", 405, "method_not_allowed"),
        ("GET", "/busy", 503, "busy"),
        ("GET", "/teapot", 400, "malformed_request"),
        ("GET", "/bug", 500, "internal_error"),
        ("GET", "/numbers?limit=0", 422, "invalid_request"),
        ("GET", "/numbers?cursor=%F0%9F%92%A9", 400, "invalid_cursor"),
    ],
)
def test_every_error_is_a_problem(client, method, path, status, code):
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE)
    assert (answer.json()["code"], answer.json()["status"]) == (code, status)
    assert "secret" not in answer.text


def test_a_wrong_body_is_told_where_without_repeating_it(client):
    answer = client.post("/broth", json={"name": "hush" * 50, "salt": "much"})
    assert answer.status_code == 422
    assert [error["where"] for error in answer.json()["errors"]] == [["body", "name"], ["body", "salt"]]
    assert "hush" not in answer.text
    assert client.post("/broth", content=b"{", headers={"content-type": "application/json"}).status_code == 422


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "two\nlines", "\ud800", "x" * 101])
def test_text_that_no_database_should_see_is_refused(client, name):
    body = b'{"salt": 1, "name": "' + name.encode("unicode_escape").replace(b"\\x", b"\\u00") + b'"}'
    assert client.post("/broth", content=body, headers={"content-type": "application/json"}).status_code == 422


def test_a_code_belongs_to_one_error(too_many_cooks):
    with pytest.raises(TypeError, match="belongs to"):
        type("OtherError", (ProblemError,), {"code": "too_many_cooks", "status": 400, "title": "x"})
    with pytest.raises(TypeError, match="snake_case"):
        type("OtherError", (ProblemError,), {"code": "Not Snake", "status": 400, "title": "x"})


def test_the_openapi_lists_the_codes(client):
    described = client.get("/openapi.json").json()["paths"]["/cooks"]["get"]["responses"]["409"]
    assert described["content"][MEDIA_TYPE]["schema"]["properties"]["code"]["enum"] == ["too_many_cooks"]


def test_pages_follow_each_other_to_the_end(client):
    seen, cursor = [], None
    while True:
        page = client.get("/numbers", params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        seen.append(page["items"])
        if (cursor := page["next"]) is None:
            break
    assert seen == [[1, 2, 3], [4, 5, 6], [7]]


Key = Annotated[tuple[str, int], "key"]


Words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.tuples(Words, st.integers(-(2**63), 2**63 - 1)))
def test_a_cursor_gives_back_its_key(key):
    assert decode_cursor(encode_cursor(key), tuple[str, int]) == key


@given(st.text(max_size=60))
def test_any_other_cursor_is_refused_as_such(text):
    with contextlib.suppress(InvalidCursorError):
        assert -(2**63) <= decode_cursor(text, int) < 2**63


@pytest.mark.parametrize(
    "key",
    [
        ("0001-01-01T00:00:00+12:00", 1),
        ("9999-12-31T23:59:59-12:00", 1),
        ("2026-01-01T00:00:00", 1),
        ("2026-01-01T00:00:00Z", 2**63),
    ],
)
def test_a_cursor_that_no_database_can_compare_with_is_refused(key):
    with pytest.raises(InvalidCursorError):
        decode_cursor(encode_cursor(key), tuple[datetime, int])
