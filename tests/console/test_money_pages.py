"""The money desk over HTTP: what each form does, what it refuses and in which words."""

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from openpyxl import Workbook
from sqlalchemy import select

from accounts.ledger.chart import account
from accounts.tables import AuditEntry
from accounts.topup import channel_days, refunds
from database import new_id
from metering.billing import top_up
from metering.billing.top_up import RoomPayment
from metering.rooms import registry
from metering.sessions import disputes, history
from tests.console.money_desk import Desk, open_desk
from tests.console.page_server import signed_in
from tests.metering.sessions import bath as baths

HIDDEN = re.compile(r'name="key" value="([0-9a-f-]{36})"')


@pytest.fixture(scope="module")
def desk(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_desk(sqlite_template, tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.fixture(scope="module")
def cashier(desk: Desk) -> Iterator[httpx.Client]:
    with signed_in(desk.pages, "C1") as client:
        yield client


@pytest.fixture(scope="module")
def admin(desk: Desk) -> Iterator[httpx.Client]:
    with signed_in(desk.pages, "A1") as client:
        yield client


def key_of(page: httpx.Response, action: str) -> str:
    """The hidden key of the form that is sent to an address ending in `action`."""
    form = page.text.split(f'{action}"', 1)[1]
    return HIDDEN.search(form)[1]


def balance(desk: Desk, person_id: UUID) -> int:
    with desk.database.read() as session:
        return account(session, person_id).balance


def test_a_cashier_lands_at_the_counter(desk: Desk, cashier: httpx.Client) -> None:
    page = cashier.get("/console/")
    assert (page.status_code, page.url.path) == (200, "/console/money")
    assert "Find an account" in page.text
    assert "/console/money/subsidies" not in page.text, "an administrator's"


@pytest.mark.parametrize("typed", ["number", "uid", "reversed", "name"])
def test_somebody_is_found_by_card_number_or_name(desk: Desk, cashier: httpx.Client, typed: str) -> None:
    person_id, number, uid = desk.holder(f"Found By {typed}")
    given = {
        "number": number,
        "uid": uid,
        "reversed": str(int.from_bytes(bytes.fromhex(uid)[::-1], "big")),
        "name": f"By {typed}",
    }[typed]
    page = cashier.post("/console/money/find", data={"typed": given})
    assert (page.status_code, page.url.path) == (200, f"/console/money/people/{person_id}")
    assert uid not in page.text


def test_several_are_offered_and_nobody_is_said(desk: Desk, cashier: httpx.Client) -> None:
    for _ in range(2):
        desk.holder("Han Mei")
    page = cashier.post("/console/money/find", data={"typed": "Han Mei"})
    assert page.text.count("<strong>Han Mei</strong>") == 2
    page = cashier.post("/console/money/find", data={"typed": "no such person"})
    assert "Nobody was found" in page.text


def test_cash_is_taken_in_once_however_often_the_form_is_sent(desk: Desk, cashier: httpx.Client) -> None:
    person_id, _, _ = desk.holder()
    address = f"/console/money/people/{person_id}"
    form = {"key": key_of(cashier.get(address), "/cash-in"), "amount": "１２．５０"}
    for _ in range(2):
        receipt = cashier.post(f"{address}/cash-in", data=form)
        assert receipt.url.path == f"/console/money/receipts/{form['key']}"
        assert "¥12.50" in receipt.text
        assert "The cash was credited" in receipt.text
    assert balance(desk, person_id) == 1250
    counter = cashier.get("/console/money").text
    assert counter.count(f"/console/money/receipts/{form['key']}") == 1, "among what was handled last"
    changed = cashier.post(f"{address}/cash-in", data=form | {"amount": "13"})
    assert changed.status_code == 409
    assert balance(desk, person_id) == 1250


@pytest.mark.parametrize(
    ("typed", "words"), [("12.345", "at most two digits"), ("", "Type an amount"), ("-5", "type digits")]
)
def test_what_is_no_amount_is_refused_beside_the_field(
    desk: Desk, cashier: httpx.Client, typed: str, words: str
) -> None:
    person_id, _, _ = desk.holder()
    address = f"/console/money/people/{person_id}"
    form = {"key": key_of(cashier.get(address), "/cash-in"), "amount": typed}
    page = cashier.post(f"{address}/cash-in", data=form)
    assert (page.status_code, page.url.path) == (422, f"{address}/cash-in")
    assert words in page.text
    assert f'value="{typed}"' in page.text
    assert balance(desk, person_id) == 0


def test_more_than_there_is_cannot_be_paid_out(desk: Desk, cashier: httpx.Client) -> None:
    person_id, _, _ = desk.holder(fen=1000)
    address = f"/console/money/people/{person_id}"
    form = {"key": key_of(cashier.get(address), "/cash-out"), "amount": "10.01"}
    page = cashier.post(f"{address}/cash-out", data=form)
    assert page.status_code == 409
    assert "The balance is too low" in page.text
    receipt = cashier.post(f"{address}/cash-out", data=form | {"amount": "10"})
    assert "pay the cash out" in receipt.text
    assert balance(desk, person_id) == 0


def test_nobody_moves_money_of_their_own_account(desk: Desk, cashier: httpx.Client) -> None:
    own = desk.staff["C1"]
    page = cashier.get(f"/console/money/people/{own}")
    assert "a colleague must do this" in page.text
    assert "/cash-in" not in page.text
    form = {"key": "01990000-0000-7000-8000-000000000001", "amount": "5"}
    page = cashier.post(f"/console/money/people/{own}/cash-in", data=form)
    assert page.status_code == 403
    assert balance(desk, own) == 0


def test_cash_above_the_ceiling_waits_for_another_administrator(desk: Desk, cashier: httpx.Client, admin) -> None:
    person_id, _, _ = desk.holder("Big Sum")
    address = f"/console/money/people/{person_id}"
    form = {"key": key_of(cashier.get(address), "/cash-in"), "amount": "1500"}
    receipt = cashier.post(f"{address}/cash-in", data=form)
    assert "Keep the cash apart" in receipt.text
    assert balance(desk, person_id) == 0
    assert "An administrator decides this" in cashier.get("/console/money/requests").text
    decision = f"/console/money/requests/{form['key']}/decision"
    assert cashier.post(decision, data={"accept": "true"}).status_code == 403
    page = admin.post(decision, data={"accept": "true"})
    assert "You let it happen" in page.text
    assert balance(desk, person_id) == 150_000
    again = admin.post(decision, data={"accept": "false"})
    assert again.status_code == 409
    assert "Sun Li" in cashier.get("/console/money").text, "who decided"


def test_who_asked_does_not_decide(desk: Desk, admin: httpx.Client) -> None:
    person_id, _, _ = desk.holder()
    address = f"/console/money/people/{person_id}"
    form = {"key": key_of(admin.get(address), "/cash-in"), "amount": "1500"}
    admin.post(f"{address}/cash-in", data=form)
    page = admin.post(f"/console/money/requests/{form['key']}/decision", data={"accept": "true"})
    assert page.status_code == 403
    assert "You asked for this" in page.text
    with signed_in(desk.pages, "A2") as other:
        page = other.post(f"/console/money/requests/{form['key']}/decision", data={"accept": "false"})
    assert "Declined: nothing moved" in page.text
    assert balance(desk, person_id) == 0


def test_a_top_up_goes_back_through_its_channel_once(desk: Desk, cashier: httpx.Client) -> None:
    person_id, _, _ = desk.holder()
    order = desk.top_up(person_id, 5000)
    address = f"/console/money/top-ups/{order}"
    assert address in cashier.get(f"/console/money/people/{person_id}").text
    form = {"key": key_of(cashier.get(address), "/refunds"), "amount": "20"}
    for _ in range(2):
        page = cashier.post(f"{address}/refunds", data=form)
        assert "given back through its channel" in page.text
    assert balance(desk, person_id) == 3000
    form = {"key": key_of(cashier.get(address), "/refunds"), "amount": "30.01"}
    page = cashier.post(f"{address}/refunds", data=form)
    assert page.status_code == 409
    assert "More than the rest" in page.text


def test_a_refund_whose_answer_is_lost_waits(desk: Desk, cashier: httpx.Client) -> None:
    person_id, _, _ = desk.holder()
    address = f"/console/money/top-ups/{desk.top_up(person_id, 5000)}"
    desk.provider.answers_to_lose = 2
    page = cashier.post(f"{address}/refunds", data={"key": key_of(cashier.get(address), "/refunds"), "amount": "50"})
    desk.provider.answers_to_lose = 0
    assert page.status_code == 200
    assert "asked again by itself" in page.text
    refunds.resolve_refunds(desk.money, desk.now)
    assert "Given back" in cashier.get(address).text


def test_a_payment_is_given_back_at_the_counter_once_and_with_a_reason(desk: Desk, cashier: httpx.Client) -> None:
    person_id, _, _ = desk.holder(fen=5_000)
    address = f"/console/money/payments/{desk.pay(person_id, 1_250)}"
    assert f'href="{address}"' in cashier.get(f"/console/money/people/{person_id}").text
    page = cashier.get(address)
    assert 'value="12.50"' in page.text
    form = {"key": key_of(page, "/refunds"), "amount": "2.50", "reason": "charged twice"}
    refused = cashier.post(f"{address}/refunds", data=form | {"reason": " "})
    assert (refused.status_code, "Give a reason" in refused.text, 'value="2.50"' in refused.text) == (422, True, True)
    unread = cashier.post(f"{address}/refunds", data=form | {"amount": "2.555"})
    assert (unread.status_code, 'value="charged twice"' in unread.text) == (422, True)
    for _ in range(2):
        assert "given back to the holder" in cashier.post(f"{address}/refunds", data=form).text
    assert balance(desk, person_id) == 4_000
    more = cashier.post(f"{address}/refunds", data=form | {"key": str(new_id()), "amount": "10.01"})
    assert (more.status_code, "More than the rest" in more.text) == (409, True)
    rest = cashier.post(f"{address}/refunds", data=form | {"key": str(new_id()), "amount": "10"})
    assert "All of this payment was given back" in rest.text
    assert balance(desk, person_id) == 5_000


def test_a_cashiers_own_payment_is_given_back_by_a_colleague(desk: Desk, cashier: httpx.Client) -> None:
    desk.pay_in(desk.staff["C1"], 2_000)
    address = f"/console/money/payments/{desk.pay(desk.staff['C1'], 500)}"
    page = cashier.get(address)
    assert "a colleague must do this" in page.text
    assert f"{address}/refunds" not in page.text
    form = {"key": str(new_id()), "amount": "5", "reason": "mine"}
    assert cashier.post(f"{address}/refunds", data=form).status_code == 403
    assert cashier.get(f"/console/money/payments/{new_id()}").status_code == 404


def test_a_cashiers_day_is_added_up_and_counted(desk: Desk) -> None:
    person_id, _, _ = desk.holder()
    with signed_in(desk.pages, "C2") as cashier:
        before = int(cashier.get("/console/money/day").text.split('data-count="')[1].split('"')[0])
        desk.pay_in(person_id, 12_340)
        page = cashier.get("/console/money/day")
        expected = before + 12_340
        assert f'data-count="{expected}"' in page.text
        day = re.search(r'name="day" value="([0-9-]+)"', page.text)[1]
        form = {"key": key_of(page, "/counts"), "day": day, "opening": "100", "pieces_10000": "１", "note": "short"}
        page = cashier.post("/console/money/day/counts", data=form)
        assert "The count was kept" in page.text
        assert "Short by" in page.text
        page = cashier.post("/console/money/day/counts", data=form | {"pieces_10000": "one"})
        assert (page.status_code, "a whole number" in page.text) == (422, True)
        assert cashier.get("/console/money/day?day=2020-01-01").status_code == 200


def listed(*rows: tuple[object, ...]) -> dict[str, object]:
    book = Workbook()
    for row in (("学号", "姓名", "金额"), *rows):
        book.worksheets[0].append(row)
    packed = io.BytesIO()
    book.save(packed)
    return {"table": ("list.xlsx", packed.getvalue(), "application/octet-stream")}


def test_a_list_of_subsidies_is_seen_before_it_is_paid(desk: Desk, admin: httpx.Client) -> None:
    one, number, _ = desk.holder("Good Row")
    two, other, _ = desk.holder("Twice")
    files = listed(
        (number, "Good Row", 12.5), (other, "Twice", 10), (other, "Twice", 20), ("nobody-9", "", 5),
        ("A1", "Sun Li", 5),
    )  # fmt: skip
    preview = admin.post("/console/money/subsidies/preview", data={"fund": "hardship-2026"}, files=files)
    assert preview.status_code == 200
    for words in ("Stands twice", "Nobody has this number", "Yourself", "Nothing is paid yet", "¥12.50"):
        assert words in preview.text
    assert balance(desk, one) == 0
    rows = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", preview.text, re.DOTALL)[1]
    form = {"key": key_of(preview, "/subsidies"), "fund": "hardship-2026", "rows": rows}
    for _ in range(2):
        paid = admin.post("/console/money/subsidies", data=form)
        assert "Everybody on the list was paid" in paid.text
        assert (balance(desk, one), balance(desk, two)) == (1250, 0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Choose a file"),
        (b"name,amount\nx,1\n", "column \u201cnumber\u201d is missing"),
        (b"number,name\n1,x\n", "column \u201camount\u201d is missing"),
        (b"number,amount\n", "has no rows"),
        (b"PK\x03\x04 broken", "cannot be read"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_words(
    desk: Desk, admin: httpx.Client, content: bytes, words: str
) -> None:
    files = {"table": ("list.csv", content, "text/csv")}
    page = admin.post("/console/money/subsidies/preview", data={"fund": "x"}, files=files)
    assert page.status_code == 422
    assert words in page.text


def test_merchants_are_added_and_services_enabled(desk: Desk, cashier: httpx.Client, admin: httpx.Client) -> None:
    wrong = admin.post("/console/money/merchants", data={"name": "", "campus": "North Campus", "service": "canteen"})
    assert (wrong.status_code, "Give it a name" in wrong.text, "small letters" in wrong.text) == (422, True, True)
    form = {"name": "Canteen 1", "campus": "north", "service": "canteen"}
    page = admin.post("/console/money/merchants", data=form)
    assert "not enabled on this campus" in page.text
    assert admin.post("/console/money/merchants", data=form).status_code == 422
    page = admin.post("/console/money/services", data={"service": "canteen", "campuses": "north， south"})
    assert "not enabled on this campus" not in page.text
    seen = cashier.get("/console/money/merchants")
    assert "Canteen 1" in seen.text
    assert "¥1,000.00" in seen.text, "the ceiling of cash"
    assert cashier.post("/console/money/merchants", data=form).status_code == 403


def test_days_say_what_is_missing_and_the_journal_is_verified(desk: Desk, cashier: httpx.Client, admin) -> None:
    person_id, _, _ = desk.holder()
    desk.pay_in(person_id, 100, cashier="C2")
    page = admin.get("/console/money/days")
    assert "Running" in page.text
    today = desk.now.astimezone(desk.services.zone).date()
    refused = admin.post(f"/console/money/days/{today}/close")
    assert (refused.status_code, "not over yet" in refused.text) == (409, True)
    assert "The journal is whole" in cashier.post("/console/money/days/verification").text
    assert cashier.get(f"/console/money/days/{today}").status_code == 404
    assert cashier.post(f"/console/money/days/{today}/close").status_code == 403


def test_a_channels_day_is_compared(desk: Desk, cashier: httpx.Client) -> None:
    person_id, _, _ = desk.holder()
    desk.top_up(person_id, 700)
    today = desk.now.astimezone(desk.services.zone).date()
    page = cashier.get(f"/console/money/channels?channel=loopback&day={today}")
    assert page.status_code == 200
    assert "No differences" in page.text
    stray = UUID("01990000-0000-7000-8000-00000000abcd")
    desk.provider._create(stray.hex, 900)
    desk.provider.pay(stray)
    page = cashier.get(f"/console/money/channels?channel=loopback&day={today}")
    assert "Not in our books" in page.text
    assert "call the channel with the id" in page.text
    assert "Days that differ" not in page.text, "today is not over"
    yesterday = today - timedelta(days=1)
    with desk.database.begin() as session:
        channel_days.record(session, "loopback", yesterday, differences=2, waiting=0, now=desk.now)
    listed = cashier.get("/console/money/channels").text
    assert f"?channel=loopback&amp;day={yesterday}" in listed.split("Days that differ", 1)[1]
    assert cashier.get("/console/money/channels?channel=wechat").status_code == 404


def test_a_difference_is_accepted_with_a_note_and_stays_so_while_both_sides_say_the_same(
    desk: Desk, cashier: httpx.Client
) -> None:
    today = desk.now.astimezone(desk.services.zone).date()
    stray = UUID("01990000-0000-7000-8000-00000000accd")
    desk.provider._create(stray.hex, 1_234)
    desk.provider.pay(stray)
    at = f"/console/money/channels?channel=loopback&day={today}"
    form = {"channel": "loopback", "day": str(today), "kind": "not_in_our_books", "about": str(stray), "theirs": "1234"}
    post = "/console/money/channels/differences"
    for wrong, status, said in (
        ({"note": " "}, 422, "Say why"),
        ({"note": "a" * 201}, 422, "Say why"),
        ({"note": "seen", "theirs": "1235"}, 404, "compare again"),
    ):
        answer = cashier.post(post, data=form | wrong)
        assert (answer.status_code, said in answer.text) == (status, True), wrong
    for _ in range(2):
        page = cashier.post(post, data=form | {"note": "The bank says: its own test payment, ticket 88"})
        assert page.status_code == 200
        open_ones, _, accepted = page.text.partition("Accepted differences")
        assert str(stray) not in open_ones
        assert "12.34" in accepted
        assert "its own test payment" in accepted
    assert "Accepted, and written into the audit trail" in page.text
    with desk.database.read() as session:
        (line,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "channel.difference_accepted"))
    assert "ticket 88" in line.details
    assert str(stray) not in cashier.get(at).text.split("Accepted differences")[0]


def test_nobody_accepts_a_difference_of_their_own_top_up(desk: Desk, cashier: httpx.Client) -> None:
    me = desk.staff["C1"]
    order_id = desk.top_up(me, 800)
    today = desk.now.astimezone(desk.services.zone).date()
    desk.provider._orders[order_id.hex].amount = 900
    form = {"channel": "loopback", "day": str(today), "kind": "amount", "about": str(order_id), "note": "mine"}
    answer = cashier.post("/console/money/channels/differences", data=form | {"ours": "800", "theirs": "900"})
    assert answer.status_code == 403
    desk.provider._orders[order_id.hex].amount = 800


def test_odd_offline_payments_are_shown_by_state(desk: Desk, cashier: httpx.Client) -> None:
    for query in ("", "?state=paid", "?everything=true"):
        assert cashier.get(f"/console/money/offline{query}").status_code == 200


def test_the_money_desk_is_closed_to_others(desk: Desk) -> None:
    for number in ("F1", "S1"):
        with signed_in(desk.pages, number) as client:
            assert client.get("/console/money").status_code == 403


@pytest.fixture(scope="module")
def room(desk: Desk) -> UUID:
    now = desk.now
    with desk.database.begin() as session:
        building = registry.add_building(session, "north-1", "North 1", by="test", now=now)
        return registry.add_room(session, building.id, "105", 4, by="test", now=now).id


def pay_for(desk: Desk, room: UUID, person_id: UUID, fen: int) -> UUID:
    with desk.database.begin() as session:
        paid = RoomPayment(room, person_id, fen, unlocked=True)
        return top_up.pay(session, desk.money, paid, desk.now).row.id


def test_a_rooms_top_up_goes_back_to_its_payer_once(desk: Desk, cashier: httpx.Client, room: UUID) -> None:
    person_id, _, _ = desk.holder(fen=9000)
    paid = pay_for(desk, room, person_id, 5000)
    address = f"/console/money/room-top-ups/{paid}"
    assert address in cashier.get(f"/console/money/people/{person_id}").text
    form = {"key": key_of(cashier.get(address), "/refunds"), "amount": "20.00", "reason": ""}
    page = cashier.post(f"{address}/refunds", data=form)
    assert (page.status_code, "Say why" in page.text) == (422, True)
    for _ in range(2):
        page = cashier.post(f"{address}/refunds", data=form | {"reason": "wrong room"})
        assert "given back to the payer" in page.text
    assert balance(desk, person_id) == 6000
    page = cashier.post(f"{address}/refunds", data=form | {"key": str(new_id()), "amount": "31", "reason": "x"})
    assert page.status_code == 409
    page = cashier.post(f"{address}/credit-return", data={"key": key_of(page, "/credit-return")})
    assert "went back to its payers" in page.text
    assert balance(desk, person_id) == 9000


def test_a_disputed_shower_is_answered_with_money_or_without(desk: Desk, cashier: httpx.Client) -> None:
    assert "No dispute waits" in cashier.get("/console/money/disputes").text
    clock = baths.Clock(desk.now - timedelta(hours=2))
    bath = baths.build(desk.database, clock, desk.money.writer)
    student = bath.student(2_000)
    bath.ask(student)
    bath.tell(1, 1, "started", baths.hot(0))
    bath.forward(60)
    bath.tell(1, 2, "ended", baths.hot(20), stop_reason="local")
    with desk.database.begin() as session:
        (shower,) = history.find_sessions(session, state=None, limit=2)
        dispute = disputes.open_dispute(session, shower.id, student.id, "It was cold", desk.now).id
    page = cashier.get("/console/money/disputes")
    assert "It was cold" in page.text
    address = f"/console/money/disputes/{dispute}/decision"
    page = cashier.post(address, data={"amount": "9999", "answer": "yes"})
    assert (page.status_code, "More than was paid" in page.text) == (409, True)
    assert cashier.post(address, data={"amount": "", "answer": " "}).status_code == 422
    before = balance(desk, student.id)
    page = cashier.post(address, data={"amount": "0.01", "answer": "Sorry"})
    assert "Given back and answered" in page.text
    assert balance(desk, student.id) == before + 1
