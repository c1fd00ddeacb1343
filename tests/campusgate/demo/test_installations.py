"""The demonstration's shower and meter, over the sockets on which the real processes find them."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from campusgate.demo.dormitory import make_meter
from campusgate.demo.installations import Installations
from campusgate.demo.simulated_meters import SimulatedMeter
from campusgate.demo.simulated_room import SimulatedRoom
from campusgate.demo.simulated_shower import PULSES_PER_M3
from campusgate.demo.simulated_water_lines import COUNTER_ADDRESS, VALVE_ADDRESS
from metering.frames.dlt645.orders import Command
from metering.lines.question import ask_meter
from metering.reader_contract import Protocol
from metering.shower.line_hydraulics import LineHydraulics
from metering.shower.ports import HydraulicsError
from metering.shower.shower_file import ShowerFile
from metering.shower.signals import ValvePosition
from metering.vocabulary import SupplyState
from tests.waiting import until

CAMPUS = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def installations() -> Iterator[Installations]:
    with Installations(CAMPUS, make_meter(CAMPUS, datetime.now(UTC))) as switched_on:
        yield switched_on


@pytest.fixture
def hydraulics(installations: Installations) -> Iterator[LineHydraulics]:
    counter = {
        "url": installations.counter_url,
        "protocol": "modbus",
        "address": COUNTER_ADDRESS,
        "model": "u32-0000-input",
        "utility": "hot_water",
        "pulses_per_m3": PULSES_PER_M3,
    }
    valve = {"url": installations.valve_url, "address": VALVE_ADDRESS, "model": "cjt188"}
    file = ShowerFile.model_validate({"device": str(UUID(int=4)), "valve": valve, "meters": [counter]})
    hydraulics = LineHydraulics(file)
    hydraulics.start()
    yield hydraulics
    hydraulics.close()


def is_at(hydraulics: LineHydraulics, position: ValvePosition) -> bool:
    try:
        return hydraulics.position() is position and bool(hydraulics.totals())
    except HydraulicsError:
        return False


def test_water_flows_while_the_valve_is_open_and_a_power_cut_closes_it(
    installations: Installations, hydraulics: LineHydraulics
) -> None:
    until(lambda: is_at(hydraulics, ValvePosition.CLOSED))
    assert installations.pulses == 0
    hydraulics.move_valve(is_open=True)
    until(lambda: is_at(hydraulics, ValvePosition.OPEN))
    until(lambda: installations.pulses > 0)
    counted = installations.cut_showers_power()
    until(lambda: is_at(hydraulics, ValvePosition.CLOSED))
    assert hydraulics.totals()[0].total == installations.pulses == counted


def test_a_closed_tap_lets_nothing_through_an_open_valve(
    installations: Installations, hydraulics: LineHydraulics
) -> None:
    installations.turn_tap(is_open=False)
    hydraulics.move_valve(is_open=True)
    until(lambda: is_at(hydraulics, ValvePosition.OPEN))
    time.sleep(0.05)
    assert installations.pulses == 0


def test_the_rooms_meter_answers_behind_its_gateway_with_what_was_used(installations: Installations) -> None:
    before = make_meter(CAMPUS, datetime.now(UTC)).digits
    installations.use_electricity(500)
    until(lambda: installations.metered_digits >= before + 50)
    meter = make_meter(CAMPUS, datetime.now(UTC)).address
    question = ask_meter(
        installations.meter_url, Protocol.DLT645, meter, model="dlt645-2007", bits_per_s=2400, zone=CAMPUS
    )
    answer = asyncio.run(question)
    assert answer.status is not None
    assert before + 50 <= answer.registers.digits <= installations.metered_digits
    assert answer.status.supply is SupplyState.ON
    assert installations.is_room_lit
    assert Command.TRIP not in installations.meter_orders


def test_nothing_is_used_in_the_dark_and_the_rest_of_it_afterwards() -> None:
    room = SimulatedRoom(SimulatedMeter("000000000001"))
    room.use(1_000)
    room.run(0.05)
    counted = room.meter.digits
    assert 0 < counted < 100
    room.meter.is_open = room.meter.is_told_to_open = True
    room.run(10)
    assert (room.meter.digits, room.is_lit, room.is_armed) == (counted, False, False)
    room.meter.is_told_to_open = False
    assert room.is_armed
    assert room.meter.press_button()
    room.run(10)
    assert (room.meter.digits, room.is_lit) == (100, True)
