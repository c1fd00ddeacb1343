"""The office's pages over HTTP: people found, made, changed; cards; lists imported and taken back; the trail."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from uuid import UUID

import httpx
import openpyxl
import pytest

from accounts import audit, cards, people
from accounts.cards import loss
from accounts.ledger import chart, posting
from accounts.ledger.transfer import AccountKind, Transfer
from accounts.people_import import records
from accounts.people_import.tables import ImportState
from accounts.tables import LossReport
from accounts.vocabulary import PersonKind, PersonState, Role
from console.sign_in_cookies import ACCESS_COOKIE
from database import new_id
from directory.tables import GatePerson
from tests.console.page_server import Pages, hire, signed_in
from tests.waiting import PATIENCE_S

UID = "04A1B2C3D4E580"


class FormReader(HTMLParser):
    """Collects what a form would send as it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self._list = ""

    @classmethod
    def read(cls, text: str) -> dict[str, str]:
        reader = cls()
        reader.feed(text[text.index("<main") :])
        return reader.sent

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "select":
            self._list = given.get("name") or ""
        elif tag == "option" and "selected" in given:
            self.sent[self._list] = given["value"] or ""
        elif tag == "input" and given.get("name"):
            self.sent[str(given["name"])] = given.get("value") or ""


@pytest.fixture(scope="module")
def office(served_pages: Pages) -> Pages:
    services = served_pages.app.state.console.accounts
    for number, *roles in (("A1", Role.ADMIN), ("C1", Role.CASHIER)):
        made = hire(served_pages.database, services, number, f"Staff {number}", *roles)
        served_pages.names[made] = f"Staff {number}"
    return served_pages


@pytest.fixture
def admin(office: Pages) -> Iterator[httpx.Client]:
    with signed_in(office, "A1") as client:
        yield client


@pytest.fixture
def cashier(office: Pages) -> Iterator[httpx.Client]:
    with signed_in(office, "C1") as client:
        yield client


def enrol(office: Pages, number: str, name: str = "Wang Fang", **given: object) -> UUID:
    now = datetime.now(UTC)
    wanted = {"kind": PersonKind.STUDENT, "valid_from": now - timedelta(days=1)} | given
    with office.database.begin() as session:
        return people.create(session, people.Particulars(number=number, name=name, **wanted), by="test", now=now).id


def person_at(office: Pages, number: str) -> people.Particulars | None:
    with office.database.read() as session:
        return people.by_number(session, number)


def fund(office: Pages, person_id: UUID, fen: int) -> None:
    now = datetime.now(UTC)
    with office.database.begin() as session:
        cash = chart.open_named(session, AccountKind.CASH, "counter", now)
        posting.record(session, [Transfer(id=new_id(), purpose="cash", debit=cash, credit=person_id, amount=fen)], now)


def test_people_are_found_by_what_is_known_of_them(office: Pages, cashier: httpx.Client) -> None:
    enrol(office, "F001", "Zhao Yi", groups=frozenset({"east"}))
    two = enrol(office, "F002", "Zhao Er")
    with office.database.begin() as session:
        people.set_state(session, people.get(session, two), PersonState.SUSPENDED, by="test", now=datetime.now(UTC))

    def found(**asked: str) -> set[str]:
        page = cashier.get("/console/office/people", params={"search": "F00", **asked})
        assert page.status_code == 200
        return set(re.findall(r"F00\d", page.text)) - {"F00"}

    assert found() == {"F001", "F002"}
    assert found(search="Zhao Er") == {"F002"}
    assert found(group="east") == {"F001"}
    assert found(state="suspended") == {"F002"}
    assert found(kind="staff", role="") == set()
    assert found(photo="none") == {"F001", "F002"}
    assert found(photo="approved") == set()
    first = cashier.get("/console/office/people", params={"search": "F00", "limit": 1})
    following = re.search(r'href="(/console/office/people\?[^"]*cursor[^"]*)"', first.text)
    assert following is not None
    assert "F001" not in cashier.get(following[1].replace("&amp;", "&") + "&limit=1").text


