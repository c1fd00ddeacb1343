"""A meter's replacement as a person says it: values as they stand on the meter, and what would follow of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.readings.values import Register
from metering.rooms import meters, replacement
from metering.rooms.installation import MeterIdleError
from metering.rooms.replacement import NewMeter, Replacement
from metering.rooms.shown import ShownValueError, parse_shown, show_digits
from tests.metering.dormitory import BY, REGISTER, Dormitory, at


@given(
    st.tuples(st.integers(1, 12), st.integers(0, 3))
    .filter(lambda one: one[1] < one[0])
    .flatmap(lambda one: st.tuples(st.just(Register(*one)), st.integers(0, 10 ** one[0] - 1)))
)
def test_what_is_shown_is_read_back_to_the_digit(shown: tuple[Register, int]) -> None:
    register, digits = shown
    assert parse_shown(show_digits(digits, register.decimals), register) == digits


@pytest.mark.parametrize(("text", "digits"), [("12.3", 1_230), ("12", 1_200), (" 0.07 ", 7), ("000012.30", 1_230)])
def test_decimals_that_were_left_out_are_zero(text: str, digits: int) -> None:
    assert parse_shown(text, REGISTER) == digits


@pytest.mark.parametrize("text", ["", "1,5", "1.234", "-1", "1e3", "1234567", "12.", "१२", "NaN"])
def test_what_no_register_shows_is_refused_with_its_digits(text: str) -> None:
    with pytest.raises(ShownValueError) as refused:
        parse_shown(text, REGISTER)
    assert refused.value.members == {"digits": 8, "decimals": 2}


def said(old: object, new: object, final: str, first: str = "0.00") -> Replacement:
    return Replacement(old, new, at(10), final, first)


def test_the_energy_since_the_last_reading_is_told_before_it_is_done(dormitory: Dormitory) -> None:
    meter = dormitory.installed(dormitory.room(), digits=100_000)
    dormitory.read(meter, (8, 100_500))
    new = NewMeter("B2", "000000000002")
    with dormitory.database.read() as session:
        foreseen = [replacement.foresee(session, said(meter.id, new, final)) for final in ("1007.5", "1004.99", "9000")]
    assert [(one.wh, one.is_plausible) for one in foreseen] == [(2_500, True), (None, False), (7_995_000, False)]
    assert foreseen[0].before is not None
    assert foreseen[0].before.seen_at == at(8)


def test_a_meter_that_nobody_entered_takes_the_place_and_the_relay_of_the_old_one(dormitory: Dormitory) -> None:
    room = dormitory.room()
    meter = dormitory.installed(room, digits=100_000)
    wanted = said(meter.id, NewMeter("B2", "000000000002"), "1007.5", "0.03")
    with dormitory.database.begin() as session:
        replacement.replace(session, wanted, by=BY, now=dormitory.now)
    with dormitory.database.read() as session:
        (new, made), (old, _) = meters.find_room_periods(session, room.id)
        assert (made.serial, made.model, made.has_relay) == ("B2", meter.model, True)
        assert (old.ends_at, old.final_digits) == (new.begins_at, 100_750)
        assert (new.begins_at, new.first_digits) == (at(10), 3)
        assert [one.serial for one in meters.find_in_store(session, meter.utility)] == ["A1"]


def test_a_meter_in_the_store_has_no_place_to_give(dormitory: Dormitory) -> None:
    meter = dormitory.meter()
    with dormitory.database.read() as session, pytest.raises(MeterIdleError):
        replacement.foresee(session, said(meter.id, NewMeter("B2", "2"), "1"))
