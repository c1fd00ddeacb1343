"""What people do from one end to the other: over the pages, at the gate, in a shop, under the shower."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from access.credentials import code_digest
from access.decision import AccessRequest, decide
from access.policy import GateKind, GatePolicy, Rule
from access.reasons import Reason
from access.replica import Replica
from access.snapshot import CredentialKind
from accounts import cards, passwords, people
from accounts.cards import loss
from accounts.cards.identity import Presented
from accounts.payment_channels.loopback import loopback
from accounts.payment_channels.loopback_provider import LoopbackProvider
from accounts.payments import merchants, wallet
from accounts.tables import LossReport, PersonGroup
from accounts.vocabulary import PasswordPurpose, Role
from database import new_id
from directory import gates
from directory.feed import changes_since
from directory.publisher import Publisher
from messages.metering import ShownCard
from tests.console.dormitory import Dormitory, open_dormitory
from tests.console.page_server import PASSWORD, SEALER, Pages, hire
from tests.databases import copied
from tests.metering.sessions.bath import Student, hot
from web.problems import ProblemError

PHONE = {"viewport": {"width": 360, "height": 780}, "has_touch": True}
FIRST, OWN = PASSWORD, "a bicycle by the lake"
FIRST_DIGITS, OWN_DIGITS = "482913", "739205"
GROUP = "residents"
_YEAR, _IMPORT_MS = 3_000, 60_000


@dataclass
class NorthGate:
    """What the north gate holds of the directory, and what it decides by it."""

    console: Pages
    replica: Replica

    def tap(self, uid: str) -> Reason:
        with self.console.database.read() as session:
            return self._decide("card", cards.uid_digest(session, uid))

    def show(self, code: str) -> Reason:
        key = self.console.app.state.console.directory.credential_key
        return self._decide("code", code_digest(key, code))

    def _decide(self, kind: CredentialKind, digest: str) -> Reason:
        Publisher(self.console.database, SEALER, model_id=None).publish()
        self._fetch()
        assert self.replica.policy is not None
        entry = self.replica.by_credential(kind, digest)
        return decide(AccessRequest(credential=digest), entry, self.replica.policy, datetime.now(UTC)).reason

    def _fetch(self) -> None:
        held = self.replica.position
        page = changes_since(
            self.console.database,
            SEALER,
            "north",
            since=held.revision,
            revoked_since=held.revoked_to,
            limit=1_000,
            view="cards",
            whole=held.rebuilding,
        )
        assert self.replica.apply(page, datetime.now(UTC))


@dataclass
class College:
    """A dormitory's server with a bank and a canteen, and a gate that learns from it."""

    dormitory: Dormitory
    gate: NorthGate
    provider: LoopbackProvider
    canteen: wallet.Terminal
    people: int = 0

    @property
    def console(self) -> Pages:
        return self.dormitory.console

    def holder(self, name: str, *, fen: int = 0, first: bool = False) -> tuple[str, Student, str]:
        """Somebody with a card who may pass the gate; returns number, person and the card's UID."""
        self.people += 1
        number, uid, now = f"J{self.people:03}", f"04AABBCC{self.people:04X}80", datetime.now(UTC)
        services = self.console.app.state.accounts
        person_id = hire(self.console.database, services, number, name, must_change=first)
        self.console.names[person_id] = name
        with self.console.database.begin() as session:
            hashes = dict.fromkeys(
                (PasswordPurpose.QUERY, PasswordPurpose.CONSUMPTION), services.hasher.hash(FIRST_DIGITS)
            )
            passwords.store(session, person_id, hashes, must_change=first, by="test", now=now)
            session.add(PersonGroup(person_id=person_id, name=GROUP))
            person = people.get(session, person_id)
            person.valid_from = now - timedelta(days=1)
            card = cards.issue(session, person, uid, key_number=None, by="test", now=now)
            student = Student(person_id, card.id, ShownCard(digest=cards.uid_digest(session, uid)))
        self.dormitory.bath.give(student, fen)
        return number, student, uid

    def buy(self, uid: str, fen: int = 800) -> str:
        """Pay in the canteen; returns the problem's code, or "paid"."""
        payment = wallet.Payment(new_id(), fen, Presented(uid=uid))
        try:
            wallet.pay(self.dormitory.services.money, self.canteen, payment, datetime.now(UTC))
        except ProblemError as problem:
            return problem.code
        return "paid"


