"""Library fines paid from the campus account, at a library's system that is another program in another process."""

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from accounts import people
from accounts.ledger import (
    AccountKind,
    LedgerWriter,
    Transfer,
    account,
    find_account,
    named_account,
    open_named,
    record,
)
from accounts.payments.problems import InsufficientFundsError, PaymentIdReusedError
from accounts.payments.services import MoneyServices
from accounts.people import AccountNotUsableError, Particulars
from accounts.services import AccountsServices
from accounts.vocabulary import PersonKind, PersonState
from campusgate.processes.jobs.library_fines import make_fine_jobs
from database import Database, new_id
from integrations.library_fines import payments
from integrations.library_fines.library_system import Fines, LibraryAwayError
from integrations.library_fines.payments import (
    FEE_ACCOUNT,
    FinePaymentPendingError,
    FinesChangedError,
    FineServices,
    LibrarySilentError,
    WantedPayment,
)
from integrations.sip2.conversation import Conversation
from integrations.sip2.frames import Message
from integrations.sip2.library_system import LibraryOptions, Sip2LibrarySystem
from operations.alarms import register
from tests.databases import ON_BOTH, ON_SQLITE
from tests.integrations.faulty_line import FaultyLine, answering, faulty_line
from tests.integrations.library_acs import LOGIN, PASSWORD, LibraryAcs, running_library
from tests.waiting import PATIENCE_S

pytestmark = ON_SQLITE

NOW = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=2)


@pytest.fixture(scope="module")
def acs() -> Iterator[LibraryAcs]:
    with running_library() as library:
        yield library


@pytest.fixture(scope="module")
def line_of_module(acs: LibraryAcs) -> Iterator[FaultyLine]:
    with faulty_line(acs.port) as line:
        yield line


@pytest.fixture
def line(acs: LibraryAcs, line_of_module: FaultyLine) -> FaultyLine:
    """The line to the library, whole, and the library as it is on good days."""
    line_of_module.fault, line_of_module.code = "none", b"37"
    acs.set(refuses=False, knows_transactions=True)
    return line_of_module


def options(port: int, **others: object) -> LibraryOptions:
    return replace(
        LibraryOptions(
            "127.0.0.1", port, login=LOGIN, password=PASSWORD, institution="LIB", answered_within_s=PATIENCE_S
        ),
        **others,
    )


def system(port: int, **others: object) -> Sip2LibrarySystem:
    return Sip2LibrarySystem(options(port, **others), lambda: NOW)


@dataclass
class Campus:
    """A person with ten yuan, who owes the library."""

    fines: FineServices
    acs: LibraryAcs
    person: UUID
    number: str

    def pay(self, fen: int = 250, payment_id: UUID | None = None, at: datetime = NOW) -> str:
        wanted = WantedPayment(payment_id or new_id(), self.person, fen, "web")
        return payments.pay(self.fines, wanted, at).state

    def states(self) -> list[str]:
        with self.fines.money.database.read() as session:
            return [one.state for one in payments.find_of_person(session, self.person)]

    def money(self) -> tuple[int, int, int]:
        """Balance, what is held of it, and what was taken for the library."""
        with self.fines.money.database.read() as session:
            wallet = account(session, self.person)
            library = find_account(session, named_account(AccountKind.FEE, FEE_ACCOUNT))
            return wallet.balance, wallet.held, 0 if library is None else library.balance

    def booked(self) -> list[str]:
        return [one["amount"] for one in self.acs.booked(self.number)]

    def alarms(self) -> list[str]:
        with self.fines.money.database.read() as session:
            return [one.kind for one in register.open_alarms(session)]


@pytest.fixture
def campus(database: Database, acs: LibraryAcs, line: FaultyLine) -> Iterator[Campus]:
    number = f"L{new_id().hex[-10:]}"
    with database.begin() as session:
        person = people.create(
            session,
            Particulars(number=number, name="张三", kind=PersonKind.STUDENT, valid_from=NOW - timedelta(days=1)),
            by="test",
            now=NOW,
        )
        counter = open_named(session, AccountKind.CASH, "counter", NOW)
        record(session, [Transfer(new_id(), "cash_in", counter, person.id, 1_000)], NOW)[0].require()
    acs.owe(number, **{"F-77": 200, "《红楼梦》": 50})
    with LedgerWriter(database, clock=lambda: NOW) as writer:
        money = MoneyServices(accounts=AccountsServices(database=database, secret=bytes(32)), writer=writer)
        yield Campus(FineServices(money, system(line.port)), acs, person.id, number)


