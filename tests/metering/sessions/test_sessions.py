"""Sessions on the real ledger: what is held, what is taken, and that it is taken once."""

from datetime import timedelta
from itertools import permutations
from uuid import uuid4

import pytest
from sqlalchemy import select

from accounts.payments import offline
from accounts.payments.offline_states import OfflineState
from accounts.payments.tables import OfflinePayment
from accounts.tables import Card
from accounts.vocabulary import CardState, PersonKind
from database import new_id
from messages.metering import OpeningPeriod, WaterCount, WaterPrice
from metering.sessions.tables import ShowerController
from tests.databases import ON_BOTH, ON_SQLITE
from tests.metering.sessions.bath import Bath, hot

pytestmark = ON_SQLITE


def test_a_shower_holds_at_first_and_takes_what_was_used(bath: Bath) -> None:
    student = bath.student(1_000)
    asked = bath.ask(student)
    assert (asked.state, asked.refusal, asked.limit.fen, asked.balance) == ("authorised", None, 200, 800)
    bath.tell(1, 1, "started", hot(0))
    running = bath.tell(1, 2, "updated", hot(30))
    assert (running.state, running.cost, running.stop) == ("running", 75, None)
    ended = bath.tell(1, 3, "ended", hot(40), stop_reason="local")
    assert (ended.state, ended.cost, ended.balance) == ("settled", 100, 900)
    assert (bath.worth(student), bath.free(student), bath.worth(bath.merchant)) == (900, 900, 100)


def test_any_order_with_repeats_and_any_report_lost_but_the_end_comes_to_the_same(bath: Bath) -> None:
    steps = [(0, "authorise"), (1, "started"), (2, "updated"), (3, "ended")]
    counts = {0: (), 1: (hot(0),), 2: (hot(30),), 3: (hot(40),)}
    orders = [list(order) for order in permutations(steps)] + [[(3, "ended")], [(3, "ended"), (0, "authorise")]]
    for order in orders:
        student, bath.boot = bath.student(1_000), uuid4()
        for seq, step in [*order, *order]:
            bath.tell(1, seq, step, *counts[seq], card=student.shown)
        assert (bath.worth(student), bath.free(student)) == (900, 900), order
    assert bath.worth(bath.merchant) == 100 * len(orders)


