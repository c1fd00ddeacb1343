"""Library fines on a person's own pages and at a kiosk, at a library's system in another process."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from console.pages import ConsoleServices
from integrations.library_fines.payments import FineServices
from integrations.sip2.library_system import LibraryOptions, Sip2LibrarySystem
from tests.console.money_desk import QUERY_PASSWORD, Desk, open_desk
from tests.console.page_server import signed_in
from tests.databases import ON_SQLITE
from tests.integrations.library_acs import LOGIN, LibraryAcs, running_library
from tests.integrations.library_acs import PASSWORD as LIBRARY_PASSWORD
from tests.waiting import PATIENCE_S

pytestmark = ON_SQLITE

HIDDEN = re.compile(r'name="(key|fen)" value="([^"]+)"')


@pytest.fixture(scope="module")
def acs() -> Iterator[LibraryAcs]:
    with running_library() as library:
        yield library


@pytest.fixture(scope="module")
def desk(acs: LibraryAcs, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    options = LibraryOptions("127.0.0.1", acs.port, login=LOGIN, password=LIBRARY_PASSWORD)
    with open_desk(sqlite_template, tmp_path_factory.mktemp("fines")) as desk:
        library = Sip2LibrarySystem(options, lambda: datetime.now(UTC))
        services: ConsoleServices = desk.services
        desk.pages.app.state.console = replace(services, fines=FineServices(services.money, library))
        yield desk


@pytest.fixture
def kiosk(desk: Desk) -> Iterator[httpx.Client]:
    headers = {"Origin": desk.url, "Accept-Language": "en", "Accept": "text/html"}
    with httpx.Client(base_url=desk.url, timeout=PATIENCE_S, headers=headers, follow_redirects=True) as client:
        client.post("/console/kiosk/pair", data={"token": desk.kiosk_token}).raise_for_status()
        yield client


def form_of(page: httpx.Response) -> dict[str, str]:
    return dict(HIDDEN.findall(page.text))


def test_a_fine_is_seen_and_paid_on_the_phone(desk: Desk, acs: LibraryAcs) -> None:
    number = "C1"
    person = desk.staff[number]
    acs.owe(number, **{"Dream of the Red Chamber": 250})
    with signed_in(desk.pages, number) as phone:
        assert "/console/me/money/fines" in phone.get("/console/me/money").text
        page = phone.get("/console/me/money/fines")
        assert "Dream of the Red Chamber" in page.text
        assert "¥2.50" in page.text
        assert "top up first" in page.text
        assert not form_of(page), "there is no money for it"
        desk.pay_in(person, 1_000)
        form = form_of(phone.get("/console/me/money/fines"))
        assert phone.post("/console/me/money/fines", data=form | {"fen": "240"}).status_code == 409
        page = phone.post("/console/me/money/fines", data=form)
        assert "Paid; the library has it." in page.text
        assert "You owe nothing." in page.text
        again = phone.post("/console/me/money/fines", data=form)
        assert "Paid; the library has it." in again.text
        assert "Library fine" in phone.get("/console/me/money").text
    assert [one["amount"] for one in acs.booked(number)] == ["2.50"]


def test_a_refusal_takes_nothing_and_says_where_to_go(desk: Desk, acs: LibraryAcs) -> None:
    desk.pay_in(desk.staff["A1"], 1_000)
    acs.owe("A1", lost=300)
    acs.set(refuses=True)
    try:
        with signed_in(desk.pages, "A1") as phone:
            page = phone.post("/console/me/money/fines", data=form_of(phone.get("/console/me/money/fines")))
            assert page.status_code == 409
            assert "did not accept the payment, and nothing was taken" in page.text
            assert "Not accepted, nothing taken" in page.text
    finally:
        acs.set(refuses=False)


def test_a_fine_is_paid_at_a_kiosk_by_whoever_is_known(desk: Desk, acs: LibraryAcs, kiosk: httpx.Client) -> None:
    _, number, uid = desk.holder("王小明", fen=1_000)
    acs.owe(number, late=150)
    kiosk.post("/console/kiosk/card", data={"credential": uid})
    assert "/console/kiosk/fines" not in kiosk.get("/console/kiosk/menu").text
    assert kiosk.get("/console/kiosk/fines").url.path == "/console/kiosk", "a card alone is told nothing"
    kiosk.post("/console/kiosk/number", data={"number": number, "query_password": QUERY_PASSWORD})
    page = kiosk.get("/console/kiosk/fines")
    assert "¥1.50" in page.text
    told = kiosk.post("/console/kiosk/fines", data=form_of(page))
    assert "Paid; the library has it." in told.text
    assert "¥8.50" in told.text
    assert "You owe nothing." in kiosk.get("/console/kiosk/fines").text
    assert [one["amount"] for one in acs.booked(number)] == ["1.50"]
    assert kiosk.get(f"/console/kiosk/fines/{desk.kiosk_id}").status_code == 404


def test_a_campus_without_a_library_shows_nothing_of_it(desk: Desk) -> None:
    services: ConsoleServices = desk.services
    desk.pages.app.state.console = replace(services, fines=None)
    try:
        with signed_in(desk.pages, "A2") as phone:
            assert "/console/me/money/fines" not in phone.get("/console/me/money").text
            assert phone.get("/console/me/money/fines").status_code == 404
    finally:
        desk.pages.app.state.console = services


def test_a_silent_library_is_said_to_be_silent(desk: Desk) -> None:
    services: ConsoleServices = desk.services
    options = LibraryOptions("127.0.0.1", 1)
    silent = FineServices(services.money, Sip2LibrarySystem(options, lambda: datetime.now(UTC)))
    desk.pages.app.state.console = replace(services, fines=silent)
    try:
        with signed_in(desk.pages, "A2") as phone:
            page = phone.get("/console/me/money/fines")
            assert page.status_code == 503
            assert "cannot be shown now" in page.text
    finally:
        desk.pages.app.state.console = services