def test_an_account_is_made_and_changed(office: Pages, admin: httpx.Client) -> None:
    form = {"number": " N001 ", "name": "王 芳", "kind": "student", "groups": "a; b", "valid_until": "2030-06-30"}
    made = admin.post("/console/office/people/new", data=form)
    assert made.status_code == 200
    assert "The account was opened." in made.text
    person = person_at(office, "N001")
    assert person is not None
    assert (person.name, person.groups) == ("王芳", {"a", "b"})
    assert person.valid_until == datetime(2030, 6, 30, 16, tzinfo=UTC)
    address = f"/console/office/people/{person.id}"
    assert 'value="2030-06-30"' in admin.get(f"{address}/change").text
    changed = admin.post(
        f"{address}/change", data={**form, "number": "N001", "name": "王方", "groups": "", "valid_until": ""}
    )
    assert "The particulars were saved." in changed.text
    person = person_at(office, "N001")
    assert person is not None
    assert (person.name, person.groups, person.valid_until) == ("王方", frozenset(), None)


def test_a_form_that_is_out_of_date_changes_only_what_was_changed_in_it(office: Pages, admin: httpx.Client) -> None:
    form = {"number": "N077", "name": "Old Form", "kind": "student", "department": "Arts", "groups": "dorm-1"}
    address = admin.post("/console/office/people/new", data=form).url.path
    opened = FormReader.read(admin.get(f"{address}/change").text)
    admin.post(f"{address}/change", data=opened | {"department": "Maths"})
    admin.post(f"{address}/change", data=opened | {"groups": "dorm-2"})
    person = person_at(office, "N077")
    assert (person.department, person.groups) == ("Maths", {"dorm-2"})
    refused = admin.post(f"{address}/change", data=opened | {"department": "Law", "name": "New Form"})
    assert (refused.status_code, "Somebody changed these particulars" in refused.text) == (409, True)
    again = FormReader.read(refused.text)
    assert (again["department"], again["groups"], again["name"]) == ("Law", "dorm-2", "New Form")
    assert "The particulars were saved." in admin.post(f"{address}/change", data=again).text
    assert person_at(office, "N077").department == "Law"


def test_a_role_that_was_taken_meanwhile_is_not_given_back(office: Pages, admin: httpx.Client) -> None:
    address = admin.post("/console/office/people/new", data={"number": "N078", "name": "Li", "kind": "staff"}).url.path
    for roles in (["cashier", "reviewer"], ["cashier"]):
        admin.post(f"{address}/roles", data={"roles": roles})
    before = {"shown": "cashier reviewer holder"}
    admin.post(f"{address}/roles", data=before | {"roles": ["cashier", "reviewer", "facilities"]})
    assert person_at(office, "N078").roles == {Role.HOLDER, Role.CASHIER, Role.FACILITIES}
    assert re.search(r'name="shown" value="[a-z ]*cashier', admin.get(address).text)
    admin.post(f"{address}/roles", data={"shown": "cashier facilities holder", "roles": ["facilities"]})
    assert person_at(office, "N078").roles == {Role.HOLDER, Role.FACILITIES}


