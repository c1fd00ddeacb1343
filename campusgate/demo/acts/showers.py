"""The shower: what is paid is what its meter counted, whatever happens to its controller."""

import time
from typing import Any

from campusgate.demo.campus import CARD
from campusgate.demo.dormitory import HOT_WATER_FEN_PER_M3
from campusgate.demo.report import SceneResult
from campusgate.demo.simulated_shower import PULSES_PER_M3
from campusgate.demo.stage import QUIET_S, SETTLE_S, Stage, poll
from metering.shower.state import Times
from metering.vocabulary import SessionState, StopReason

_ML_PER_M3 = 1_000_000
_WATER_ML = 700


def shower_settles_exactly(stage: Stage) -> SceneResult:
    """Somebody showers, turns the tap off and taps the card: what is paid is what the meter counted, to the fen."""
    shower = _Shower(stage)
    stage.installations.turn_tap(is_open=True)
    granted = stage.at_the_shower(f"card {CARD['wang']}")
    flowed = poll(lambda: shower.ml >= _WATER_ML, SETTLE_S)
    stage.installations.turn_tap(is_open=False)
    time.sleep(QUIET_S)
    stage.at_the_shower(f"card {CARD['wang']}")
    wrong = shower.find_wrong(StopReason.LOCAL)
    stage.installations.turn_tap(is_open=True)
    expected = "meter, bill and wallet agree"
    got = expected if granted == "granted" and flowed and not wrong else f"{granted}, water {flowed}, {wrong}"
    return SceneResult("shower_settles_exactly", expected, got)


def shower_power_cut_costs_nothing(stage: Stage) -> SceneResult:
    """The power is cut while water runs: what had flowed is paid once it is back, and not a fen of what was held."""
    shower = _Shower(stage)
    # The card that ended the last shower; until then it would be the same tap.
    time.sleep(Times().tap_s)
    stage.at_the_shower(f"card {CARD['wang']}")
    flowed = poll(lambda: shower.ml >= _WATER_ML and bool(stage.resident.wallet()["holds"]), SETTLE_S)
    stage.cast.kill("shower")
    stage.installations.cut_showers_power()
    stage.narrator.write("The shower loses its power on purpose, in the middle of a shower.")
    stage.cast.start_shower()
    stage.cast.wait_for_shower()
    wrong = shower.find_wrong(StopReason.POWER_LOST)
    expected = "paid what had flowed, nothing held"
    got = expected if flowed and not wrong else f"water {flowed}, {wrong}"
    return SceneResult("shower_power_cut_costs_nothing", expected, got)


class _Shower:
    """One shower that begins now, and what its meter, its bill and the wallet say of it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._pulses = stage.installations.pulses
        self._balance = stage.resident.wallet()["balance"]
        self._before = _id(stage.resident.last_shower())

    @property
    def ml(self) -> int:
        """What the meter has counted since it began."""
        return (self._stage.installations.pulses - self._pulses) * _ML_PER_M3 // PULSES_PER_M3

    def find_wrong(self, reason: StopReason) -> str:
        """Wait until it is settled; return in words what does not agree, nothing if all does."""
        poll(self._is_settled, SETTLE_S)
        session, wallet = self._stage.resident.last_shower(), self._stage.resident.wallet()
        if session is None or _id(session) == self._before:
            return "no session"
        # Half up to the fen, as the price list says; worked out anew from the pulses.
        fen = (2 * self.ml * HOT_WATER_FEN_PER_M3 + _ML_PER_M3) // (2 * _ML_PER_M3)
        checks = {
            "state": (session["state"], SessionState.SETTLED),
            "end": (session["stop_reason"], reason),
            "ml": (session["hot_ml"], self.ml),
            "bill": (session["billed"], fen),
            "paid": (self._balance - wallet["balance"], fen),
            "holds": (len(wallet["holds"]), 0),
        }
        return ", ".join(f"{name} {said}, not {right}" for name, (said, right) in checks.items() if said != right)

    def _is_settled(self) -> bool:
        session = self._stage.resident.last_shower()
        settled = session is not None and _id(session) != self._before and session["state"] == SessionState.SETTLED
        return settled and not self._stage.resident.wallet()["holds"]


def _id(session: dict[str, Any] | None) -> str | None:
    return None if session is None else session["id"]
