"""What sessions come to, however their reports come."""

import itertools
from datetime import timedelta
from uuid import UUID

import pytest

from accounts.payments.offline import collect_unpaid
from network_access.accounting import end_unheard
from network_access.vocabulary import (
    GONE,
    REPLACED,
    RESTARTED,
    DisconnectReason,
    NetworkService,
    NetworkSessionState,
)
from tests.databases import ON_BOTH, ON_SQLITE
from tests.network_access.lab import PRICE, Lab

pytestmark = ON_SQLITE

RUNNING, ENDED = NetworkSessionState.RUNNING, NetworkSessionState.ENDED


@ON_BOTH
def test_time_is_held_while_it_runs_and_paid_at_its_end(lab: Lab) -> None:
    lab.offer(fen_per_hour=PRICE, hold_fen=100)
    person = lab.person(1_000)
    login_class, _ = lab.log_in(person)
    lab.tell(person, "Start", Class=login_class)
    assert (lab.worth(person), lab.free(person)) == (1_000, 900)
    lab.forward(minutes=10)
    lab.tell(person, "Interim-Update", Class=login_class, Acct_Session_Time=600)
    assert lab.free(person) == 800, "600 s and two reports ahead are 120 fen: another 100 are held"
    assert lab.session(person).covered_until == lab.session(person).began_at + timedelta(seconds=2_004)
    lab.forward(minutes=5)
    lab.tell(person, "Stop", Class=login_class, Acct_Session_Time=900, Acct_Terminate_Cause="User-Request")
    row = lab.session(person)
    assert (row.state, row.end_reason, row.session_s, row.cost, row.billed) == (ENDED, "User-Request", 900, 90, 90)
    assert (lab.worth(person), lab.free(person), lab.worth(lab.device.merchant_id or UUID(int=0))) == (910, 910, 90)


def test_repeats_and_reorderings_change_nothing(lab: Lab, subtests: pytest.Subtests) -> None:
    lab.offer(fen_per_hour=PRICE, hold_fen=40)
    steps = [("Start", 0, 0), ("Interim-Update", 300, 300), ("Interim-Update", 600, 600), ("Stop", 700, 700)]
    for order in itertools.permutations(range(4)):
        with subtests.test(order=str(order)):
            person = lab.person(500)
            login_class, _ = lab.log_in(person)
            began = lab.clock.now
            lab.forward(seconds=700)
            for place in (*order, *order):
                kind, at_s, time_s = steps[place]
                delay = 700 - at_s
                lab.tell(person, kind, Class=login_class, Acct_Session_Time=time_s, Acct_Delay_Time=delay)
            row = lab.session(person)
            assert (row.state, row.session_s, row.billed, row.began_at) == (ENDED, 700, 70, began)
            assert (lab.worth(person), lab.free(person)) == (430, 430)
            lab.clock.now = began


def test_free_minutes_come_first_and_once_a_month(lab: Lab) -> None:
    lab.offer(fen_per_hour=PRICE, free_minutes=10)
    person = lab.person(100)

    def use(seconds: int, number: str) -> tuple[int, int]:
        login_class, _ = lab.log_in(person)
        lab.tell(person, "Start", number, Class=login_class)
        lab.forward(seconds=seconds)
        lab.tell(person, "Stop", number, Class=login_class, Acct_Session_Time=seconds)
        row = lab.sessions(person)[-1]
        return row.free_s, row.billed

    assert use(400, "1") == (400, 0)
    assert use(300, "2") == (200, 10)
    assert use(100, "3") == (0, 10)
    lab.forward(days=10)
    assert use(100, "4") == (100, 0), "in December"


def test_what_is_over_its_free_minutes_is_held_when_they_end(lab: Lab) -> None:
    lab.offer(fen_per_hour=PRICE, free_minutes=20)
    person = lab.person(1_000)
    login_class, _ = lab.log_in(person)
    lab.tell(person, "Start", Class=login_class)
    assert lab.free(person) == 1_000
    lab.forward(minutes=15)
    lab.tell(person, "Interim-Update", Class=login_class, Acct_Session_Time=900)
    assert lab.free(person) == 900
    lab.forward(minutes=15)
    lab.tell(person, "Stop", Class=login_class, Acct_Session_Time=1_800)
    assert lab.worth(person) == 940