def test_no_name_becomes_a_formula_of_the_trails_table(office: Pages, admin: httpx.Client) -> None:
    form = {"number": "N079", "name": "=HYPERLINK(1)", "kind": "student"}
    admin.post("/console/office/people/new", data=form)
    person = person_at(office, "N079")
    office.names[person.id] = person.name
    table = admin.get("/console/office/audit/table", params={"whom": "N079"}).text
    assert ",'=HYPERLINK(1)," in table
    assert ",=HYPERLINK(1)," not in table


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"number": ""}, "The number is missing"),
        ({"number": "F 1"}, "A number is 1 to 32"),
        ({"number": "A1"}, "Another person has this number."),
        ({"name": ""}, "The name is missing"),
        ({"valid_from": "2030-01-01", "valid_until": "2029-01-01"}, "The last day comes after the first"),
    ],
)
def test_what_describes_nobody_is_said_beside_the_field(admin: httpx.Client, typed: dict[str, str], said: str) -> None:
    form = {"number": "N900", "name": "Somebody", "kind": "student"} | typed
    answer = admin.post("/console/office/people/new", data=form)
    assert answer.status_code == 422
    assert said in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_an_account_is_suspended_released_and_closed(office: Pages, admin: httpx.Client) -> None:
    person_id = enrol(office, "N010")
    address = f"/console/office/people/{person_id}/state"

    def state() -> PersonState:
        with office.database.read() as session:
            return people.get(session, person_id).state

    assert "was suspended" in admin.post(address, data={"state": "suspended", "reason": "asked for"}).text
    assert state() is PersonState.SUSPENDED
    assert "works again" in admin.post(address, data={"state": "active"}).text
    assert admin.post(address, data={"state": "closed"}).status_code == 422
    assert state() is PersonState.ACTIVE
    assert "was closed" in admin.post(address, data={"state": "closed", "sure": "true"}).text
    assert state() is PersonState.CLOSED


def test_roles_are_given_and_ones_own_are_not(office: Pages, admin: httpx.Client) -> None:
    person_id = enrol(office, "N011")
    given = admin.post(f"/console/office/people/{person_id}/roles", data={"roles": ["reviewer", "cashier"]})
    assert "The roles were saved." in given.text
    with office.database.read() as session:
        assert people.get(session, person_id).roles == {Role.HOLDER, Role.REVIEWER, Role.CASHIER}
        own = people.by_number(session, "A1")
    assert own is not None
    refused = admin.post(f"/console/office/people/{own.id}/roles", data={"roles": ["reviewer"]})
    assert refused.status_code == 403


def test_a_password_is_shown_once_on_a_slip(office: Pages, cashier: httpx.Client) -> None:
    person_id = enrol(office, "N012")
    slip = cashier.post(f"/console/office/people/{person_id}/passwords/portal")
    password = re.search(r'id="password">([^<]+)<', slip.text)
    assert password is not None
    with httpx.Client(base_url=office.url, headers={"Origin": office.url, "Accept": "text/html"}) as person:
        answer = person.post("/console/sign-in", data={"number": "N012", "password": password[1]})
        assert answer.status_code == 303
    staff = person_at(office, "A1")
    assert staff is not None
    assert cashier.post(f"/console/office/people/{staff.id}/passwords/portal").status_code == 403


def test_amounts_and_passages_are_looks_of_their_own(office: Pages, admin: httpx.Client, cashier: httpx.Client) -> None:
    person_id = enrol(office, "N013")
    fund(office, person_id, 1234)
    page = cashier.get(f"/console/office/people/{person_id}")
    assert "There is money" in page.text
    assert "12.34" not in page.text
    assert "¥12.34" in cashier.get(f"/console/office/people/{person_id}/balance").text
    assert cashier.get(f"/console/office/people/{person_id}/passages").status_code == 403
    office.happen(person_id=person_id, granted=True, reason="granted", method="card", source="controller")
    assert "North gate" in admin.get(f"/console/office/people/{person_id}/passages").text
    with office.database.read() as session:
        looked = [(one.actor, one.action) for one in audit.find(session, subject=f"person:{person_id}")]
        who = {number: people.by_number(session, number) for number in ("A1", "C1")}
    assert who["A1"] is not None
    assert who["C1"] is not None
    assert looked[:3] == [
        (f"person:{who['A1'].id}", "events.read"),
        (f"person:{who['C1'].id}", "wallet.read"),
        (f"person:{who['C1'].id}", "person.read"),
    ]


