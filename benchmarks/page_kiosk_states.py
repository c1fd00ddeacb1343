"""The kiosk's pages: no link leads to a screen on which somebody is known."""

from contextlib import closing
from datetime import UTC, datetime
from secrets import token_hex
from uuid import UUID

from playwright.sync_api import Page
from sqlalchemy import delete, select, update

from accounts import people
from accounts.cards import loss
from accounts.tables import Device, LossReport
from accounts.vocabulary import DeviceRole
from benchmarks.page_forms import send
from benchmarks.page_state import State, at, sent
from benchmarks.page_visitors import KIOSK, NOBODY
from campusgate.demo.running import RunningDemonstration
from card_dispensing.contract import Fault, IssueState
from card_dispensing.tables import CardIssue
from database import Database, new_id
from integrations.library_fines.tables import LibraryFinePayment


def kiosk_states() -> list[State]:
    """Return them, in an order in which each finds what it needs."""
    wrong = {"number": "S1", "query_password": "1"}
    return [
        at("kiosk to be paired", NOBODY, "/console/kiosk/pair"),
        at("kiosk", KIOSK, "/console/kiosk"),
        at("kiosk by number", KIOSK, "/console/kiosk/number"),
        sent("kiosk by number, refused", KIOSK, "/console/kiosk/number", "/number", **wrong),
        State("kiosk's menu", KIOSK, _be_known),
        State("kiosk's top-up", KIOSK, lambda page, told: _at_kiosk(page, told, "top-up")),
        State("kiosk's order", KIOSK, _order_at_kiosk),
        State("kiosk's fines", KIOSK, lambda page, told: _at_kiosk(page, told, "fines")),
        State("kiosk's fine", KIOSK, _pay_fine_at_kiosk),
        State("kiosk's loss", KIOSK, lambda page, told: _at_kiosk(page, told, "loss")),
        State("kiosk's new card", KIOSK, _ask_for_card),
        State("kiosk's card issued", KIOSK, _issue_at_kiosk),
        State("kiosk's card on its way", KIOSK, lambda page, told: _await_card(page, told, IssueState.PREPARING)),
        State("kiosk's card failed", KIOSK, lambda page, told: _await_card(page, told, IssueState.FAILED)),
    ]


def _be_known(page: Page, told: RunningDemonstration) -> None:
    account = told.accounts["holder"]
    send(page, "/console/kiosk/number", "/number", number=account.number, query_password=account.digits)
    page.wait_for_url("**/kiosk/menu")


def _at_kiosk(page: Page, told: RunningDemonstration, where: str) -> None:
    _be_known(page, told)
    page.goto(f"/console/kiosk/{where}")


def _order_at_kiosk(page: Page, told: RunningDemonstration) -> None:
    _be_known(page, told)
    send(page, "/console/kiosk/top-up", "/top-up", other="5", channel="loopback")
    page.wait_for_url("**/kiosk/top-up/**")


def _pay_fine_at_kiosk(page: Page, told: RunningDemonstration) -> None:
    """Pay what is owed; where nothing is owed any more, look at the payment that there was."""
    _at_kiosk(page, told, "fines")
    if page.locator('form[action$="/fines"]').count():
        send(page, "/console/kiosk/fines", "/fines")
    else:
        page.goto(f"/console/kiosk/fines/{_find_fine(told, told.accounts['holder'].number)}")


def _find_fine(told: RunningDemonstration, number: str) -> UUID | None:
    with closing(Database(told.database_url)) as database, database.read() as session:
        person = people.by_number(session, number)
        of_person = LibraryFinePayment.person_id == (None if person is None else person.id)
        return session.scalars(select(LibraryFinePayment.id).where(of_person)).first()


def _ask_for_card(page: Page, told: RunningDemonstration) -> None:
    _be_known(page, told)
    page.goto("/console/kiosk/loss")
    if page.locator('form[action$="/loss"]').count():
        send(page, "/console/kiosk/loss", "/loss")
    let_a_day_pass(told, told.accounts["holder"].number)
    page.goto("/console/kiosk/reissue")


def _issue_at_kiosk(page: Page, told: RunningDemonstration) -> None:
    _ask_for_card(page, told)
    send(page, "/console/kiosk/reissue", "/reissue", uid=f"04{token_hex(5).upper()}80")
    page.wait_for_url("**/kiosk/reissued")


def _await_card(page: Page, told: RunningDemonstration, state: IssueState) -> None:
    """Look at a card that a dispenser is to hand out: the demonstration has none, so the kiosk stands for it."""
    _be_known(page, told)
    now = datetime.now(UTC)
    with closing(Database(told.database_url)) as database, database.begin() as session:
        person = people.by_number(session, told.accounts["holder"].number)
        kiosk = session.scalars(select(Device.id).where(Device.role == DeviceRole.KIOSK)).first()
        session.execute(delete(CardIssue).where(CardIssue.dispenser_id == kiosk))
        ended = {"ended_at": now, "problem": Fault.JAM.value} if state is IssueState.FAILED else {}
        issue = CardIssue(id=new_id(), state=state.value, asked_at=now, kiosk_id=kiosk, dispenser_id=kiosk, **ended)
        if person is not None:
            issue.person_id = person.id
            session.add(issue)
        address = f"/console/kiosk/reissue/{issue.id}"
    page.goto(address)


def let_a_day_pass(told: RunningDemonstration, number: str) -> None:
    """Move the loss that somebody reported back by a day: the clock of the demonstration is that of its devices too."""
    with closing(Database(told.database_url)) as database, database.begin() as session:
        person = people.by_number(session, number)
        of_person = LossReport.person_id == (None if person is None else person.id)
        session.execute(update(LossReport).where(of_person).values(reported_at=datetime.now(UTC) - 2 * loss.WAIT))
