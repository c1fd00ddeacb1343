"""What a controller says that cannot be, and what becomes of a session when its holder, card or controller does not
stay what it was: everything is kept, nobody pays for what nobody used, and nobody else is held up.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from accounts import devices, people
from accounts.ledger.expiry import expire_holds
from accounts.tables import Device, Person
from accounts.vocabulary import PersonState
from messages.metering import WaterCount, WaterPrice
from metering.sessions import disputes, review
from metering.sessions.disputes import RefundAboveChargeError
from tests.databases import ON_BOTH, ON_SQLITE
from tests.metering.sessions.bath import Bath, K, hot

pytestmark = ON_SQLITE


LARGEST = 2**53


def set_state(bath: Bath, person_id: object, state: PersonState) -> None:
    with bath.database.begin() as session:
        people.set_state(session, session.get_one(Person, person_id), state, by="person:x", now=bath.clock.now)


# --- Readings that cannot be -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pulses", "pulses_per_m3", "open_s"),
    [
        (LARGEST, 1, 10**9),
        (LARGEST, K, 10),
        (LARGEST, K, 10**9),
        (450 * 10**6, K, 10**9),  # a million litres in thirty years
        (450 * 10**6, K, 600),
    ],
)
def test_the_largest_readings_are_kept_for_a_person_and_use_up_nobodys_day(
    bath: Bath, pulses: int, pulses_per_m3: int, open_s: int
) -> None:
    student = bath.student(1_000)
    bath.ask(student)
    reading = WaterCount(utility="hot_water", pulses_per_m3=pulses_per_m3, begin=0, now=pulses, open_s=open_s)
    ended = bath.tell(1, 1, "ended", reading)
    assert (ended.state, bath.worth(student), bath.free(student)) == ("in_review", 1_000, 1_000)
    bath.tell(1, 2, "updated", reading.model_copy(update={"now": pulses - 1}))
    assert bath.ask(student, 2).refusal is None


def test_an_open_valve_of_which_no_counter_tells_goes_to_a_person(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.ask(student)
    bath.tell(1, 1, "started", hot(0, begin=-1, now=-1))
    ended = bath.tell(1, 2, "ended", hot(0, begin=-1, now=-1, open_s=300))
    assert (ended.state, bath.session(ended).doubts, bath.free(student)) == ("in_review", "not_counted", 1_000)


@pytest.mark.parametrize("told", [["started", "ended"], ["updated", "ended"], ["ended"], ["started"]])
def test_a_session_that_ran_and_tells_of_no_counter_waits_for_a_person(bath: Bath, told: list[str]) -> None:
    student = bath.student(1_000)
    asked = bath.ask(student)
    for seq, step in enumerate(told, start=3 - len(told)):
        bath.tell(1, seq, step)
    bath.forward(2_000)
    bath.expire()
    session = bath.session(asked)
    assert (session.state, session.doubts, bath.free(student)) == ("in_review", "not_counted", 1_000)


def test_a_session_that_never_began_or_costs_nothing_waits_for_nobody(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.ask(student)
    assert bath.tell(1, 1, "ended").state == "settled"
    bath.prices(WaterPrice(utility="hot_water", fen_per_m3=0))
    bath.ask(student, 2)
    bath.tell(2, 1, "started")
    assert (bath.tell(2, 2, "ended").state, bath.free(student)) == ("settled", 1_000)


def test_where_only_minutes_are_priced_no_counter_is_needed(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.prices(WaterPrice(utility="hot_water", fen_per_m3=0, fen_per_hour=600))
    bath.ask(student)
    ended = bath.tell(1, 1, "ended", hot(0, begin=None, now=None, open_s=360))
    assert (ended.state, ended.cost) == ("settled", 60)


def test_a_reason_to_stop_changes_nothing_of_what_is_billed(bath: Bath) -> None:
    for reason in ("local", "meter_fault", "emergency", "something_new"):
        student, bath.boot = bath.student(1_000), uuid4()
        bath.ask(student)
        assert bath.tell(1, 1, "ended", hot(40), stop_reason=reason).state == "settled", reason
        assert bath.worth(student) == 900


def test_a_counter_that_its_controller_saw_go_back_goes_to_a_person(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.ask(student)
    bath.tell(1, 1, "updated", hot(20))
    ended = bath.tell(1, 2, "ended", hot(22, went_back=True))
    assert (ended.state, bath.session(ended).doubts) == ("in_review", "counter_went_back")


@pytest.mark.parametrize(
    "at",
    [
        datetime(1, 1, 1, 3, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2099, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, tzinfo=UTC),
    ],
)
def test_a_clock_that_is_sure_of_an_impossible_time_decides_nothing(bath: Bath, at: datetime) -> None:
    student, began = bath.student(1_000), bath.clock.now
    bath.prices(WaterPrice(utility="hot_water", fen_per_m3=5_000))
    bath.clock.now = began
    ended = bath.tell(1, 1, "ended", hot(40), card=student.shown, at=at, began_at=at)
    assert (ended.state, ended.cost) == ("settled", 100), "the price of now, not of 2099"
    assert bath.session(ended).began_at == began


# --- What changes in mid-session -------------------------------------------------------------------------------------


def test_a_revoked_controller_holds_up_nobodys_settlement(bath: Bath) -> None:
    gone, other = bath.student(1_000), bath.student(1_000)
    asked = bath.ask(gone)
    bath.tell(1, 1, "updated", hot(20))
    bath.forward(1)
    beside = bath.ask(other, device=bath.showers[1])
    with bath.database.begin() as session:
        devices.revoke(session, session.get_one(Device, bath.showers[0]), by="person:x", now=bath.clock.now)
    bath.forward(3_600)
    bath.expire()
    assert [bath.session(one).state for one in (asked, beside)] == ["expired", "expired"]
    assert (bath.worth(gone), bath.free(gone), bath.free(other)) == (950, 950, 1_000)


@pytest.mark.parametrize("state", [PersonState.SUSPENDED, PersonState.CLOSED])
def test_who_may_no_longer_pay_is_told_to_stop_and_pays_what_was_used(bath: Bath, state: PersonState) -> None:
    student = bath.student(1_000)
    bath.ask(student)
    assert bath.tell(1, 1, "updated", hot(20)).stop is None
    set_state(bath, student.id, state)
    assert bath.tell(1, 2, "updated", hot(30)).stop == "remote"
    assert bath.tell(1, 3, "ended", hot(40)).state == "settled"
    assert (bath.worth(student), bath.free(student)) == (900, 900)


def test_a_hold_that_ended_while_the_server_was_away_is_made_again(bath: Bath) -> None:
    student = bath.student(1_000)
    asked = bath.ask(student)
    bath.tell(1, 1, "updated", hot(20))
    bath.forward(2_200)
    with bath.database.begin() as session:
        expire_holds(session, bath.clock.now)
    running = bath.tell(1, 2, "updated", hot(30))
    assert (running.state, running.stop, running.limit.fen, bath.free(student)) == ("running", None, 200, 800)
    assert running.hold != asked.hold
    for _ in range(2):
        assert bath.tell(1, 3, "ended", hot(40)).state == "settled"
        assert (bath.worth(student), bath.free(student)) == (900, 900)


def test_a_hold_that_cannot_be_made_again_stops_the_water(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.ask(student)
    bath.tell(1, 1, "updated", hot(20))
    bath.forward(2_200)
    set_state(bath, student.id, PersonState.SUSPENDED)
    running = bath.tell(1, 2, "updated", hot(30))
    assert (running.limit.fen, running.stop) == (0, "remote")


def test_an_extension_refused_for_lack_of_money_keeps_the_limit_at_what_is_held(bath: Bath) -> None:
    student = bath.student(200)
    bath.ask(student)
    running = bath.tell(1, 1, "updated", hot(70))
    assert (running.cost, running.limit.fen, running.stop) == (175, 200, None)
    assert bath.tell(1, 2, "updated", hot(80)).stop == "money_limit"


@ON_BOTH
def test_two_showers_that_see_one_card_at_the_same_moment_begin_one_session(bath: Bath) -> None:
    student = bath.student(1_000)
    reports = [bath.report(1, 0, "authorise", card=student.shown, device=device) for device in bath.showers]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(bath.send, reports))
    assert sorted(str(answer.refusal) for answer in answers) == ["None", "already_in_session"]
    assert bath.free(student) == 800


def test_pulses_per_litre_that_change_in_mid_session_go_to_a_person(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.ask(student)
    bath.tell(1, 1, "updated", hot(20))
    ended = bath.tell(
        1, 2, "ended", hot(40).model_copy(update={"pulses_per_m3": K * 2, "now": 10_000 + 90 * K // 1_000})
    )
    assert (ended.state, bath.session(ended).doubts) == ("in_review", "begins_disagree")


def test_the_day_of_a_session_is_that_of_its_beginning(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.set(day_fen=100)
    bath.clock.now = datetime(2026, 11, 23, 15, 55, tzinfo=UTC)  # five to midnight
    bath.ask(student)
    bath.forward(600)
    assert bath.tell(1, 1, "ended", hot(40)).cost == 100
    assert bath.ask(student, 2).limit.fen == 100, "nothing of the new day is used"


# --- Subsidies, decisions, refunds -----------------------------------------------------------------------------------


def test_a_session_over_the_end_of_the_month_draws_on_the_month_it_began_in(bath: Bath) -> None:
    bath.subsidise(130)
    student = bath.student(1_000)
    bath.clock.now = datetime(2026, 11, 30, 15, 55, tzinfo=UTC)
    bath.ask(student)
    bath.tell(1, 1, "updated", hot(20))
    bath.forward(600)
    assert bath.tell(1, 2, "ended", hot(60)).subsidy == 130
    bath.ask(student, 2)
    assert bath.tell(2, 1, "ended", hot(60)).subsidy == 130, "December's is whole"


@pytest.mark.parametrize(
    ("begins_on", "ends_on", "paid"),
    [
        (date(2026, 11, 15), None, 100),
        (date(2026, 11, 30), None, 100),
        (date(2026, 12, 1), None, 0),
        (date(2026, 10, 1), date(2026, 11, 15), 100),
        (date(2026, 10, 1), date(2026, 11, 1), 0),
    ],
)
def test_a_month_of_which_a_day_lies_in_the_subsidy_counts_whole(
    bath: Bath, begins_on: date, ends_on: date | None, paid: int
) -> None:
    bath.subsidise(130, begins_on, ends_on)
    student = bath.student(1_000)
    bath.ask(student)
    assert bath.tell(1, 1, "ended", hot(40)).subsidy == paid


def test_what_was_decided_stays_whatever_is_reported_later(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.ask(student)
    bath.tell(1, 1, "updated", hot(20))
    ended = bath.tell(1, 2, "ended", hot(10))
    review.decide(bath.money, ended.session, 30, by="person:x", now=bath.clock.now)
    later = bath.tell(1, 3, "updated", hot(12))
    assert (later.state, later.cost, bath.worth(student)) == ("settled", 30, 970)


def test_a_session_let_go_gives_the_subsidy_back_too(bath: Bath) -> None:
    bath.subsidise(130)
    student = bath.student(1_000)
    bath.ask(student)
    ended = bath.tell(1, 2, "ended", hot(60))
    assert (ended.subsidy, bath.worth(student)) == (130, 980)
    assert bath.tell(1, 1, "updated", hot(70)).state == "in_review", "an earlier report counted more"
    for _ in range(2):
        decided = review.decide(bath.money, ended.session, 0, by="person:x", now=bath.clock.now)
        assert (decided.cost, decided.billed, decided.subsidy) == (0, 0, 0)
    assert (bath.worth(student), bath.worth(bath.merchant)) == (1_000, 0)
    bath.ask(student, 2)
    assert bath.tell(2, 1, "ended", hot(52)).subsidy == 130


@ON_BOTH
def test_a_refund_is_the_holders_money_first_and_never_more_than_was_paid(bath: Bath) -> None:
    bath.subsidise(100)
    student = bath.student(1_000)
    bath.ask(student)
    ended = bath.tell(1, 1, "ended", hot(60))
    assert (ended.subsidy, bath.worth(student)) == (100, 950)
    with bath.database.begin() as session:
        dispute = disputes.open_dispute(session, ended.session, student.id, "cold", bath.clock.now).id
    with pytest.raises(RefundAboveChargeError):
        disputes.decide(bath.money, dispute, refund=151, answer="-", by="person:x", now=bath.clock.now)
    assert bath.worth(student) == 950
    for _ in range(2):
        disputes.decide(bath.money, dispute, refund=80, answer="-", by="person:x", now=bath.clock.now)
        assert (bath.worth(student), bath.worth(bath.merchant)) == (1_000, 70)
    bath.forward(timedelta(minutes=1).total_seconds())
    bath.ask(student, 2)
    assert bath.tell(2, 1, "ended", hot(40)).subsidy == 30