def test_needs_are_set_and_photos_erased(office: Pages, admin: httpx.Client) -> None:
    person_id = enrol(office, "N014")
    address = f"/console/office/people/{person_id}"
    assert "No photo" in admin.get(f"{address}/face").text
    assert "What gates heed was saved." in admin.post(f"{address}/needs", data={"extended_time": "true"}).text
    with office.database.read() as session:
        needs = session.get(GatePerson, person_id)
    assert needs is not None
    assert (needs.extended_time, needs.needs_card_and_face) == (True, False)
    assert admin.post(f"{address}/photos/erasure").status_code == 422
    assert "were erased" in admin.post(f"{address}/photos/erasure", data={"sure": "true"}).text


def test_a_card_is_issued_checked_lost_found_and_returned(office: Pages, cashier: httpx.Client) -> None:
    person_id = enrol(office, "K001")
    other = enrol(office, "K002")
    address = f"/console/office/people/{person_id}"
    reversed_uid = bytes.fromhex("3B9ACA01")[::-1].hex()
    form = {"uid": f"{reversed_uid}\r\n", "reader": "hexadecimal_reversed"}
    issued = cashier.post(f"{address}/cards", data=form)
    assert "The card was issued." in issued.text
    assert "The card was issued." in cashier.post(f"{address}/cards", data=form).text, "typed twice, issued once"
    again = cashier.post(f"/console/office/people/{other}/cards", data=form)
    assert again.status_code == 409
    assert "A card with this number is in use." in again.text
    assert "no card" in cashier.post(f"{address}/cards/check", data={"uid": "zz", "reader": "decimal"}).text.lower()
    wrong = cashier.post(f"{address}/cards/check", data={"uid": "DEADBEEF", "reader": "hexadecimal"})
    assert wrong.status_code == 409
    right = cashier.post(f"{address}/cards/check", data={"uid": "1000000001", "reader": "decimal"})
    assert "Right: the card is this person" in right.text
    with office.database.read() as session:
        card = cards.physical_card(session, person_id)
    assert card is not None
    assert card.first_tap_at is not None
    assert "all cards stopped at once" in cashier.post(f"{address}/loss").text
    assert "24 hours after the report" in cashier.get(f"{address}/cards").text
    assert "The loss was released" in cashier.post(f"{address}/loss/release").text
    assert "was suspended" in cashier.post(f"{address}/cards/{card.id}/suspend", data={"note": "bent"}).text
    assert "works again" in cashier.post(f"{address}/cards/{card.id}/release").text
    assert cashier.post(f"/console/office/people/{other}/cards/{card.id}/return").status_code == 404
    assert "was taken back" in cashier.post(f"{address}/cards/{card.id}/return").text
    history = cashier.get(f"/console/office/cards/{card.id}").text
    for step in ("Issued", "First tap", "Reported lost", "bent", "Taken back", "Staff C1"):
        assert step in history


def test_a_reader_that_was_not_known_is_found_out(office: Pages, cashier: httpx.Client) -> None:
    person_id = enrol(office, "K003")
    with office.database.begin() as session:
        cards.issue(
            session, people.get(session, person_id), "AABBCCDD", key_number=None, by="test", now=datetime.now(UTC)
        )
    typed = str(int("DDCCBBAA", 16))
    found = cashier.post("/console/office/cards/find", data={"uid": typed, "reader": "hexadecimal"})
    assert "format was found out" in found.text
    assert str(found.url).endswith(f"/people/{person_id}/cards?done=reader_found")
    assert '<option value="decimal_reversed" selected>' in cashier.get("/console/office/cards").text
    missed = cashier.post("/console/office/cards/find", data={"uid": "0102030405", "reader": "decimal"})
    assert missed.status_code == 404
    assert "No card in use has this number." in missed.text


