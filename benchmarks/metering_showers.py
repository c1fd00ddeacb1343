"""Showers for a benchmark: many real controllers in one process, on simulated water and a network that misbehaves."""

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus import Backoff, BrokerAddress, Connection
from campusgate.demo.simulated_controller import ShowerSetting, SimulatedController
from campusgate.demo.unreliable_bus import Mishaps
from messages import SERVER_SENDER, TrustedKey, parse_trusted_keys
from messages.metering import SessionReport, ShownCard
from metering.shower.state import Phase
from tests.doubles.processes import quiet

MISHAPS = Mishaps(lost=0.05, repeated=0.05, delayed=0.05, longest_delay_s=20.0)
FLOW_ML_PER_S = 150
_POLL_S = 0.5
_TURN_S = 0.02
_LONGEST_S = 1_800.0
"""A run that takes longer has lost something."""


@dataclass(frozen=True, slots=True)
class Fates:
    """The share of sessions to which what happens."""

    power_cut: float = 0.05
    cut_off: float = 0.05
    """The shower has no network for a few seconds, so that sessions begin and end without the server."""
    cut_off_long: float = 0.01
    """For so long that the server has settled the session before its end arrives."""
    clock_jump: float = 0.02
    counter_back: float = 0.005
    valve_stuck: float = 0.01


@dataclass(frozen=True, slots=True)
class ShowersPlan:
    """What the process of the showers is given."""

    site: str
    port: int
    folder: Path
    server_key: str
    devices: tuple[tuple[str, bytes, str], ...]
    """Each controller's id and private key, and the digest of the card that is tapped there."""
    sessions: int
    seed: int
    away_s: float
    """The long while without network."""
    fates: Fates = field(default_factory=Fates)


def simulate(plan: ShowersPlan) -> None:
    """Let so many sessions happen, wait until the server has acknowledged every end, and write `ended.json`."""
    quiet()
    chance = random.Random(plan.seed)  # noqa: S311 - a fate that can be repeated
    trusted: dict[str, TrustedKey] = parse_trusted_keys({SERVER_SENDER: plan.server_key})
    connection = Connection(BrokerAddress(port=plan.port), "showers", backoff=Backoff(0.1, 0.5))
    setting = ShowerSetting(plan.site, plan.folder, trusted, MISHAPS, poll_s=_POLL_S)
    showers = [
        _Shower(
            SimulatedController(UUID(device), Ed25519PrivateKey.from_private_bytes(key), connection, setting, chance),
            ShownCard(digest=digest),
            plan,
            chance,
        )
        for device, key, digest in plan.devices
    ]
    connection.start()
    end_s = time.monotonic() + _LONGEST_S
    happened: Counter[str] = Counter()
    while True:
        now_s = time.monotonic()
        left = plan.sessions - sum(shower.sessions for shower in showers)
        for shower in showers:
            left -= shower.live(now_s, may_begin=left > 0)
        if left <= 0 and all(shower.is_over(now_s) for shower in showers):
            break
        if now_s > end_s:
            happened["not_settled"] = sum(shower.controller.unsettled for shower in showers)
            break
        time.sleep(_TURN_S)
    connection.stop()
    for shower in showers:
        happened.update(shower.happened)
    _write(plan.folder / "ended.json", showers, happened)


def _write(path: Path, showers: "list[_Shower]", happened: Counter[str]) -> None:
    ended = [json.loads(report.encode()) for shower in showers for report in shower.controller.ended.values()]
    pulses = sum(shower.controller.shower.pulses for shower in showers)
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"ended": ended, "pulses": pulses, "happened": happened}), encoding="utf-8")
    part.replace(path)


