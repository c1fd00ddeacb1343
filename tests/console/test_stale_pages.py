"""The pages follow a sign-in to its end: cookies that outlive it open nothing, and a live page is told nothing more."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest

from accounts import people
from accounts.people import sign_ins
from accounts.vocabulary import PersonState
from tests.console.page_server import PASSWORD, Pages
from tests.databases import ON_SQLITE
from tests.waiting import PATIENCE_S

pytestmark = ON_SQLITE


@pytest.fixture
def staff(console: Pages) -> Iterator[httpx.Client]:
    """A member of facilities staff, signed in by the form."""
    with httpx.Client(base_url=console.url, headers={"Origin": console.url}, timeout=PATIENCE_S) as client:
        answer = client.post("/console/sign-in", data={"number": "F1", "password": PASSWORD})
        assert answer.status_code == 303
        yield client


def suspend(console: Pages, person_id: UUID) -> None:
    with console.database.begin() as session:
        person = people.get(session, person_id)
        people.set_state(session, person, PersonState.SUSPENDED, by="test", now=datetime.now(UTC))


def demote(console: Pages, person_id: UUID) -> None:
    with console.database.begin() as session:
        people.set_roles(session, people.get(session, person_id), (), by="test", now=datetime.now(UTC))


def sign_out_elsewhere(console: Pages, person_id: UUID) -> None:
    with console.database.begin() as session:
        sign_ins.end_all(session, person_id, now=datetime.now(UTC))


@pytest.mark.parametrize("how", [suspend, demote, sign_out_elsewhere])
def test_a_live_page_ends_with_the_sign_in_and_its_cookies_open_nothing(console: Pages, staff, how) -> None:
    told = threading.Event()

    def follow() -> None:
        with staff.stream("GET", "/console/stream") as stream:
            for line in stream.iter_lines():
                if line.startswith("event: up_to_date"):
                    told.set()

    reader = threading.Thread(target=follow, daemon=True)
    reader.start()
    assert told.wait(PATIENCE_S)
    how(console, console.people["F1"])
    reader.join(PATIENCE_S)
    assert not reader.is_alive(), "the stream went on after the sign-in had ended"
    refused = staff.get("/console/gates", headers={"Accept": "text/html"})
    assert (refused.status_code, refused.headers["location"]) == (303, "/console/sign-in?next=%2Fconsole%2Fgates")
    order = {"action": "open", "gates": ["north"]}
    assert staff.post("/console/orders", json=order, headers={"Idempotency-Key": "k"}).status_code == 401


def test_signing_out_ends_a_copy_of_the_access_cookie(console: Pages, staff) -> None:
    copy = dict(staff.cookies)
    assert staff.get("/console/gates").status_code == 200
    staff.post("/console/sign-out")
    with httpx.Client(base_url=console.url, cookies=copy, timeout=PATIENCE_S) as thief:
        assert thief.get("/console/gates", headers={"Accept": "text/html"}).status_code == 303