def test_a_reissue_waits_a_day_and_takes_its_fee_once(office: Pages, cashier: httpx.Client) -> None:
    person_id = enrol(office, "K004")
    address = f"/console/office/people/{person_id}"
    cashier.post(f"{address}/cards", data={"uid": UID, "reader": "hexadecimal"})
    cashier.post(f"{address}/loss")
    new = {"uid": "04A1B2C3D4E581", "reader": "hexadecimal"}
    early = cashier.post(f"{address}/reissue", data=new)
    assert early.status_code == 409
    with office.database.begin() as session:
        report = session.query(LossReport).filter_by(person_id=person_id).one()
        report.reported_at -= loss.WAIT
    assert "does not cover the fee" in cashier.get(f"{address}/cards").text
    fund(office, person_id, 1500)
    assert "The new card was issued" in cashier.post(f"{address}/reissue", data=new).text
    assert "The new card was issued" in cashier.post(f"{address}/reissue", data=new).text
    with office.database.read() as session:
        assert chart.account(session, person_id).balance == 500
        assert [card.state.value for card in cards.of_person(session, person_id, ended=True)] == ["replaced", "active"]


def workbook(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def send(client: httpx.Client, content: bytes, name: str = "新生.xlsx") -> httpx.Response:
    return client.post("/console/office/imports", files={"file": (name, content)})


def wait(office: Pages) -> None:
    office.app.state.console.accounts.people_imports.join(PATIENCE_S)


def test_a_list_is_previewed_applied_and_taken_back(office: Pages, admin: httpx.Client) -> None:
    enrol(office, "L002", "Old Name")
    content = workbook(
        ["学号", "姓名", "院系"], ["L001", "New One", "Maths"], ["L002", "New Name", None], ["", "Nobody", None]
    )
    preview = send(admin, content)
    assert preview.status_code == 200
    assert "The type is missing" in preview.text, "no column of types yet"
    address = str(preview.url)
    columns = {"column_number": "学号", "column_name": "姓名", "column_department": "院系", "fixed_kind": "student"}
    preview = admin.post(f"{address}/columns", data=columns)
    for shown in ("<strong>1</strong> New", "<strong>1</strong> Changed", "<strong>1</strong> Refused", "Old Name",
                  "The number is missing"):  # fmt: skip
        assert shown in preview.text
    assert "Old Name" not in admin.get(f"{address}?outcome=invalid").text
    assert person_at(office, "L001") is None
    applied = admin.post(f"{address}/apply")
    wait(office)
    made = UUID(applied.url.path.rsplit("/", 1)[-1])
    page = admin.get(f"/console/office/imports/{made}")
    assert "Undo the import" in page.text
    assert "<td>New One</td>" in page.text, "who it is, not a number alone"
    new, changed = person_at(office, "L001"), person_at(office, "L002")
    assert new is not None
    assert changed is not None
    assert (new.department, changed.name) == ("Maths", "New Name")
    report = admin.get(f"/console/office/imports/{made}/report")
    assert report.text.startswith("\ufeffRow,Number,Outcome")
    assert "Old Name → New Name" in report.text
    assert admin.get(f"/console/office/imports/{made}/progress").json() == {"running": False}
    admin.post(f"/console/office/imports/{made}/undo")
    wait(office)
    assert "Removed: 1" in admin.get(f"/console/office/imports/{made}").text
    back = person_at(office, "L002")
    assert back is not None
    assert (person_at(office, "L001"), back.name) == (None, "Old Name")
    again = admin.post(f"/console/office/imports/{made}/undo")
    assert again.status_code == 409
    assert "was undone already" in again.text
    assert admin.get(address).status_code == 404, "the list itself is not kept"
    assert "新生.xlsx" in admin.get("/console/office/imports").text


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "Choose a file."), (b"number,name\n", "holds nobody"), (b"PK\x03\x04", "cannot be read as a table")],
)
def test_a_file_that_is_no_list_is_refused_with_what_to_do(admin: httpx.Client, content: bytes, said: str) -> None:
    answer = send(admin, content, "list.csv")
    assert answer.status_code == 422
    assert said in answer.text


def test_an_import_of_before_yesterday_says_why_it_stays(office: Pages, admin: httpx.Client) -> None:
    began = datetime.now(UTC) - timedelta(days=2)
    with office.database.begin() as session:
        made = records.begin(session, "old.csv", 0, by="test", now=began).id
        records.finish(session, made, ImportState.DONE, now=began)
    page = admin.get(f"/console/office/imports/{made}").text
    assert "within a day of its end" in page
    assert f"/console/office/imports/{made}/undo" not in page
    answer = admin.post(f"/console/office/imports/{made}/undo")
    assert answer.status_code == 409
    assert "import a right list" in answer.text


