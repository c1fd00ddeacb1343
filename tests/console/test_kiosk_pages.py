"""A kiosk's screens over HTTP: pairing, becoming known, what each way shows, and that nothing stays for the next."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from accounts import devices
from accounts.tables import Device, LossReport
from accounts.vocabulary import DeviceRole
from console import kiosk_cookies
from console.kiosk_cookies import DEVICE_COOKIE, IDLE, LONGEST, VISIT_COOKIE, Means, Visit
from console.pages.kiosk.screens import mask
from database import new_id
from tests.console.money_desk import QUERY_PASSWORD, Desk, open_desk
from tests.console.page_server import signed_in
from tests.waiting import PATIENCE_S

HIDDEN = re.compile(r'name="key" value="([0-9a-f-]{36})"')


@pytest.fixture(scope="module")
def desk(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(sqlite_template, tmp_path_factory.mktemp("kiosk")) as desk:
        yield desk


@pytest.fixture
def browser_of_nobody(desk: Desk) -> Iterator[httpx.Client]:
    headers = {"Origin": desk.url, "Accept-Language": "en", "Accept": "text/html"}
    with httpx.Client(base_url=desk.url, timeout=PATIENCE_S, headers=headers, follow_redirects=True) as client:
        yield client


@pytest.fixture
def kiosk(desk: Desk, browser_of_nobody: httpx.Client) -> httpx.Client:
    browser_of_nobody.post("/console/kiosk/pair", data={"token": desk.kiosk_token}).raise_for_status()
    return browser_of_nobody


def by_number(kiosk: httpx.Client, number: str, password: str = QUERY_PASSWORD) -> httpx.Response:
    return kiosk.post("/console/kiosk/number", data={"number": number, "query_password": password})


def test_a_browser_is_paired_once_with_a_kiosks_token(desk: Desk, browser_of_nobody: httpx.Client) -> None:
    client = browser_of_nobody
    assert client.get("/console/kiosk").url.path == "/console/kiosk/pair"
    assert client.get("/console/kiosk/menu").url.path == "/console/kiosk/pair"
    with desk.database.begin() as session:
        _, other = devices.add(session, name=f"terminal {new_id()}", role=DeviceRole.TERMINAL, by="test", now=desk.now)
    for token, words in (("cgd_nothing", "wrong or revoked"), (other, "not a kiosk")):
        page = client.post("/console/kiosk/pair", data={"token": token})
        assert (page.status_code, words in page.text) == (422, True)
        assert DEVICE_COOKIE not in client.cookies
    answer = client.post("/console/kiosk/pair", data={"token": desk.kiosk_token}, follow_redirects=False)
    (cookie,) = [one for one in answer.headers.get_list("set-cookie") if one.startswith(f"{DEVICE_COOKIE}=")]
    for attribute in ("HttpOnly", "Path=/console/kiosk", "SameSite=strict"):
        assert attribute in cookie
    page = client.get("/console/kiosk")
    assert "Hold your card to the reader" in page.text
    assert "<header" not in page.text
    assert "/console/sign-in" not in page.text


def test_a_revoked_token_ends_it_at_once(desk: Desk, browser_of_nobody: httpx.Client) -> None:
    with desk.database.begin() as session:
        device, token = devices.add(session, name=f"k {new_id()}", role=DeviceRole.KIOSK, by="test", now=desk.now)
    client = browser_of_nobody
    assert client.post("/console/kiosk/pair", data={"token": token}).url.path == "/console/kiosk"
    with desk.database.begin() as session:
        devices.revoke(session, session.get_one(Device, device.id), by="test", now=desk.now)
    assert client.get("/console/kiosk").url.path == "/console/kiosk/pair"


def test_a_card_alone_tops_up_and_is_told_nothing(desk: Desk, kiosk: httpx.Client) -> None:
    _, number, uid = desk.holder("王小明", fen=12_345)
    page = kiosk.post("/console/kiosk/card", data={"credential": uid})
    assert page.url.path == "/console/kiosk/menu"
    assert "王*明" in page.text
    for hidden in ("王小明", number, "123.45", uid):
        assert hidden not in page.text
    for known in ("loss", "reissue"):
        assert kiosk.get(f"/console/kiosk/{known}").url.path == "/console/kiosk", "needs the password"


def test_a_card_that_nobody_has_is_said_so(kiosk: httpx.Client) -> None:
    for credential in ("04FFFFFFFFFF80", "rubbish", ""):
        page = kiosk.post("/console/kiosk/card", data={"credential": credential})
        assert "This card is not known" in page.text
        assert VISIT_COOKIE not in kiosk.cookies
        assert 'data-idle="20"' in page.text, "the next person reads nothing of it"


def test_number_and_password_show_the_balance(desk: Desk, kiosk: httpx.Client) -> None:
    _, number, _ = desk.holder("王芳", fen=12_345)
    page = by_number(kiosk, number, "000000")
    assert (page.status_code, "The number or the query password is wrong" in page.text) == (422, True)
    page = by_number(kiosk, number)
    assert "¥123.45" in page.text
    assert "王*" in page.text
    assert "王芳" not in page.text


def test_the_start_forgets_who_stood_there(desk: Desk, kiosk: httpx.Client) -> None:
    _, number, _ = desk.holder(fen=12_345)
    by_number(kiosk, number)
    assert "123.45" in kiosk.get("/console/kiosk/menu").text
    kiosk.get("/console/kiosk")
    assert VISIT_COOKIE not in kiosk.cookies
    page = kiosk.get("/console/kiosk/menu")
    assert page.url.path == "/console/kiosk"
    assert kiosk.post("/console/kiosk/stay", headers={"Accept": "*/*"}).status_code == 401


def test_money_is_topped_up_by_the_channels_code(desk: Desk, kiosk: httpx.Client) -> None:
    person_id, _, uid = desk.holder()
    kiosk.post("/console/kiosk/card", data={"credential": uid})
    page = kiosk.get("/console/kiosk/top-up")
    form = {"key": HIDDEN.search(page.text)[1], "channel": "loopback", "amount": "", "other": "12.345"}
    page = kiosk.post("/console/kiosk/top-up", data=form)
    assert (page.status_code, "at most two digits" in page.text) == (422, True)
    page = kiosk.post("/console/kiosk/top-up", data=form | {"other": "", "amount": "50"})
    order = f"/console/kiosk/top-up/{form['key']}"
    assert page.url.path == order
    assert "<svg" in page.text
    state = lambda: kiosk.get(f"{order}/state", headers={"Accept": "application/json"}).json()  # noqa: E731
    assert state() == {"state": "pending"}
    desk.provider.pay(page.url.path.rsplit("/", 1)[1])
    assert state() == {"state": "credited"}
    page = kiosk.get(order)
    assert "Credited" in page.text
    assert "Balance" not in page.text, "a card alone is told nothing"
    assert kiosk.get(f"/console/kiosk/top-up/{new_id()}").status_code == 404
    assert person_id


def test_a_channel_that_does_not_answer_is_asked_again(desk: Desk, kiosk: httpx.Client) -> None:
    _, _, uid = desk.holder()
    kiosk.post("/console/kiosk/card", data={"credential": uid})
    key = HIDDEN.search(kiosk.get("/console/kiosk/top-up").text)[1]
    form = {"key": key, "channel": "loopback", "amount": "50", "other": ""}
    order = kiosk.post("/console/kiosk/top-up", data=form).url.path
    desk.provider.answers_to_lose = 2
    page = kiosk.get(order)
    assert "The payment channel does not answer" in page.text
    assert "<svg" not in page.text
    assert "<svg" in kiosk.get(order).text


def test_somebody_elses_order_is_not_shown(desk: Desk, kiosk: httpx.Client) -> None:
    other, _, _ = desk.holder()
    order = desk.top_up(other, 5000)
    _, _, uid = desk.holder()
    kiosk.post("/console/kiosk/card", data={"credential": uid})
    assert kiosk.get(f"/console/kiosk/top-up/{order}").status_code == 404


def test_what_goes_wrong_leads_nowhere_but_to_the_start(desk: Desk, kiosk: httpx.Client) -> None:
    _, _, uid = desk.holder()
    kiosk.post("/console/kiosk/card", data={"credential": uid})
    form = {"key": "rubbish", "channel": "loopback", "amount": "50"}
    for page in (
        kiosk.get("/console/kiosk/nowhere"),
        kiosk.get("/console/kiosk/top-up/rubbish"),
        kiosk.get(f"/console/kiosk/top-up/{new_id()}"),
        kiosk.post("/console/kiosk/top-up", data=form),
        kiosk.post("/console/kiosk/top-up", data=form, headers={"Origin": "https://elsewhere.example"}),
    ):
        assert page.is_error
        assert re.findall(r'href="(/console/(?!static)[^"]*)"', page.text) == ["/console/kiosk"]
        assert 'data-idle="30"' in page.text, "it goes back by itself"


def test_a_lost_card_is_reported_and_replaced_after_a_day(desk: Desk, kiosk: httpx.Client) -> None:
    person_id, number, uid = desk.holder(fen=3000)
    by_number(kiosk, number)
    page = kiosk.post("/console/kiosk/loss")
    assert "Reported; the cards have stopped" in page.text
    assert kiosk.post("/console/kiosk/loss").status_code == 200, "twice is once"
    page = kiosk.get("/console/kiosk/reissue")
    assert "possible from" in page.text
    form = {"key": str(new_id()), "uid": f"06{uid[2:]}"}
    assert kiosk.post("/console/kiosk/reissue", data=form).status_code == 409, "too early"
    with desk.database.begin() as session:
        report = session.query(LossReport).filter_by(person_id=person_id).one()
        report.reported_at -= timedelta(hours=24)
    page = kiosk.get("/console/kiosk/reissue")
    form["key"] = HIDDEN.search(page.text)[1]
    for _ in range(2):
        page = kiosk.post("/console/kiosk/reissue", data=form)
        assert "The new card is in use" in page.text
        assert "¥20.00" in page.text, "paid once"
    kiosk.get("/console/kiosk")
    assert "not known" in kiosk.post("/console/kiosk/card", data={"credential": uid}).text
    assert kiosk.post("/console/kiosk/card", data={"credential": form["uid"]}).url.path == "/console/kiosk/menu"


def test_a_person_who_is_signed_in_is_no_kiosk(desk: Desk) -> None:
    with signed_in(desk.pages, "A1") as client:
        assert client.get("/console/kiosk").url.path == "/console/kiosk/pair"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("王芳", "王*"),
        ("王小明", "王*明"),
        ("古丽·买买提", "古*提"),
        ("Li Lei", "Li ***"),
        ("Madonna", "M***"),
        ("王", "王*"),
    ],
)
def test_names_are_masked(name: str, shown: str) -> None:
    assert mask(name) == shown


def test_a_visit_ends_by_idleness_by_length_and_at_another_kiosk(desk: Desk) -> None:
    now = desk.now
    visit = Visit(desk.kiosk_id, new_id(), Means.CARD, now, now)
    assert not visit.is_over(now)
    assert visit.is_over(now + IDLE)
    kept = Visit(desk.kiosk_id, new_id(), Means.CARD, now, now + LONGEST)
    assert kept.is_over(now + LONGEST)


def test_a_visit_that_was_changed_or_belongs_elsewhere_is_none(desk: Desk) -> None:
    from fastapi import Request, Response

    now, secret = desk.now.replace(microsecond=0), bytes(32)
    visit = Visit(desk.kiosk_id, new_id(), Means.NUMBER, now, now)
    answer = Response()
    kiosk_cookies.set_visit(answer, visit, secret, secure=True)
    value = answer.headers["set-cookie"].split("=", 1)[1].split(";")[0]
    assert "Secure" in answer.headers["set-cookie"]

    def read(cookie: str, device=desk.kiosk_id, key: bytes = secret) -> Visit | None:
        headers = [(b"cookie", f"{VISIT_COOKIE}={cookie}".encode())]
        request = Request({"type": "http", "headers": headers})
        return kiosk_cookies.read_visit(request, device, key, now=now)

    assert read(value) == visit
    assert read(value, device=new_id()) is None
    assert read(value, key=bytes(31) + b"x") is None
    assert read("A" + value[1:]) is None
    assert read("") is None
    assert read("x.y") is None
