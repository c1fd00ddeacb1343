"""Who may log in, and for how long."""

from datetime import timedelta

import pytest

from accounts import passwords, people
from accounts.vocabulary import PasswordPurpose, PersonKind, PersonState
from network_access.login import LoginRefusedError, log_in
from network_access.vocabulary import LoginRefusal, NetworkService
from tests.databases import ON_BOTH, ON_SQLITE
from tests.network_access.lab import HASHER, PASSWORD, PRICE, Lab
from web.problems import NotFoundError

pytestmark = ON_SQLITE


@ON_BOTH
def test_number_and_password_let_in_for_as_long_as_terms_say(lab: Lab) -> None:
    person = lab.person()
    login_class, lasts_s = lab.log_in(person)
    assert (login_class[:8], lasts_s) == ("0x636731", 12 * 3_600)
    lab.numbers[person] = f" {lab.numbers[person]} "
    assert lab.refusal(person) is None, "a number counts however it was typed"


def test_a_wrong_password_locks_where_it_was_typed_and_nowhere_else(lab: Lab) -> None:
    person = lab.person()
    said = [lab.refusal(person, "wrong") for _ in range(6)]
    assert said == [LoginRefusal.WRONG] * 4 + [LoginRefusal.LOCKED] * 2
    assert lab.refusal(person) is LoginRefusal.LOCKED
    assert lab.refusal(person, Calling_Station_Id="02-00-00-00-00-02") is None
    lab.forward(minutes=16)
    assert lab.refusal(person) is None


def test_nobody_is_told_from_somebody_with_a_wrong_password(lab: Lab) -> None:
    person = lab.person()
    lab.numbers[person] = "nobody"
    assert [lab.refusal(person) for _ in range(5)] == [LoginRefusal.WRONG] * 4 + [LoginRefusal.LOCKED]
    lab.numbers[person] = ""
    assert lab.refusal(person) is LoginRefusal.WRONG


def test_one_station_does_not_try_number_after_number(lab: Lab) -> None:
    person, tried = lab.person(), set()
    for number in range(61):
        lab.numbers[person] = f"1999{number:04}"
        tried.add(lab.refusal(person))
    assert tried == {LoginRefusal.WRONG, LoginRefusal.TOO_MANY_TRIES}


def test_a_first_password_opens_nothing(lab: Lab) -> None:
    assert lab.refusal(lab.person(must_change=True)) is LoginRefusal.FIRST_PASSWORD


@pytest.mark.parametrize("other", ["CHAP-Password", "MS-CHAP2-Response", "EAP-Message"])
def test_a_digest_of_a_password_is_no_password(lab: Lab, other: str) -> None:
    seat = lab.seat(lab.person()) | {other: "0x01"}
    with pytest.raises(LoginRefusedError, match="no_password"):
        log_in(lab.asking(seat))


def test_who_has_no_good_account_or_is_of_another_kind_stays_out(lab: Lab) -> None:
    suspended, visitor = lab.person(), lab.person(kind=PersonKind.VISITOR)
    over = lab.person(valid_until=lab.clock.now + timedelta(hours=1))
    with lab.database.begin() as session:
        row = people.get(session, suspended, lock=True)
        people.set_state(session, row, PersonState.SUSPENDED, by="test", now=lab.clock.now)
    assert lab.refusal(suspended) is LoginRefusal.NOT_IN_USE
    assert lab.refusal(visitor) is LoginRefusal.NOT_FOR_KIND
    assert lab.refusal(over) is None
    lab.forward(hours=2)
    assert lab.refusal(over) is LoginRefusal.NOT_IN_USE


def test_the_terms_say_which_password_it_is(lab: Lab) -> None:
    lab.offer(password=PasswordPurpose.QUERY)
    person = lab.person()
    assert lab.refusal(person) is LoginRefusal.WRONG
    with lab.database.begin() as session:
        hashes = {PasswordPurpose.QUERY: HASHER.hash("314159")}
        passwords.store(session, person, hashes, must_change=False, by="test", now=lab.clock.now)
    assert lab.refusal(person, "314159") is None


def test_a_service_that_is_not_offered_is_not_there(lab: Lab) -> None:
    person = lab.person()
    with pytest.raises(NotFoundError, match="internet"):
        lab.asking(lab.seat(person) | {"User-Password": PASSWORD}, NetworkService.INTERNET)


def test_money_and_free_minutes_say_how_long(lab: Lab) -> None:
    person = lab.person(100)
    lab.offer(fen_per_hour=PRICE)
    assert lab.log_in(person)[1] == 1_004, "100.4 fen are rounded to 100"
    lab.offer(fen_per_hour=PRICE, free_minutes=10)
    assert lab.log_in(person)[1] == 1_604
    lab.offer(free_minutes=10)
    assert lab.log_in(person)[1] == 600
    lab.offer(fen_per_hour=PRICE, longest=timedelta(minutes=5))
    assert lab.log_in(person)[1] == 300
    lab.offer(fen_per_hour=PRICE)
    assert lab.refusal(lab.person(5)) is LoginRefusal.NO_CREDIT
    lab.offer(free_minutes=0)
    assert lab.refusal(person) is LoginRefusal.NO_TIME


def test_a_second_session_waits_for_the_end_of_the_first(lab: Lab) -> None:
    person = lab.person()
    login_class, _ = lab.log_in(person)
    lab.tell(person, "Start", Class=login_class)
    assert lab.refusal(person, Calling_Station_Id="02-00-00-00-00-02") is LoginRefusal.TOO_MANY_SESSIONS
    assert lab.refusal(person) is None, "at the same seat, where the end was never heard"
    lab.offer(NetworkService.INTERNET)
    log_in(lab.asking(lab.seat(person) | {"User-Password": PASSWORD}, NetworkService.INTERNET))
    lab.tell(person, "Stop", Class=login_class, Acct_Session_Time=0)
    assert lab.refusal(person, Calling_Station_Id="02-00-00-00-00-02") is None