def test_a_session_is_ended_when_money_is_and_goes_on_when_there_is_some_again(lab: Lab) -> None:
    lab.offer(fen_per_hour=PRICE, hold_fen=100)
    person = lab.person(100)
    login_class, lasts_s = lab.log_in(person)
    lab.tell(person, "Start", Class=login_class)
    began = lab.clock.now
    assert (lasts_s, lab.session(person).covered_until) == (1_004, began + timedelta(seconds=1_004))
    lab.forward(minutes=10)
    lab.give(person, 50)
    lab.tell(person, "Interim-Update", Class=login_class, Acct_Session_Time=600)
    assert lab.session(person).covered_until == began + timedelta(seconds=1_504)
    lab.forward(minutes=20)
    lab.tell(person, "Stop", Class=login_class, Acct_Session_Time=1_800)
    row = lab.session(person)
    assert (row.cost, row.billed, lab.worth(person)) == (180, 180, 0), "what it ran beyond waits for money"
    lab.check()


def test_time_is_never_longer_than_since_the_login(lab: Lab) -> None:
    lab.offer(fen_per_hour=PRICE)
    person = lab.person(1_000)
    login_class, _ = lab.log_in(person)
    lab.tell(person, "Start", Class=login_class)
    lab.forward(minutes=5)
    lab.tell(person, "Stop", Class=login_class, Acct_Session_Time=4_294_967_295)
    assert (lab.session(person).session_s, lab.worth(person)) == (300, 970)


def test_nobody_pays_for_longer_than_the_longest_session(lab: Lab) -> None:
    lab.offer(fen_per_hour=PRICE, longest=timedelta(hours=1))
    person = lab.person(10_000)
    login_class, _ = lab.log_in(person)
    lab.tell(person, "Start", Class=login_class)
    for hours in range(1, 9):
        lab.forward(hours=1)
        lab.expire_holds()
        lab.tell(person, "Interim-Update", Class=login_class, Acct_Session_Time=hours * 3_600)
    assert lab.session(person).covered_until == lab.session(person).began_at + timedelta(hours=1)
    lab.tell(person, "Stop", Class=login_class, Acct_Session_Time=8 * 3_600)
    assert lab.worth(person) == 10_000 - PRICE


def test_whose_class_comes_back_pays_whatever_name_the_device_gives(lab: Lab) -> None:
    lab.offer(fen_per_hour=PRICE)
    person, other = lab.person(1_000), lab.person(1_000)
    login_class, _ = lab.log_in(person)
    lab.forward(minutes=10)
    lab.tell(other, "Stop", Class=login_class, Acct_Session_Time=600)
    assert (lab.worth(person), lab.worth(other)) == (940, 1_000)
    lab.tell(
        other, "Stop", "2", Class=f"{login_class[:-1]}{'1' if login_class[-1] == '0' else '0'}", Acct_Session_Time=0
    )
    assert [row.number for row in lab.sessions(other)] == ["2"], "without a Class of ours the name counts"


def test_a_stop_that_is_all_that_was_heard_is_charged(lab: Lab) -> None:
    lab.offer(fen_per_hour=PRICE)
    person = lab.person(1_000)
    login_class, _ = lab.log_in(person)
    lab.forward(minutes=10)
    lab.tell(person, "Stop", Class=login_class, Acct_Session_Time=540, Acct_Delay_Time=30)
    row = lab.session(person)
    assert (row.session_s, row.state) == (540, ENDED)
    assert (row.cost, row.billed) == (54, 54)