def test_a_session_near_its_hold_holds_more_and_what_is_not_used_is_free(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.ask(student)
    grown = bath.tell(1, 1, "updated", hot(60))
    assert (grown.cost, grown.limit.fen, grown.stop) == (150, 400, None)
    assert bath.free(student) == 600
    bath.tell(1, 2, "ended", hot(100))
    assert (bath.worth(student), bath.free(student)) == (750, 750)


def test_a_session_ends_at_the_money_there_is(bath: Bath) -> None:
    student = bath.student(120)
    asked = bath.ask(student)
    assert asked.limit.fen == 120
    at_limit = bath.tell(1, 1, "updated", hot(48))
    assert (at_limit.cost, at_limit.stop) == (120, "money_limit")


def test_a_stuck_valve_beyond_the_hold_is_charged_apart_and_collected_later(bath: Bath) -> None:
    student = bath.student(250)
    bath.ask(student)
    bath.tell(1, 1, "ended", hot(200), stop_reason="valve_stuck")
    assert bath.worth(student) == 50
    bath.give(student, 1_000)
    assert offline.collect_unpaid(bath.money, student.id, bath.clock.now) == 1
    assert bath.worth(student) == 750
    bath.tell(1, 1, "ended", hot(200), stop_reason="valve_stuck")
    assert bath.worth(student) == 750


@pytest.mark.parametrize("by_code", [False, True])
def test_a_record_after_the_hold_expired_is_charged_once(bath: Bath, by_code: bool) -> None:
    student = bath.student(1_000)
    shown = {"card": None, "code": bath.code(student)} if by_code else {}
    asked = bath.ask(student, **shown)
    assert asked.state == "authorised"
    bath.tell(1, 1, "updated", hot(20))
    bath.forward(3_600)
    assert bath.expire() == 1
    assert (bath.session(asked).state, bath.worth(student), bath.free(student)) == ("expired", 950, 950)
    bath.forward(86_400)
    for _ in range(2):
        late = bath.tell(1, 2, "ended", hot(40), clock_sure=False)
        assert (late.state, late.cost) == ("settled", 100)
        assert bath.worth(student) == 900


def test_a_power_cut_costs_nothing_that_was_not_used(bath: Bath) -> None:
    student = bath.student(1_000)
    asked = bath.ask(student)
    bath.tell(1, 1, "updated", hot(20))
    old, bath.boot = bath.boot, uuid4()
    # Power is back: the record of before the cut is repeated in each heartbeat, with the meter's own count.
    back = hot(0, open_s=180, begin=None, now=None, begin_total=900_000, total=900_000 + 450 * 22)
    record = bath.report(1, 2, "ended", back, boot_id=old, stop_reason="power_lost")
    for _ in range(3):
        beaten = bath.beat(unsettled=record)
        assert beaten.answer is not None
        assert (beaten.answer.seq, beaten.answer.state, beaten.answer.cost) == (2, "settled", 55)
    assert (bath.worth(student), bath.free(student), bath.session(asked).billed) == (945, 945, 55)


def test_a_controller_that_forgot_its_session_settles_it_from_the_last_update(bath: Bath) -> None:
    student = bath.student(1_000)
    asked = bath.ask(student)
    bath.tell(1, 1, "updated", hot(20))
    bath.boot = uuid4()
    assert bath.beat(queued=2).answer is None
    assert bath.session(asked).state == "running", "what is queued may be its end"
    bath.beat()
    assert (bath.session(asked).state, bath.free(student)) == ("expired", 950)


def test_the_next_session_of_a_controller_settles_the_one_before(bath: Bath) -> None:
    first, second = bath.student(1_000), bath.student(1_000)
    asked = bath.ask(first)
    bath.tell(1, 1, "updated", hot(20))
    bath.ask(second, number=2)
    assert (bath.session(asked).state, bath.free(first), bath.free(second)) == ("expired", 950, 800)


def test_an_impossible_reading_is_kept_and_never_billed(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.ask(student)
    bath.tell(1, 1, "updated", hot(20))
    ended = bath.tell(1, 2, "ended", hot(10))
    assert ended.state == "in_review"
    assert (bath.worth(student), bath.free(student)) == (1_000, 1_000)
    row = bath.session(ended)
    assert (row.doubts, row.billed) == ("counter_went_back", 0)


def test_the_tail_after_an_end_is_a_loss(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.ask(student)
    ended = bath.tell(1, 2, "ended", hot(40))
    bath.tell(1, 3, "updated", hot(44))
    row = bath.session(ended)
    assert (row.state, row.billed, row.loss_ml, bath.worth(student)) == ("settled", 100, 4_000, 900)


def test_an_offline_session_is_charged_to_its_card(bath: Bath) -> None:
    student = bath.student(1_000)
    began = bath.clock.now
    bath.forward(7_200)
    late = bath.tell(
        1, 2, "ended", hot(40), card=student.shown, offline=True, at=began + timedelta(minutes=6), began_at=began
    )
    assert (late.state, bath.worth(student)) == ("settled", 900)
    assert bath.session(late).began_at == began


def test_a_session_of_nobody_known_waits_for_a_person_until_somebody_is(bath: Bath) -> None:
    student = bath.student(1_000)
    nobody = bath.tell(1, 2, "ended", hot(40))
    assert (nobody.state, bath.session(nobody).doubts) == ("in_review", "holder_unknown")
    found = bath.ask(student)
    assert (found.state, bath.worth(student)) == ("settled", 900)


def test_a_question_that_comes_after_its_session_was_settled_holds_nothing(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.tell(1, 1, "updated", hot(20), card=student.shown, offline=True)
    bath.forward(1_000)
    assert bath.expire() == 1
    assert bath.worth(student) == 950
    late = bath.ask(student)
    assert (late.state, late.hold, bath.free(student)) == ("expired", None, 950)
    bath.tell(1, 2, "ended", hot(40), card=student.shown)
    assert (bath.worth(student), bath.free(student)) == (900, 900)


# --- Refusals --------------------------------------------------------------------------------------------------------


def refusal(bath: Bath, student: object, number: int = 1, **fields: object) -> str | None:
    answer = bath.ask(student, number, **fields)  # type: ignore[arg-type]
    again = bath.ask(student, number, **fields)  # type: ignore[arg-type]
    assert (answer.refusal, answer.limit) == (again.refusal, again.limit)
    assert answer.refusal is None or (answer.state, answer.limit.fen) == ("refused", 0)
    return answer.refusal


@ON_BOTH
def test_no_credit(bath: Bath) -> None:
    assert refusal(bath, bath.student(49)) == "no_credit"
    assert refusal(bath, bath.student(50), 2) is None


def test_a_blocked_card_opens_nothing_and_ends_what_runs(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.ask(student)
    with bath.database.begin() as session:
        session.get_one(Card, student.card_id).state = CardState.LOST
    assert bath.tell(1, 1, "updated", hot(2)).stop == "remote"
    bath.tell(1, 2, "ended", hot(2))
    assert refusal(bath, student, 2) == "card_blocked"


@ON_BOTH
def test_nobody_takes_two_showers_at_once(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.ask(student)
    other = {"device": bath.showers[1]}
    assert refusal(bath, student, 1, **other) == "already_in_session"
    bath.tell(1, 1, "ended", hot(1))
    assert refusal(bath, student, 2, **other) is None


@ON_BOTH
def test_unknown_credentials(bath: Bath) -> None:
    student = bath.student(1_000)
    code = bath.code(student)
    assert refusal(bath, student, 1, card=None, code="901234567123456789") == "unknown_credential"
    assert refusal(bath, student, 2, card=None, code=code) is None
    bath.tell(2, 1, "ended", hot(1))
    assert refusal(bath, student, 3, card=None, code=code) == "unknown_credential", "a code is good once"


def test_not_at_this_time(bath: Bath) -> None:
    bath.set(opening=(OpeningPeriod(begins="22:00", ends="06:00"),))
    assert refusal(bath, bath.student(1_000)) == "not_at_this_time"
    bath.forward(11 * 3_600)
    assert refusal(bath, bath.student(1_000), 2) is None


def test_not_at_this_place(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.set(kinds=(PersonKind.STAFF.value,))
    assert refusal(bath, student) == "not_at_this_place"
    bath.set(is_enabled=False)
    assert refusal(bath, student, 2) == "not_at_this_place"
    assert bath.beat().is_enabled is False


def test_the_days_limit(bath: Bath) -> None:
    student = bath.student(5_000)
    bath.set(day_fen=150, most_fen=500)
    bath.ask(student)
    bath.tell(1, 1, "ended", hot(40))
    assert bath.ask(student, 2).limit.fen == 50
    bath.tell(2, 1, "ended", hot(20))
    assert refusal(bath, student, 3) == "day_limit_reached"
    bath.forward(86_400)
    assert refusal(bath, student, 4) is None


def test_above_the_spending_limit_a_shower_begins_on_what_is_left_of_it(bath: Bath) -> None:
    student = bath.student(50_000)
    bath.set(hold_fen=2_900, most_fen=10_000, day_fen=50_000, least_fen=200, day_ml=10_000_000)
    bath.ask(student)
    bath.tell(1, 1, "ended", hot(1_120, open_s=3_000))
    assert bath.ask(student, 2).limit.fen == 200, "30 yuan a meal"
    bath.tell(2, 1, "ended", hot(80))
    assert refusal(bath, student, 3) == "password_required"


# --- Prices, subsidies, what comes down ------------------------------------------------------------------------------


def test_a_session_keeps_the_price_of_its_beginning(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.ask(student)
    bath.prices(WaterPrice(utility="hot_water", fen_per_m3=5_000))
    assert bath.tell(1, 1, "ended", hot(40)).cost == 100
    bath.ask(student, 2)
    assert bath.tell(2, 1, "ended", hot(40)).cost == 200


def test_cold_and_hot_and_minutes_are_priced_apart(bath: Bath) -> None:
    student = bath.student(1_000)
    bath.prices(
        WaterPrice(utility="hot_water", fen_per_m3=2_500, fen_per_hour=600),
        WaterPrice(utility="cold_water", fen_per_m3=400),
    )
    bath.ask(student)
    cold = WaterCount(utility="cold_water", pulses_per_m3=K_COLD, begin=0, now=50, open_s=300)
    ended = bath.tell(1, 1, "ended", hot(40, open_s=300), cold)
    assert ended.cost == 100 + 50 + 20


K_COLD = 1_000
"""A pulse a litre."""


def test_the_subsidy_is_used_first_and_its_rest_ends_with_the_month(bath: Bath) -> None:
    bath.subsidise(130)
    student = bath.student(1_000)
    asked = bath.ask(student)
    assert (asked.limit.fen, asked.balance) == (200, 930), "held beside the subsidy"
    ended = bath.tell(1, 1, "ended", hot(40))
    assert (ended.cost, ended.subsidy, bath.worth(student)) == (100, 100, 1_000)
    bath.ask(student, 2)
    ended = bath.tell(2, 1, "ended", hot(40))
    assert (ended.subsidy, bath.worth(student)) == (30, 930)
    assert bath.worth(bath.merchant) == 200
    bath.forward(9 * 86_400)
    bath.ask(student, 3)
    assert bath.tell(3, 1, "ended", hot(40)).subsidy == 100


def test_who_has_no_money_showers_on_the_subsidy_and_owes_what_is_more(bath: Bath) -> None:
    bath.subsidise(130)
    student = bath.student(0)
    asked = bath.ask(student)
    assert (asked.state, asked.hold, asked.limit.fen) == ("authorised", None, 130)
    ended = bath.tell(1, 1, "ended", hot(60))
    assert (ended.cost, ended.subsidy, ended.state) == (150, 130, "settled")
    with bath.database.read() as session:
        (row,) = session.scalars(select(OfflinePayment)).all()
        assert (row.state, row.amount) == (OfflineState.UNPAID, 20)


def test_a_heartbeat_brings_down_what_the_controller_works_by(bath: Bath) -> None:
    first = bath.beat()
    assert (first.is_enabled, first.prices[0].fen_per_m3, first.most.fen) == (True, 2_500, 1_000)
    bath.forward(5)
    assert bath.beat().revision == first.revision
    bath.set(heartbeat_s=20, update_s=5, idle_s=60, no_flow_s=30, pause_s=90, offline_fen=0)
    listed = bath.prices(WaterPrice(utility="hot_water", fen_per_m3=3_000), pause=True)
    changed = bath.beat()
    assert changed.revision != first.revision
    assert (changed.heartbeat_s, changed.update_s, changed.idle_s, changed.no_flow_s, changed.pause_s) == (
        20, 5, 60, 30, 90,
    )  # fmt: skip
    assert (changed.tariff, changed.is_pause_charged, changed.offline, changed.utc_offset_s) == (
        listed,
        True,
        None,
        28_800,
    )


def test_a_heartbeat_that_comes_after_a_newer_one_changes_nothing(bath: Bath) -> None:
    student, before, after = bath.student(1_000), new_id(), new_id()
    bath.boot = before
    bath.beat(seq=7)
    bath.boot = after
    bath.beat(seq=0, valve="open")
    bath.ask(student)
    running = bath.tell(1, 1, "started", hot(0))
    assert bath.beat(boot_id=before, seq=6, valve="closed").heartbeat_s == 30, "it is answered"
    with bath.database.read() as session:
        assert session.get_one(ShowerController, bath.showers[0]).valve == "open"
    assert bath.session(running).state == "running", "one of before the restart ends no session of after it"
    bath.beat(seq=0, queued=1, unsettled=bath.report(1, 2, "ended", hot(40)), boot_id=before)
    assert bath.worth(student) == 900, "what it repeats is taken all the same"
    assert bath.service.order.twice == frozenset()


def test_two_controllers_that_speak_for_one_shower_by_http_are_found(bath: Bath) -> None:
    one, other = new_id(), new_id()
    for seq in range(4):
        for boot in (one, other):
            bath.beat(boot_id=boot, seq=seq)
    assert bath.service.order.twice == {bath.showers[0]}
