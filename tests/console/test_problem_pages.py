"""Whoever types a wrong address, or sends a form that cannot be taken, reads what to do; scripts get the problem."""

import httpx
import pytest
from fastapi import FastAPI

from tests.console.page_server import PASSWORD, Pages, signed_in
from tests.waiting import PATIENCE_S
from web.problems import MEDIA_TYPE

HTML = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest.fixture
def reader(served_pages: Pages):
    with httpx.Client(
        base_url=served_pages.url, timeout=PATIENCE_S, headers={"Accept": HTML, "Accept-Language": "en"}
    ) as client:
        yield client


@pytest.mark.parametrize("address", ["/", "/console", "/console/"])
def test_the_servers_name_leads_to_the_pages(reader: httpx.Client, address: str) -> None:
    answer = reader.get(address, follow_redirects=True)
    assert (answer.status_code, answer.url.path) == (200, "/console/sign-in")


@pytest.mark.parametrize(
    ("method", "address", "status", "said"),
    [
        ("GET", "/console/nowhere", 404, "There is no such page"),
        ("GET", "/nowhere/at/all", 404, "There is no such page"),
        ("GET", "/console/language", 405, "use the button on the page"),
        ("POST", "/console/sign-in", 403, "did not come from a page of this site"),
    ],
)
def test_what_cannot_be_shown_is_explained(
    reader: httpx.Client, method: str, address: str, status: int, said: str
) -> None:
    answer = reader.request(method, address, data={"number": "F1", "password": PASSWORD})
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert said in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_it_is_explained_in_the_readers_language_and_leads_to_their_own_page(served_pages: Pages) -> None:
    with signed_in(served_pages, "S1", **{"Accept-Language": "zh-CN"}) as client:
        answer = client.get("/console/nowhere")
        unfit = client.post("/console/password", data={})
    assert "没有这个页面" in answer.text
    assert 'href="/console/"' in answer.text
    assert (unfit.status_code, "提交的内容不完整" in unfit.text) == (422, True)


def test_a_failure_of_the_server_is_a_page_too_and_tells_nothing_of_its_inside(
    served_pages: Pages, reader: httpx.Client
) -> None:
    app: FastAPI = served_pages.app

    @app.get("/console/failing")
    def failing() -> None:
        raise RuntimeError("a secret of the inside")

    answer = reader.get("/console/failing")
    assert answer.status_code == 500
    assert "internal_error" in answer.text
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("address", "accept"), [("/console/nowhere", "*/*"), ("/api/v1/nowhere", HTML), ("/console/nowhere", "")]
)
def test_scripts_and_programs_get_the_problem(reader: httpx.Client, address: str, accept: str) -> None:
    answer = reader.get(address, headers={"Accept": accept})
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["code"] == "not_found"