class _Shower:
    """One shower, the person at it, and what befalls both."""

    def __init__(
        self, controller: SimulatedController, card: ShownCard, plan: ShowersPlan, chance: random.Random
    ) -> None:
        self.controller = controller
        self.happened: Counter[str] = Counter()
        self._card = card
        self._plan = plan
        self._chance = chance
        self._next_s = time.monotonic() + chance.uniform(0, 5)
        self._later: list[tuple[float, Callable[[], None]]] = []
        controller.shower.flow_ml_per_s = FLOW_ML_PER_S

    @property
    def sessions(self) -> int:
        """Sessions that ended here or are under way."""
        state = self.controller.controller.state if self.controller.controller is not None else None
        is_under_way = state is not None and state.session is not None
        return len(self.controller.ended) + is_under_way

    def live(self, now_s: float, *, may_begin: bool) -> int:
        """Let a moment pass; return how many sessions began in it."""
        for due_s, happen in [one for one in self._later if one[0] <= now_s]:
            self._later.remove((due_s, happen))
            happen()
        self.controller.step()
        state = self.controller.controller.state if self.controller.controller is not None else None
        if state is None or now_s < self._next_s:
            return 0
        if state.phase is Phase.IDLE and may_begin and not state.is_stuck and state.terms is not None:
            self._tap()
            self._next_s = now_s + self._chance.uniform(3.0, 9.0)
            self._choose_fate(now_s)
            return 1
        if state.phase is Phase.OPEN:
            self._tap()
            # Longer than the seconds within which a card is taken for the same tap.
            self._next_s = now_s + 2.5
        return 0

    def is_over(self, now_s: float) -> bool:
        """Tell whether nothing is under way any more; somebody who forgot the second tap makes it."""
        state = self.controller.controller.state if self.controller.controller is not None else None
        return not self._later and state is not None and now_s >= self._next_s and self.controller.is_at_rest

    def _tap(self) -> None:
        if self.controller.controller is not None:
            self.controller.controller.show_card(self._card)

    def _choose_fate(self, now_s: float) -> None:
        doings: dict[str, Callable[[float], None]] = {
            "power_cut": self._power_cut,
            "cut_off": lambda at_s: self._cut_off(at_s, self._chance.uniform(3.0, 12.0)),
            "cut_off_long": lambda at_s: self._cut_off(at_s, self._plan.away_s),
            "clock_jump": self._clock_jump,
            "counter_back": self._counter_back,
            "valve_stuck": self._valve_stuck,
        }
        for name, share in asdict(self._plan.fates).items():
            if self._chance.random() < share:
                self.happened[name] += 1
                doings[name](now_s + self._chance.uniform(0.2, 6.0))

    def _power_cut(self, at_s: float) -> None:
        self._later.append((at_s, self.controller.cut_power))
        self._later.append((at_s + self._chance.uniform(0.1, 4.0), self.controller.switch_on))

    def _cut_off(self, at_s: float, for_s: float) -> None:
        def cut(*, off: bool) -> None:
            self.controller.bus.is_cut_off = off

        self._later.append((at_s, lambda: cut(off=True)))
        self._later.append((at_s + for_s, lambda: cut(off=False)))

    def _clock_jump(self, at_s: float) -> None:
        def jump(hours: float) -> None:
            self.controller.clock.wrong_by = timedelta(hours=hours)

        wrong = self._chance.choice((-30.0, -1.0, 5.0))
        self._later.append((at_s, lambda: jump(wrong)))
        self._later.append((at_s + 5.0, lambda: jump(0.0)))

    def _counter_back(self, at_s: float) -> None:
        self._later.append((at_s, lambda: self.controller.shower.set_counter_back(400)))

    def _valve_stuck(self, at_s: float) -> None:
        def stick(*, sticks: bool) -> None:
            self.controller.shower.is_stuck = sticks

        self._later.append((at_s, lambda: stick(sticks=True)))
        self._later.append((at_s + 12.0, lambda: stick(sticks=False)))


def read_ended(folder: Path) -> tuple[list[SessionReport], int, dict[str, int]]:
    """Return what `simulate` wrote: every session's end, all pulses that flowed, and how often what happened."""
    found = json.loads((folder / "ended.json").read_text(encoding="utf-8"))
    ended = [SessionReport.decode(json.dumps(one).encode()) for one in found["ended"]]
    return ended, int(found["pulses"]), dict(found["happened"])
