"""A room's electricity: lit all night, cut off by day when its money is used up, armed the moment somebody has paid."""

from typing import Any

from campusgate.demo.report import SceneResult
from campusgate.demo.stage import SETTLE_S, Stage, poll
from metering.frames.dlt645.orders import Command
from metering.supply.view import Advice
from metering.vocabulary import SupplyState, TripReason

_TOP_UP_FEN = 2_000
_METER_S = 3 * SETTLE_S
"""A reading, its way to the server, a look at the room, an order, a relay; with spare for a busy machine."""


def night_is_not_cut_off(stage: Stage) -> SceneResult:
    """The room has used up its money, and it is night: it stays lit, and its people are told until when."""
    expected = "lit, told to pay by morning"
    is_put_off = poll(lambda: _is_put_off(stage.resident.supply()), _METER_S)
    supply, money = stage.resident.supply(), stage.resident.rooms_money()
    is_used_up = money["available_fen"] <= -supply["emergency_fen"]
    lit = stage.installations.is_room_lit and Command.TRIP not in stage.installations.meter_orders
    right = is_put_off and is_used_up and lit and supply["supply"] == SupplyState.ON
    got = expected if right else f"put off {is_put_off}, {money['available_fen']} fen left, lit {lit}, {_brief(supply)}"
    stage.campus.is_night = False
    stage.narrator.write("It is night by the server's rules until its next start; then the room that owes goes dark.")
    return SceneResult("night_is_not_cut_off", expected, got)


def room_cut_off_and_armed_again(stage: Stage) -> SceneResult:
    """By day the room goes dark; somebody pays, the meter is armed and waits for its button, and there is light."""
    expected = "dark, armed by the payment, lit by the button"
    installations, resident = stage.installations, stage.resident
    dark = poll(lambda: not installations.is_room_lit and _is_dark(resident.supply()), _METER_S)
    paid = resident.top_room_up(stage.campus.dormitory.room_id, _TOP_UP_FEN)
    armed = poll(lambda: installations.is_room_armed and _is_armed(resident.supply()), _METER_S)
    pressed = armed and installations.press_meters_button()
    lit = poll(lambda: resident.supply()["supply"] == SupplyState.ON, _METER_S) and installations.is_room_lit
    is_right_money = paid["repaid_fen"] > 0 and paid["still_missing_fen"] == 0
    agrees = is_right_money and 0 < resident.rooms_money()["available_fen"] <= paid["available_fen"]
    shown = bool(resident.usage()["electricity"]) and _shows_everything(resident.look_at_page(), resident.wallet())
    right = dark and armed and pressed and lit and agrees and shown
    got = f"dark {dark}, armed {armed}, button {pressed}, lit {lit}, money {agrees}, shown {shown}"
    return SceneResult("room_cut_off_and_armed_again", expected, expected if right else got)


def _is_put_off(supply: dict[str, Any]) -> bool:
    return _owes(supply) and supply["put_off_until"] is not None


def _is_dark(supply: dict[str, Any]) -> bool:
    return _owes(supply) and (supply["supply"], supply["advice"]) == (SupplyState.OFF, Advice.PAY)


def _is_armed(supply: dict[str, Any]) -> bool:
    is_said = supply["armed_at"] is not None and supply["advice"] == Advice.PRESS_BUTTON
    return is_said and supply["supply"] == SupplyState.ARMED


def _owes(supply: dict[str, Any]) -> bool:
    return any(ground["reason"] == TripReason.NO_CREDIT for ground in supply["grounds"])


def _shows_everything(page: dict[str, Any], wallet: dict[str, Any]) -> bool:
    """Return whether a holder's page shows their money, showers, room and what was paid for it."""
    lists = all(page[name] for name in ("showers", "home", "charges", "top_ups"))
    return lists and page["wallet_fen"] == wallet["available"]


def _brief(supply: dict[str, Any]) -> str:
    return f"{supply['supply']}, {supply['advice']}, {[ground['reason'] for ground in supply['grounds']]}"
