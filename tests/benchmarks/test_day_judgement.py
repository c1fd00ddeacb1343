"""The judge of a played day finds each kind of wrong that is planted."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from uuid_utils.compat import uuid7

from benchmarks.day_clients import HandedIn, Purchase
from benchmarks.day_judgement import (
    Money,
    Recorded,
    Walk,
    commands_of,
    judge_faces,
    judge_payments,
    judge_photos,
    signed_at_s,
)
from benchmarks.day_strikes import is_undisturbed
from benchmarks.fault_history import Emitting, Kept, RelayMoved
from messages import Event, EventKind

BEFORE = 10_000
PEOPLE = (uuid4(), uuid4())
SHOP = str(uuid4())


def bought(payer: int = 0, fen: int = 300, *, is_acknowledged: bool = True) -> Purchase:
    return Purchase(payer=payer, merchant=SHOP, fen=fen, acknowledged_s=1.0 if is_acknowledged else None, tries=1)


def line(purchase: Purchase) -> Recorded:
    return Recorded(purchase.id, PEOPLE[purchase.payer], purchase.merchant, purchase.fen)


def judged(purchases: list[Purchase], lines: list[Recorded], **differs: int) -> Money:
    has = {str(person): BEFORE for person in PEOPLE} | {SHOP: 0}
    for one in lines:
        has[str(one.payer)] -= one.fen
        has[one.merchant] += one.fen
    return judge_payments(purchases, lines, PEOPLE, has | differs, before=BEFORE)


def test_what_was_acknowledged_and_is_in_the_journal_once_is_right() -> None:
    purchases = [bought(), bought(1, 20)]
    assert judged(purchases, [line(one) for one in purchases]) == Money(0, 0, 0, [])


def test_an_acknowledged_payment_that_is_not_in_the_journal_is_lost() -> None:
    kept, lost = bought(), bought(1, 250)
    money = judged([kept, lost], [line(kept)])
    assert (money.lost_fen, money.unexplained_fen) == (250, 0)
    assert str(lost.id) in money.faults[0]


def test_a_payment_that_is_in_the_journal_twice_is_found() -> None:
    purchase = bought()
    money = judged([purchase], [line(purchase), line(purchase)])
    assert (money.lost_fen, money.unexplained_fen) == (0, 300)


def test_a_payment_of_another_amount_or_payer_is_lost_and_unexplained() -> None:
    purchase = bought()
    for wrong in (replace(line(purchase), fen=301), replace(line(purchase), payer=PEOPLE[1])):
        money = judged([purchase], [wrong])
        assert (money.lost_fen, money.unexplained_fen) == (300, wrong.fen)


def test_a_payment_that_nobody_asked_for_is_found() -> None:
    assert judged([], [line(bought())]).unexplained_fen == 300


def test_a_wallet_or_shop_that_does_not_follow_from_the_journal_is_found() -> None:
    purchase = bought()
    for who in (str(PEOPLE[0]), SHOP):
        assert judged([purchase], [line(purchase)], **{who: 1}).unexplained_fen > 0


def test_what_was_not_acknowledged_may_have_been_taken_and_means_asking_the_payer_again() -> None:
    purchase = bought(is_acknowledged=False)
    assert judged([purchase], []).asked_twice == 1
    money = judged([purchase], [line(purchase)])
    assert (money.asked_twice, money.lost_fen, money.unexplained_fen) == (1, 0, 0)


def test_each_newcomer_has_the_one_photo_that_was_acknowledged() -> None:
    person, photo = uuid4(), str(uuid4())
    told = HandedIn(person=person, acknowledged_s=1.0, photo=photo)
    assert judge_photos([told], {person: [photo]}) == []
    assert len(judge_photos([told], {})) == 1
    assert len(judge_photos([told], {person: [photo, str(uuid4())]})) == 1
    assert len(judge_photos([HandedIn(person=person)], {})) == 1


def opened_for_face(at_s: float) -> list[Emitting | Kept | RelayMoved]:
    event = Event(
        id=uuid4(),
        gate="main",
        at=datetime(2026, 9, 1, tzinfo=UTC),
        kind=EventKind.ACCESS_GRANTED,
        granted=True,
        method="face",
        command_id=uuid7(),
    )
    return [Emitting(event, at_s), Kept(event.id), RelayMoved(True, at_s)]


def test_a_face_opens_while_somebody_who_may_pass_is_before_the_camera() -> None:
    walks = [Walk("main", 10.0, 14.0, True), Walk("main", 30.0, 34.0, False), Walk("other", 50.0, 54.0, True)]
    assert judge_faces({"main": [*opened_for_face(12.0), *opened_for_face(15.0)]}, walks) == []
    for at_s, told in ((9.0, "before anybody"), (20.0, "6.0 s after"), (32.0, "18.0 s after"), (52.0, "38.0 s after")):
        (found,) = judge_faces({"main": opened_for_face(at_s)}, walks)
        assert told in found


def test_a_command_says_by_its_id_when_it_was_made() -> None:
    command = UUID(int=(1_700_000_000_123 << 80) | (7 << 76) | 5)
    assert signed_at_s(command, -1_700_000_000.0) == pytest.approx(0.123)
    history = opened_for_face(12.0)
    assert list(commands_of({"main": history}, 0.0)) == [history[0].event.command_id]  # type: ignore[union-attr]


def test_only_what_happened_apart_from_every_strike_is_undisturbed() -> None:
    away = [(10.0, 20.0), (40.0, 45.0)]
    assert [is_undisturbed(at_s, away) for at_s in (9.0, 10.0, 20.0, 21.0, 42.0, 46.0)] == [
        True, False, False, True, False, True,
    ]  # fmt: skip
