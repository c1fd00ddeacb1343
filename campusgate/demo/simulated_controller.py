"""A shower's real controller around simulated water and an unreliable network, which loses its power when told to."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus.port import Bus
from campusgate.demo.simulated_shower import LastShown, SimulatedClock, SimulatedShower
from campusgate.demo.unreliable_bus import Mishaps, UnreliableBus
from messages import ShowerTopics, TrustedKey
from messages.metering import SessionReport, SessionStep
from metering.shower.device import ShowerController, Surroundings
from metering.shower.link import ShowerLink
from metering.shower.records import ShowerRecords
from metering.shower.state import Times


@dataclass(frozen=True, slots=True)
class ShowerSetting:
    """What is the same for all showers of a simulation."""

    site: str
    folder: Path
    trusted: Mapping[str, TrustedKey]
    """The server's key."""
    mishaps: Mishaps = field(default_factory=Mishaps)
    times: Times = field(default_factory=Times)
    poll_s: float = 0.25


class _ObservedRecords(ShowerRecords):
    """Remembers each session's last end, as the controller kept it."""

    def __init__(self, path: Path, ended: dict[UUID, SessionReport]) -> None:
        super().__init__(path)
        self._ended = ended

    def save(self, report: SessionReport) -> None:
        """Keep `report` as the one record of its session."""
        super().save(report)
        if report.step is SessionStep.ENDED:
            self._ended[report.session] = report


class SimulatedController:
    """One shower. Who drives it calls `step` several times a second."""

    def __init__(
        self, device: UUID, key: Ed25519PrivateKey, bus: Bus, setting: ShowerSetting, chance: random.Random
    ) -> None:
        """Switch it on."""
        self.device = device
        self.clock = SimulatedClock()
        self.shower = SimulatedShower(self.clock)
        self.display = LastShown()
        self.bus = UnreliableBus(bus, setting.mishaps, chance)
        self.ended: dict[UUID, SessionReport] = {}
        """Every session that ended here, with what it used."""
        self._key = key
        self._setting = setting
        self._records: ShowerRecords | None = None
        self.controller: ShowerController | None = None
        self.switch_on()

    def switch_on(self) -> None:
        """Start the controller with what it kept."""
        boot_id = uuid4()
        self._records = _ObservedRecords(self._setting.folder / f"{self.device}.db", self.ended)
        self.controller = ShowerController(
            self.device,
            boot_id,
            Surroundings(self.shower, self._records, self.display, self.clock),
            lambda on_answer: ShowerLink(
                self.bus,
                ShowerTopics(self._setting.site, self.device),
                boot_id,
                key=self._key,
                trusted=self._setting.trusted,
                now=self.clock.now,
                on_answer=on_answer,
            ),
            times=self._setting.times,
            poll_s=self._setting.poll_s,
        )

    def cut_power(self) -> None:
        """Stop in the middle of whatever it does: only what is on disk is left."""
        self.controller = None
        if self._records is not None:
            self._records.close()
        self.shower.cut_power()

    def step(self) -> None:
        """Let it work on what is due."""
        self.bus.pump()
        if self.controller is not None:
            self.controller.step()

    @property
    def is_at_rest(self) -> bool:
        """Whether no session is under way or waits for the server."""
        return self.controller is not None and self.controller.state.session is None and not self.unsettled

    @property
    def unsettled(self) -> int:
        """Sessions that wait for the server."""
        return len(self.controller.state.unsettled) if self.controller is not None else 0