@ON_BOTH
def test_a_fine_is_held_reported_and_taken_once(campus: Campus) -> None:
    assert payments.find_fines(campus.fines, campus.person) == Fines(250, ("F-77", "《红楼梦》"))
    payment = new_id()
    assert campus.pay(payment_id=payment) == "paid"
    assert campus.pay(payment_id=payment) == "paid", "the same form again"
    assert campus.booked() == ["2.50"]
    assert [one["transaction"] for one in campus.acs.booked(campus.number)] == [payment.hex]
    assert campus.money() == (750, 0, 250)
    assert payments.find_fines(campus.fines, campus.person).fen == 0
    with pytest.raises(PaymentIdReusedError):
        campus.pay(fen=300, payment_id=payment)
    with pytest.raises(FinesChangedError):
        campus.pay()


def test_what_the_library_refuses_costs_nothing(campus: Campus) -> None:
    campus.acs.set(refuses=True)
    assert campus.pay() == "refused"
    assert (campus.money(), campus.booked()) == ((1_000, 0, 0), [])


def test_nothing_is_reported_that_cannot_be_paid(campus: Campus) -> None:
    campus.acs.owe(campus.number, dear=1_001)
    with pytest.raises(InsufficientFundsError):
        campus.pay(fen=1_001)
    campus.acs.owe(campus.number, dear=900)
    with pytest.raises(FinesChangedError) as changed:
        campus.pay(fen=250)
    assert changed.value.members["owed"] == 900
    with campus.fines.money.database.begin() as session:
        person = people.get(session, campus.person, lock=True)
        people.set_state(session, person, PersonState.SUSPENDED, by="test", now=NOW)
    with pytest.raises(AccountNotUsableError):
        campus.pay(fen=900)
    assert (campus.money(), campus.booked(), campus.states()) == ((1_000, 0, 0), [], [])


@ON_BOTH
def test_a_lost_answer_leaves_it_held_until_the_library_owes_less(campus: Campus, line: FaultyLine) -> None:
    line.fault = "no_answer"
    assert campus.pay() == "pending"
    assert campus.money() == (1_000, 250, 0)
    line.fault = "none"
    with pytest.raises((FinePaymentPendingError, FinesChangedError)):
        campus.pay()
    payments.resolve_pending(campus.fines, NOW)
    assert campus.states() == ["pending"], "somebody may still wait for its answer"
    payments.resolve_pending(campus.fines, LATER)
    assert (campus.states(), campus.money(), campus.booked()) == (["paid"], (750, 0, 250), ["2.50"])


def test_an_answer_is_not_waited_for_without_end() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        conversation = Conversation(
            ours, until_s=time.monotonic() + 0.1, encoding="utf-8", line_end=b"\r", has_error_detection=True
        )
        with pytest.raises(LibraryAwayError, match="in time"):
            conversation.ask(Message("99", "00802.00"), "98")


def test_a_report_that_was_lost_is_sent_again_as_the_same(campus: Campus, line: FaultyLine) -> None:
    line.fault = "no_question"
    payment = new_id()
    assert campus.pay(payment_id=payment) == "pending"
    with pytest.raises(FinePaymentPendingError):
        campus.pay()
    line.fault = "no_answer"
    payments.resolve_pending(campus.fines, LATER)
    assert (campus.states(), campus.booked()) == (["pending"], ["2.50"])
    line.fault = "none"
    payments.resolve_pending(campus.fines, LATER + timedelta(minutes=2))
    assert (campus.states(), campus.money()) == (["paid"], (750, 0, 250))
    assert [one["transaction"] for one in campus.acs.booked(campus.number)] == [payment.hex]


def test_a_report_that_was_lost_may_be_refused_when_it_comes(campus: Campus, line: FaultyLine) -> None:
    line.fault = "no_question"
    assert campus.pay() == "pending"
    line.fault = "none"
    campus.acs.set(refuses=True)
    payments.resolve_pending(campus.fines, LATER)
    assert (campus.states(), campus.money(), campus.booked()) == (["refused"], (1_000, 0, 0), [])


def test_a_library_that_knows_no_transactions_is_paid_once_all_the_same(campus: Campus, line: FaultyLine) -> None:
    campus.acs.set(knows_transactions=False)
    line.fault = "no_answer"
    assert campus.pay() == "pending"
    campus.acs.owe(campus.number, new=60)
    payments.resolve_pending(campus.fines, LATER)
    assert (campus.states(), campus.money(), campus.booked()) == (["paid"], (750, 0, 250), ["2.50"])