@pytest.fixture
def kept_import(office: Pages) -> UUID:
    with office.database.begin() as session:
        return records.begin(session, "kept.csv", 0, by="test", now=datetime.now(UTC)).id


@pytest.mark.parametrize("asked", ["imports/{}/report", "imports/{}/progress"])
def test_a_sign_in_renewed_for_what_is_no_page_goes_on(admin: httpx.Client, kept_import: UUID, asked: str) -> None:
    admin.cookies.delete(ACCESS_COOKIE)
    admin.get(f"/console/office/{asked.format(kept_import)}").raise_for_status()
    assert ACCESS_COOKIE in admin.cookies


def test_a_sign_in_renewed_on_the_way_to_another_page_goes_on(admin: httpx.Client) -> None:
    admin.follow_redirects = False
    admin.cookies.delete(ACCESS_COOKIE)
    assert send(admin, b"number,name,kind\nL020,a,student\n").status_code == 303
    assert ACCESS_COOKIE in admin.cookies


def test_older_imports_stand_on_the_next_page(office: Pages, admin: httpx.Client) -> None:
    begun = datetime.now(UTC)
    with office.database.begin() as session:
        for number in range(21):
            records.begin(session, f"page-{number}.csv", 0, by="test", now=begun + timedelta(seconds=number))
    first = admin.get("/console/office/imports").text
    following = re.search(r'href="(/console/office/imports\?cursor=[^"]*)"', first)[1]
    second = admin.get(following).text
    assert ("page-1.csv" in first, "page-0.csv" in first) == (True, False)
    assert ("page-1.csv" in second, "page-0.csv" in second) == (False, True)
    assert admin.get("/console/office/imports?cursor=W251bGwsbnVsbF0").status_code == 400


def test_one_administrators_list_is_not_anothers(office: Pages, admin: httpx.Client) -> None:
    hire(office.database, office.app.state.console.accounts, "A2", "Second", Role.ADMIN)
    address = str(send(admin, b"number,name,kind\nL010,a,student\n").url)
    with signed_in(office, "A2") as other:
        gone = other.get(address)
    assert gone.status_code == 404
    assert "choose the file again" in gone.text
    assert "is forgotten" in admin.post(f"{address}/drop").text
    assert admin.get(address).status_code == 404


def test_the_trail_is_searched_verified_and_given_as_a_table(office: Pages, admin: httpx.Client) -> None:
    person_id = enrol(office, "T001", "Sun Li")
    office.names[person_id] = "Sun Li"
    admin.get(f"/console/office/people/{person_id}")
    page = admin.get("/console/office/audit", params={"whom": "T001", "kind": "look"})
    assert "Looked at an account" in page.text
    assert "Account opened" not in page.text.split("</form>")[-1].split("<tbody>")[-1]
    assert "Nobody has this number." in admin.get("/console/office/audit", params={"who": "nobody"}).text
    assert "Verified: the trail is whole." in admin.post("/console/office/audit/verification").text
    table = admin.get("/console/office/audit/table", params={"whom": "T001"})
    assert table.headers["content-type"].startswith("text/csv")
    assert "Sun Li" in table.text
    today = datetime.now(office.app.state.console.zone).date().isoformat()
    assert "Sun Li" in admin.get("/console/office/audit", params={"whom": "T001", "since": today}).text
    assert "No such lines." in admin.get("/console/office/audit", params={"until": "2020-01-01"}).text


def test_pages_of_administrators_are_not_the_cashiers(cashier: httpx.Client) -> None:
    for page in ("imports", "audit", "people/new"):
        assert cashier.get(f"/console/office/{page}").status_code == 403
    home = cashier.get("/console/office/people").text
    assert "/console/office/cards" in home
    assert "/console/office/imports" not in home