@pytest.mark.parametrize(
    "changed",
    [
        {"Acct-Status-Type": "Failed"}, {"Acct-Status-Type": ""}, {"Acct-Session-Id": ""}, {"User-Name": "nobody"},
        {"NAS-Identifier": "", "NAS-IP-Address": ""},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_acknowledged_and_changes_nothing(lab: Lab, changed: dict[str, str]) -> None:
    person = lab.person(1_000)
    lab.send(lab.packet(person, "Start") | changed)
    assert lab.sessions(person) == []


def test_a_device_that_begins_anew_has_ended_its_sessions(lab: Lab) -> None:
    lab.offer(fen_per_hour=PRICE, most_sessions=5)
    person = lab.person(1_000)
    for number in ("1", "2", "3"):
        login_class, _ = lab.log_in(person, NAS_Port=number)
        lab.tell(person, "Start", number, NAS_Port=number, Class=login_class, NAS_Identifier=f"lab-{number}")
    here = {"NAS-Identifier": "lab-1", "NAS-IP-Address": "10.20.0.9"}
    lab.send(here | {"Acct-Status-Type": "Accounting-Off", "Acct-Delay-Time": 60})
    assert {row.state for row in lab.sessions(person)} == {RUNNING}, "they began after that"
    lab.forward(minutes=1)
    lab.send(here | {"Acct-Status-Type": "Accounting-On"})
    states = {row.number: (row.state, row.end_reason) for row in lab.sessions(person)}
    assert states == {"1": (ENDED, RESTARTED), "2": (RUNNING, None), "3": (RUNNING, None)}


def test_a_login_at_the_same_seat_ends_the_session_that_never_ended(lab: Lab) -> None:
    person = lab.person()
    first, _ = lab.log_in(person)
    lab.tell(person, "Start", Class=first)
    lab.forward(minutes=1)
    second, _ = lab.log_in(person)
    lab.tell(person, "Start", "2", Class=second)
    assert [row.end_reason for row in lab.sessions(person)] == [REPLACED, None]
    lab.tell(person, "Start", Class=first, Acct_Delay_Time=60)
    assert [row.state for row in lab.sessions(person)] == [ENDED, RUNNING], "a late repeat begins nothing"


def test_of_two_logins_at_once_the_later_goes(lab: Lab) -> None:
    person = lab.person()
    classes = [lab.log_in(person, NAS_Port=port)[0] for port in (1, 2)]
    for port, login_class in enumerate(classes, 1):
        lab.tell(person, "Start", str(port), NAS_Port=port, Class=login_class)
        lab.forward(seconds=1)
    assert [row.disconnect_reason for row in lab.sessions(person)] == [None, DisconnectReason.TOO_MANY_SESSIONS]


def test_a_session_that_is_heard_of_after_its_end_goes_on(lab: Lab) -> None:
    lab.offer(fen_per_hour=PRICE, hold_fen=100)
    person = lab.person(1_000)
    login_class, _ = lab.log_in(person)
    lab.tell(person, "Start", Class=login_class)
    lab.forward(minutes=5)
    lab.tell(person, "Interim-Update", Class=login_class, Acct_Session_Time=300)
    lab.forward(minutes=25)
    row = lab.session(person)
    end_unheard(lab.services, row.id, person, NetworkService.COMPUTER_ROOM, at=lab.clock.now, reason=GONE)
    assert (lab.worth(person), lab.free(person)) == (970, 970)
    lab.forward(minutes=5)
    for _ in range(2):
        lab.tell(person, "Interim-Update", Class=login_class, Acct_Session_Time=2_100)
        row = lab.session(person)
        assert (row.state, row.billed, lab.worth(person)) == (RUNNING, 210, 790)
        assert lab.free(person) == 690
    lab.forward(minutes=5)
    lab.tell(person, "Stop", Class=login_class, Acct_Session_Time=2_400)
    assert (lab.session(person).billed, lab.worth(person), lab.free(person)) == (240, 760, 760)


def test_a_hold_that_expired_while_nothing_was_heard_is_made_anew(lab: Lab) -> None:
    lab.offer(fen_per_hour=PRICE, hold_fen=100)
    person = lab.person(1_000)
    login_class, _ = lab.log_in(person)
    lab.tell(person, "Start", Class=login_class)
    lab.forward(hours=2)
    lab.expire_holds()
    assert lab.free(person) == 1_000
    lab.tell(person, "Interim-Update", Class=login_class, Acct_Session_Time=7_200)
    assert (lab.worth(person), lab.free(person)) == (280, 180)
    lab.forward(minutes=5)
    lab.tell(person, "Stop", Class=login_class, Acct_Session_Time=7_500)
    assert (lab.worth(person), lab.free(person)) == (250, 250)


def test_what_nobody_could_hold_waits_for_money(lab: Lab) -> None:
    lab.offer(fen_per_hour=PRICE, hold_fen=100)
    person = lab.person(100)
    login_class, _ = lab.log_in(person)
    lab.spend(person, 100)
    lab.tell(person, "Start", Class=login_class)
    row = lab.session(person)
    assert (row.hold_id, row.covered_until) == (None, row.began_at)
    lab.forward(minutes=1)
    lab.tell(person, "Stop", Class=login_class, Acct_Session_Time=60)
    assert (lab.session(person).billed, lab.worth(person)) == (6, 0), "it waits for money"
    lab.give(person, 10)
    assert collect_unpaid(lab.services.money, person, lab.clock.now) == 1
    assert lab.worth(person) == 4