@pytest.fixture(scope="module")
def college(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[College]:
    """One server for the jobs of this module; each has people of its own."""
    folder = tmp_path_factory.mktemp("college")
    database = copied(sqlite_template, folder)
    provider, channel = loopback("wechat", zone=ZoneInfo("Asia/Shanghai"), pay_at="https://pay.example/")
    with open_dormitory(database, channels={"wechat": channel}) as dormitory:
        now = datetime.now(UTC)
        with database.begin() as session:
            policy = GatePolicy(gate="north", kind=GateKind.CAMPUS, rules=(Rule(group=GROUP),))
            gates.change(session, gates.get(session, "north", for_change=True), policy, by="test", now=now)
            shop = merchants.add(session, name="第一食堂", campus="east", service="canteen", by="test", now=now)
            merchants.set_campuses(session, "canteen", ["east"], by="test", now=now)
            terminal = wallet.Terminal(new_id(), shop.id, "east")
        for number, name, role in (("C1", "林芳", Role.CASHIER), ("A1", "何伟", Role.ADMIN)):
            hire(database, dormitory.console.app.state.accounts, number, name, role)
        replica = Replica(folder / "north.db", SEALER, gate="north", view="cards")
        yield College(dormitory, NorthGate(dormitory.console, replica), provider, terminal)
        replica.close()
    database.close()


def go_to(page: Page, wanted: Locator) -> None:
    """Reach something by the Tab key alone."""
    for _ in range(60):
        if wanted.evaluate("(one) => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"not to be reached by Tab: {wanted}")


def type_into(page: Page, **typed: str) -> None:
    """Fill fields in by keyboard, in the order given, and send the form."""
    for name, value in typed.items():
        go_to(page, page.locator(f"main input[name={name}]"))
        page.keyboard.type(value)
    page.keyboard.press("Enter")


def test_a_newcomer_comes_from_the_first_password_to_an_opened_gate_by_keyboard_alone(
    open_window: Callable[..., Page], college: College
) -> None:
    number, person, uid = college.holder("周婷", first=True)
    page = open_window(locale="zh-CN", **PHONE)
    page.goto(f"{college.console.url}/")
    type_into(page, number=number, password=FIRST)
    expect(page.get_by_role("heading", level=1)).to_have_text("设置新密码")
    type_into(page, current=FIRST, new=OWN, repeated=OWN)
    expect(page.get_by_role("region", name="校园卡")).to_contain_text("可以使用")
    assert college.gate.tap(uid) is Reason.GRANTED
    college.console.happen(kind="access_granted", person_id=person.id, granted=True, method="card", reason="granted")
    go_to(page, page.get_by_role("link", name="开通虚拟卡"))
    page.keyboard.press("Enter")
    type_into(page, query_password=FIRST_DIGITS, new=OWN_DIGITS, repeated=OWN_DIGITS)
    expect(page.get_by_role("img", name="虚拟卡二维码")).to_be_visible()
    go_to(page, page.get_by_role("link", name="首页").first)
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="最近通行")).to_contain_text("North gate")


def test_a_lost_card_is_refused_everywhere_until_another_is_issued_a_day_later(
    open_window: Callable[..., Page], college: College
) -> None:
    number, person, uid = college.holder("Li Hua", fen=5_000)
    assert (college.gate.tap(uid), college.buy(uid)) == (Reason.GRANTED, "paid")
    phone = open_window(college.console, number, ready="main", path="/console/me/cards", **PHONE)
    phone.get_by_text("Report it lost", exact=True).click()
    phone.get_by_role("button", name="Report it lost now").click()
    expect(phone.get_by_role("status")).to_contain_text("have stopped, at gates and shops")
    assert (college.gate.tap(uid), college.buy(uid)) == (Reason.CARD_LOST, "card_not_usable")

    desk = open_window(college.console, "C1", ready="main", path=f"/console/office/people/{person.id}/cards")
    expect(desk.get_by_role("region", name="Reissue")).to_contain_text("24 hours after the report")
    with college.console.database.begin() as session:
        session.query(LossReport).filter_by(person_id=person.id).one().reported_at -= loss.WAIT
    desk.reload()
    another = f"{uid[:-2]}81"
    desk.get_by_label("Card number").fill(another)
    desk.get_by_role("button", name="Reissue").click()
    expect(desk.get_by_text("The new card was issued")).to_be_visible()
    assert (college.gate.tap(another), college.buy(another)) == (Reason.GRANTED, "paid")
    assert college.gate.tap(uid) is Reason.CARD_INACTIVE
    phone.goto(f"{college.console.url}/console/me/money")
    expect(phone.locator("main")).to_contain_text("¥24.00")


