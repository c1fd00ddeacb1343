"""Top-ups, refunds, automatic top-ups, moving out: a room's money as its residents meet it."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from accounts.payments.problems import ConsumptionPasswordRequiredError, InsufficientFundsError
from database import new_id
from metering.billing import automatic, settlement, top_up
from metering.billing.automatic import Agreement, NotResidentError
from metering.billing.credit import AHEAD, RoomCredit, find_credit, find_days_left
from metering.billing.moves import leave_listed
from metering.billing.room_labels import RoomLabel, RoomNotSeenError, find_label, initials
from metering.billing.settlement import GivenBack, RoomDebtError, RoomLivedInError, RoomNotReadError
from metering.billing.top_up import RoomPayment, TopUpRefundedError
from metering.rooms import resident_list, residents
from metering.rooms.resident_list import ListedResident, ResidentOutcome
from metering.rooms.tables import Room
from metering.tariffs.electricity import Quota, WattHours
from metering.vocabulary import ReadingSource
from tests.databases import ON_BOTH, ON_SQLITE
from tests.metering.electricity_cases import FIRST, ZONE, at
from tests.metering.hall import Hall
from web.problems import NotFoundError

pytestmark = ON_SQLITE


SECOND = FIRST + timedelta(days=1)
KEY = b"k" * 32


def pay(hall: Hall, room: UUID, name: str, fen: int, *, unlocked: bool = True) -> UUID:
    with hall.database.begin() as session:
        wanted = RoomPayment(room, hall.people[name], fen, unlocked=unlocked)
        return top_up.pay(session, hall.money, wanted, hall.clock.now).row.id


def credit(hall: Hall, room: UUID) -> RoomCredit:
    with hall.database.read() as session:
        return find_credit(session, room, hall.clock.now, ZONE)


@ON_BOTH
def test_a_payment_counts_at_once_and_repays_the_debt(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna")
    hall.use(room, [4])
    hall.bill(room)
    hall.person("Anna", 5_000)
    assert credit(hall, room).available == -200
    pay(hall, room, "Anna", 1_000)
    assert credit(hall, room).available == hall.balance(room) == 800
    assert hall.balance(hall.people["Anna"]) == 4_000


def test_use_counts_when_it_is_read_not_when_it_is_charged(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna")
    hall.person("Anna", 5_000)
    pay(hall, room, "Anna", 1_000)
    hall.bill(room, days=0)
    hall.read(room, at(FIRST, 10), 600, source=ReadingSource.CYCLE)
    hall.clock.now = at(FIRST, 10, 1)
    found = credit(hall, room)
    assert (found.balance, found.available, found.read_until) == (1_000, 700, at(FIRST, 10))
    assert found.energy_left() == 14_009  # half a fen more rounds down
    hall.read(room, at(SECOND), 800)
    hall.bill(room)
    assert credit(hall, room).available == hall.balance(room) == 600


def test_free_energy_is_shown_with_what_is_left_of_it(hall: Hall) -> None:
    hall.plan(quota=Quota(WattHours(7000)))
    room = hall.room("Anna", "Bo")
    hall.use(room, [3])
    hall.bill(room)
    found = credit(hall, room)
    assert [left for _, left in found.free_left] == [4_000, 7_000]
    assert (found.available, found.has_quota, found.energy_left()) == (0, True, 11_009)


def test_days_left_follow_the_last_week(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna")
    hall.person("Anna", 5_000)
    hall.use(room, [2] * 7)
    hall.bill(room, days=7)
    pay(hall, room, "Anna", 1_700)
    with hall.database.read() as session:
        found = find_credit(session, room, hall.clock.now, ZONE, ahead=AHEAD)
        assert find_days_left(session, found, ZONE) == 10


def test_a_room_takes_money_before_it_was_ever_read_or_billed(hall: Hall) -> None:
    room = hall.room("Anna")
    hall.person("Anna", 5_000)
    pay(hall, room, "Anna", 1_000)
    assert credit(hall, room).available == 1_000


def test_a_payment_counts_in_a_limit_of_its_own(hall: Hall) -> None:
    room = hall.room("Anna")
    hall.person("Anna", 50_000)
    pay(hall, room, "Anna", 9_000, unlocked=False)
    with pytest.raises(ConsumptionPasswordRequiredError) as refused:
        pay(hall, room, "Anna", 2_000, unlocked=False)
    assert refused.value.members == {"limit": "room", "left": 1_000}
    pay(hall, room, "Anna", 2_000)
    assert hall.balance(room) == 11_000


def test_the_same_payment_again_is_one_payment(hall: Hall) -> None:
    room = hall.room("Anna")
    wanted = RoomPayment(room, hall.person("Anna", 5_000), 1_000, id=new_id())
    for _ in range(2):
        with hall.database.begin() as session:
            top_up.pay(session, hall.money, wanted, hall.clock.now)
    assert hall.balance(room) == 1_000


def test_a_room_that_does_not_exist_takes_nothing(hall: Hall) -> None:
    hall.person("Anna", 5_000)
    with pytest.raises(NotFoundError):
        pay(hall, new_id(), "Anna", 1_000)
    assert hall.balance(hall.people["Anna"]) == 5_000


def test_a_payment_quotes_the_room_the_payer_saw(hall: Hall) -> None:
    room, other = hall.room("王小明", "Anna Smith"), hall.room("李四", number="105")
    anna, now = hall.people["Anna Smith"], hall.clock.now

    def label(of: UUID) -> RoomLabel:
        with hall.database.read() as session:
            return find_label(session, of, FIRST)

    shown = label(room)
    assert (shown.building, shown.number, shown.residents) == ("北一楼", "1005", ("A. S.", "王**"))
    quote = shown.quote(anna, now, KEY)
    shown.require_quoted(quote, anna, now + timedelta(minutes=14), KEY)
    wrong = [
        (label(other), quote, anna, now),
        (shown, quote, hall.people["王小明"], now),
        (shown, quote, anna, now + timedelta(minutes=16)),
        (replace(shown, residents=("A. S.",)), quote, anna, now),
        (shown, "", anna, now),
        (shown, f"9{quote}", anna, now),
        (shown, quote.split(".", maxsplit=1)[0], anna, now),
    ]
    for one, said, payer, when in wrong:
        with pytest.raises(RoomNotSeenError):
            one.require_quoted(said, payer, when, KEY)


@pytest.mark.parametrize(
    ("name", "short"),
    [("王小明", "王**"), ("欧阳", "欧*"), ("Anna Maria Smith", "A. M. S."), ("买买提·阿里", "买*****")],
)
def test_initials_say_little(name: str, short: str) -> None:
    assert initials(name) == short


def test_a_refund_goes_to_the_payer_as_far_as_the_room_has_it(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna")
    hall.person("Bo", 5_000)
    paid = pay(hall, room, "Bo", 2_000)
    hall.use(room, [10])
    hall.bill(room)

    def give_back(fen: int | None) -> int:
        with hall.database.begin() as session:
            return top_up.refund(
                session, hall.money, paid, fen, reason="wrong room", by="system", now=hall.clock.now
            ).amount

    with pytest.raises(InsufficientFundsError):
        give_back(1_501)
    assert give_back(500) == 500
    assert give_back(None) == 1_000
    with pytest.raises(TopUpRefundedError):
        give_back(501)
    assert (hall.balance(hall.people["Bo"]), hall.balance(room)) == (4_500, 0)


def agree(hall: Hall, room: UUID, name: str, below: int = 500, fen: int = 1_000, month: int = 2_500) -> None:  # noqa: PLR0917
    with hall.database.begin() as session:
        wanted = Agreement(below, fen, month)
        today = hall.clock.now.astimezone(ZONE).date()
        automatic.agree(session, room, hall.people[name], wanted, today=today, now=hall.clock.now)


def test_an_automatic_top_up_pays_once_a_day_below_the_level(hall: Hall) -> None:
    room = hall.room("Anna")
    hall.person("Anna", 9_000)
    agree(hall, room, "Anna")
    assert [len(automatic.pay_all(hall.money, hall.clock.now)) for _ in range(3)] == [1, 0, 0]
    assert hall.balance(room) == 1_000
    hall.plan()
    hall.use(room, [12])
    hall.bill(room)
    assert len(automatic.pay_all(hall.money, hall.clock.now)) == 1
    assert hall.balance(room) == 1_400


def test_an_automatic_top_up_keeps_to_the_month_whatever_is_agreed_anew(hall: Hall) -> None:
    room = hall.room("Anna")
    hall.person("Anna", 90_000)
    hall.plan(price=10_000)
    hall.use(room, [20] * 40)
    for day in range(29):
        hall.bill(room, days=day + 1)
        agree(hall, room, "Anna")
        automatic.pay_all(hall.money, hall.clock.now)
    assert hall.balance(hall.people["Anna"]) == 90_000 - 2_000
    hall.bill(room, days=32)
    assert len(automatic.pay_all(hall.money, hall.clock.now)) == 1


def test_residents_pay_in_turn_and_who_cannot_is_passed_over(hall: Hall) -> None:
    room = hall.room("Anna", "Bo", "Cy")
    for name, fen in (("Anna", 0), ("Bo", 5_000), ("Cy", 5_000)):
        hall.person(name, fen)
        agree(hall, room, name, below=100_000, month=50_000)
    for _ in range(4):
        automatic.pay_all(hall.money, hall.clock.now)
        hall.clock.now += timedelta(days=1)
    assert [hall.balance(hall.people[name]) for name in ("Anna", "Bo", "Cy")] == [0, 3_000, 3_000]


@ON_BOTH
def test_an_agreement_ends_when_it_is_revoked_or_they_move_out(hall: Hall) -> None:
    room = hall.room("Anna", "Bo")
    for name in ("Anna", "Bo"):
        hall.person(name, 5_000)
        agree(hall, room, name)
    with hall.database.begin() as session:
        automatic.revoke(session, room, hall.people["Anna"], hall.clock.now)
    hall.move_out("Bo", SECOND)
    hall.clock.now = at(SECOND)
    assert automatic.pay_all(hall.money, hall.clock.now) == []
    with hall.database.read() as session:
        assert automatic.find(session, room, hall.people["Bo"]) is None
    with pytest.raises(NotResidentError):
        agree(hall, room, "Bo")


def leave(hall: Hall, room: UUID, name: str, days: int) -> None:
    with hall.database.begin() as session:
        settlement.require_settled(
            session, ZONE, room, hall.people[name], FIRST + timedelta(days=days), now=hall.clock.now
        )


def test_nobody_moves_out_with_their_share_of_a_debt(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna", "Bo")
    hall.person("Anna", 5_000)
    shows = hall.use(room, [10])
    hall.clock.now = at(SECOND, 4)
    with pytest.raises(RoomDebtError) as refused:
        leave(hall, room, "Anna", 1)
    assert refused.value.members == {"due": 250}
    pay(hall, room, "Anna", 250)
    leave(hall, room, "Anna", 1)
    hall.move_out("Anna", SECOND)
    hall.use(room, [4], SECOND, shows)
    hall.bill(room, days=2)
    with pytest.raises(RoomDebtError) as refused:
        leave(hall, room, "Bo", 2)
    assert refused.value.members == {"due": 450}  # the last one pays what is left


def test_what_is_used_after_a_move_out_is_not_theirs(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna", "Bo")
    hall.person("Anna", 5_000)
    pay(hall, room, "Anna", 500)
    hall.use(room, [10, 30])
    hall.bill(room, days=2)
    assert hall.balance(room) == -1_500
    leave(hall, room, "Anna", 1)


def test_moving_out_needs_the_meter_to_be_read(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna")
    hall.clock.now = at(SECOND, 4)
    with pytest.raises(RoomNotReadError):
        leave(hall, room, "Anna", 1)


@ON_BOTH
def test_a_left_rooms_credit_goes_back_to_who_paid_last(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna", "Bo")
    for name in ("Anna", "Bo"):
        hall.person(name, 5_000)
        pay(hall, room, name, 1_000)
        hall.clock.now += timedelta(minutes=1)
    hall.use(room, [10])

    def give_back() -> list[GivenBack]:
        with hall.database.begin() as session:
            return list(settlement.give_credit_back(session, hall.money, room, by="system", now=hall.clock.now))

    hall.bill(room)
    with pytest.raises(RoomLivedInError):
        give_back()
    for name in ("Anna", "Bo"):
        hall.move_out(name, SECOND)
    assert [(one.person_id, one.fen) for one in give_back()] == [
        (hall.people["Bo"], 1_000),
        (hall.people["Anna"], 500),
    ]
    assert give_back() == []
    assert hall.balance(room) == 0


def test_a_closed_room_is_shown_to_nobody(hall: Hall) -> None:
    room = hall.room("Anna")
    with hall.database.begin() as session:
        session.get_one(Room, room).closed_at = hall.clock.now
    with hall.database.read() as session, pytest.raises(Exception, match="closed"):
        find_label(session, room, FIRST)


def test_a_list_moves_nobody_out_of_their_debt(hall: Hall) -> None:
    hall.plan()
    old, new = hall.room("Anna", "Bo", number="1"), hall.room(number="2")
    hall.use(old, [4])
    hall.bill(old)
    hall.person("Anna", 5_000)
    row = ListedResident(1, "20260000", "north-1", "2", SECOND)

    def run(*, dry_run: bool = False) -> tuple[ResidentOutcome, str | None]:
        leave = partial(leave_listed, zone=ZONE, staff=None, now=hall.clock.now)
        [done] = resident_list.apply(hall.database, [row], leave, by="system", dry_run=dry_run, now=hall.clock.now)
        return done.outcome, done.why

    assert run(dry_run=True) == run() == (ResidentOutcome.REFUSED, "room_debt")
    pay(hall, old, "Anna", 100)
    assert run() == (ResidentOutcome.MOVED, None)
    assert run() == (ResidentOutcome.UNCHANGED, None)
    with hall.database.read() as session:
        home = residents.find_residence(session, hall.people["Anna"], SECOND)
        assert home is not None
        assert home.room_id == new


@ON_BOTH
def test_whoever_leaves_on_the_day_they_came_owes_nothing(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna")
    hall.use(room, [4])
    hall.move_in(room, "Bo", SECOND)
    hall.bill(room)
    leave(hall, room, "Bo", days=1)
    with pytest.raises(RoomDebtError):
        leave(hall, room, "Anna", days=1)


def test_whoever_agrees_anew_on_a_day_does_not_pay_again_on_it(hall: Hall) -> None:
    hall.plan()
    room = hall.room("Anna")
    hall.use(room, [20])
    hall.bill(room)
    anna = hall.person("Anna", 5_000)
    today = hall.clock.now.astimezone(ZONE).date()
    for fen in (200, 300):
        with hall.database.begin() as session:
            wanted = Agreement(below_fen=1_000, fen=fen, month_limit_fen=5_000)
            automatic.agree(session, room, anna, wanted, today=today, now=hall.clock.now)
        automatic.pay_all(hall.money, hall.clock.now)
    assert hall.balance(anna) == 4_800