def test_an_unknown_outcome_raises_an_alarm_and_ends_it(campus: Campus, line: FaultyLine) -> None:
    line.fault = "no_answer"
    assert campus.pay() == "pending"
    line.code = b"63"
    ask, watch = make_fine_jobs(campus.fines)
    late = NOW + timedelta(minutes=11)
    for job in (ask, watch):
        job.do(late)
    assert (campus.states(), campus.alarms()) == (["pending"], ["library_silent"])
    line.fault = "none"
    for job in (ask, watch):
        job.do(late + timedelta(minutes=2))
    assert (campus.states(), campus.alarms()) == (["paid"], [])


def test_an_end_of_the_server_after_the_hold_is_made_good(campus: Campus) -> None:
    wanted = WantedPayment(new_id(), campus.person, 250, "kiosk")
    campus.fines.money.writer.run(lambda session, _: payments._hold(session, wanted, None, NOW))
    assert campus.money() == (1_000, 250, 0)
    payments.resolve_pending(campus.fines, LATER)
    assert (campus.states(), campus.money(), campus.booked()) == (["paid"], (750, 0, 250), ["2.50"])


def test_an_unreachable_library_takes_nothing(campus: Campus) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    away = replace(campus, fines=replace(campus.fines, library=system(port)))
    with pytest.raises(LibrarySilentError):
        away.pay()
    with pytest.raises(LibrarySilentError):
        payments.find_fines(replace(campus.fines, library=system(campus.acs.port, password="wrong")), campus.person)
    assert (campus.money(), campus.states()) == ((1_000, 0, 0), [])


def test_a_library_that_goes_away_between_the_look_and_the_report(campus: Campus, line: FaultyLine) -> None:
    class GoesAway(Sip2LibrarySystem):
        def report_payment(self, *_: object) -> bool:
            return system(1).report_payment(campus.number, payments.ReportedPayment(new_id(), 250))

    fines = replace(campus.fines, library=GoesAway(options(line.port), lambda: NOW))
    assert replace(campus, fines=fines).pay() == "unsent"
    assert campus.money() == (1_000, 0, 0)


@pytest.mark.parametrize("fault", ["damaged_question", "damaged_answer", "crlf"])
def test_damaged_frames_and_line_feeds_change_nothing(campus: Campus, line: FaultyLine, fault: str) -> None:
    line.fault = fault
    assert campus.pay() == "paid"
    assert (campus.money(), campus.booked()) == ((750, 0, 250), ["2.50"])


def test_a_named_fine_is_reported_by_its_name(campus: Campus, line: FaultyLine) -> None:
    campus.acs.owe(campus.number, **{"F-78": 120})
    names = replace(campus, fines=replace(campus.fines, library=system(line.port, names_fines=True)))
    assert names.pay(fen=120) == "paid"
    assert [one["fee"] for one in campus.acs.booked(campus.number)] == ["F-78"]


def test_a_stranger_to_the_library_owes_nothing(line: FaultyLine) -> None:
    assert system(line.port).find_fines("nobody") == Fines(0, is_known=False)
    assert "answers" in system(line.port).check()


def test_a_library_in_gb18030_without_error_detection() -> None:
    with running_library("gb18030") as acs:
        library = system(acs.port, encoding="gb18030", has_error_detection=False)
        acs.owe("20260001", **{"《红楼梦》超期": 250})
        assert library.find_fines("20260001") == Fines(250, ("《红楼梦》超期",))
        assert library.report_payment("20260001", payments.ReportedPayment(new_id(), 250))
        assert [one["amount"] for one in acs.booked("20260001")] == ["2.50"]


ANSWER = "64              01920261127    100000" + "0" * 24 + "AOLIB|AAL1|AE张三|BLY|"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (ANSWER + "BHUSD|BV2.50|", "currency"),
        (ANSWER + "BV2,50|", "no amount"),
        (ANSWER + "BV-2.50|", "no amount"),
        (ANSWER + "AVF-77|", "how much is owed"),
        (ANSWER.replace("AAL1", "AAL2") + "BV2.50|", "another patron"),
        ("64    ", "cannot be read"),
    ],
    ids=["dollars", "comma", "negative", "no_amount", "another", "short"],
)
def test_an_answer_that_says_no_amount_is_none(said: str, why: str) -> None:
    with answering(said) as port, pytest.raises(LibraryAwayError, match=why):
        system(port, login="", has_error_detection=False).find_fines("L1")


def test_an_answer_about_another_payment_is_unknown() -> None:
    said = "38Y20261127    100000AOLIB|AAL1|BKother|"
    with answering(said) as port, pytest.raises(payments.OutcomeUnknownError):
        system(port, login="", has_error_detection=False).report_payment("L1", payments.ReportedPayment(new_id(), 250))