def test_who_tops_up_showers_and_finds_it_in_the_statement(open_window: Callable[..., Page], college: College) -> None:
    number, person, _ = college.holder("Wang Xiaoming")
    page = open_window(college.console, number, ready="main", path="/console/me/money", **PHONE)
    page.get_by_role("link", name="Top up", exact=True).click()
    page.get_by_label("50", exact=True).check()
    page.get_by_role("button", name="Go on to pay").click()
    college.provider.pay(UUID(page.url.rsplit("/", 1)[1]))
    expect(page.locator("#top-up-state")).to_have_text("Paid")
    bath = college.dormitory.bath
    bath.ask(person, 71)
    bath.tell(71, 1, "ended", hot(40), stop_reason="local")
    page.goto(f"{college.console.url}/console/me/money")
    expect(page.locator(".statement > li").first).to_contain_text("−¥1.00")
    expect(page.locator("main")).to_contain_text("¥49.00")


def test_a_visitor_passes_by_the_code_that_a_host_made_and_not_once_it_is_revoked(
    open_window: Callable[..., Page], college: College
) -> None:
    number, _, _ = college.holder("Guan Li")
    college.gate.show("AB12CD34EF")  # the gate learns who may invite to it
    page = open_window(college.console, number, ready="main", path="/console/me/visitors", **PHONE)
    page.get_by_label("Visitor's name").fill("Zhang San")
    page.get_by_role("button", name="Make the pass").click()
    code = page.locator(".typed code").inner_text()
    assert college.gate.show(code) is Reason.GRANTED
    page.get_by_text("Revoke the pass").click()
    page.get_by_role("button", name="Revoke now").click()
    expect(page.get_by_role("status")).to_be_visible()
    assert college.gate.show(code) is not Reason.GRANTED


def test_a_guard_finds_who_was_refused_and_why_and_takes_the_night_along(
    open_window: Callable[..., Page], college: College
) -> None:
    number, person, _ = college.holder("许文博")
    refused = {"granted": False, "method": "card", "reason": Reason.CARD_LOST}
    college.console.happen(kind="access_denied", person_id=person.id, **refused)
    college.console.happen(kind="access_denied", **refused | {"reason": Reason.UNKNOWN_CREDENTIAL})
    page = open_window(college.console, "F1", ready="main", path="/console/records/events")
    page.get_by_label("Number or name").fill(number)
    page.get_by_label("Result").select_option("refused")
    page.get_by_role("button", name="Search").click()
    row = page.locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("许文博")
    expect(row).to_contain_text("lost")
    with page.expect_download() as made:
        page.get_by_role("link", name="CSV").click()
    table = made.value.path().read_text(encoding="utf-8-sig")
    assert (number in table, len(table.splitlines())) == (True, 2)


def test_an_administrator_sees_what_a_years_list_would_do_imports_it_and_takes_it_back(
    open_window: Callable[..., Page], college: College
) -> None:
    rows = [f"L{one:05},新生{one},学生,化学" for one in range(_YEAR)]
    content = "\n".join(["学号,姓名,人员类别,院系", *rows]).encode()
    page = open_window(college.console, "A1", ready="main", path="/console/office/imports")
    page.get_by_label("File").set_input_files({"name": "新生.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name=f"Import ({_YEAR})").click(timeout=_IMPORT_MS)
    undo = page.get_by_role("button", name=f"Undo the import ({_YEAR})")
    expect(undo).to_be_visible(timeout=_IMPORT_MS)
    with college.console.database.read() as session:
        assert people.by_number(session, f"L{_YEAR - 1:05}") is not None
    undo.click()
    expect(page.get_by_text(f"Removed: {_YEAR}")).to_be_visible(timeout=_IMPORT_MS)
    with college.console.database.read() as session:
        assert people.by_number(session, "L00000") is None
