"""Real controllers, a real broker, the real ledger: sessions settle to the fen while messages and power are lost.

`benchmarks.metering_sessions` does the same with thousands of sessions, and with processes that are killed.
"""

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from accounts.ledger import LedgerWriter
from accounts.payments.services import MoneyServices
from accounts.services import AccountsServices
from bus import Connection
from campusgate.demo.simulated_controller import ShowerSetting, SimulatedController
from campusgate.demo.unreliable_bus import Mishaps
from database import Database
from messages import SERVER_SENDER, TrustedKey, read_private_key, read_trusted_keys
from messages.metering import ShownCard
from metering.sessions.mqtt_port import ShowerPort
from metering.sessions.service import SessionService
from metering.shower.state import Phase, Times
from tests.databases import CREDENTIAL_KEY
from tests.doubles.water_campus import SITE, WaterCampus, judge
from tests.waiting import PATIENCE_S

SHOWERS = 4
QUICK = Times(ask_s=0.6, resend_s=0.15, longest_resend_s=0.5, record_s=0.1, closing_s=0.3, tap_s=0.1)


class Baths:
    """Four showers, and the server of them, which may be away."""

    def __init__(self, database: Database, folder: Path, connect: Callable[[str], Connection]) -> None:
        self._connect = connect
        self.campus = WaterCampus(
            folder, database.url.render_as_string(hide_password=False), SHOWERS, credential_key=CREDENTIAL_KEY
        )
        with database.begin() as session:
            self.campus.fill(session, datetime.now(UTC))
        self.campus.write_keys()
        self.money = MoneyServices(
            accounts=AccountsServices(database=database, secret=b"s" * 32), writer=LedgerWriter(database)
        )
        self.key = read_private_key(folder / "server.pem")
        self.port: ShowerPort | None = None
        self.connection: Connection | None = None
        self._starts = 0
        self.start_server()
        setting = ShowerSetting(
            SITE,
            folder,
            {SERVER_SENDER: TrustedKey(self.key.public_key())},
            Mishaps(lost=0.08, repeated=0.1, delayed=0.1, longest_delay_s=0.6),
            QUICK,
            poll_s=0.05,
        )
        chance, connection = random.Random(11), connect("showers")
        self.showers = [
            SimulatedController(device, key, connection, setting, chance) for device, key in self.campus.devices
        ]
        for shower in self.showers:
            shower.shower.flow_ml_per_s = 800
            shower.shower.stroke_s = 0.1

    def start_server(self) -> None:
        self._starts += 1
        trusted = read_trusted_keys(self.campus.folder / "trusted.json")
        self.connection = self._connect(f"server-{self._starts}")
        self.port = ShowerPort(self.connection, SITE, SessionService(self.money), key=self.key, trusted=trusted)
        self.port.start()

    def stop_server(self) -> None:
        if self.port is not None and self.connection is not None:
            self.connection.stop()
            self.port.stop()
            self.port = None

    def close(self) -> None:
        self.stop_server()
        self.money.writer.close()

    def live(self, until: Callable[[], bool], what: str) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while not until():
            assert time.monotonic() < end_s, what
            for shower in self.showers:
                shower.step()
            time.sleep(0.005)

    def live_for(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        self.live(lambda: time.monotonic() >= end_s, "time passes")

    def tap(self, number: int) -> None:
        controller = self.showers[number].controller
        assert controller is not None
        controller.show_card(ShownCard(digest=self.campus.digest(number)))

    def phase(self, number: int) -> Phase | None:
        controller = self.showers[number].controller
        return None if controller is None else controller.state.phase

    def counted(self, number: int) -> int | None:
        """The pulses that the controller read last."""
        controller = self.showers[number].controller
        return None if controller is None or not controller.state.totals else controller.state.totals[0].total

    def are_at_rest(self) -> bool:
        return all(shower.is_at_rest for shower in self.showers)

    def know_their_terms(self) -> bool:
        return all(shower.controller is not None and shower.controller.state.terms for shower in self.showers)


@pytest.fixture
def baths(database: Database, tmp_path: Path, make_broker, connect) -> Iterator[Baths]:
    broker = make_broker()
    baths = Baths(database, tmp_path, lambda name: connect(broker, name))
    yield baths
    baths.close()


@pytest.mark.parametrize(
    ("database", "make_broker"), [("sqlite", "embedded"), ("postgresql", "mosquitto")], indirect=True
)
def test_sessions_settle_to_the_fen_though_messages_power_network_and_server_are_lost(baths: Baths) -> None:
    baths.live(baths.know_their_terms, "prices arrive")
    for number in range(SHOWERS):
        baths.tap(number)
    baths.live(lambda: all(baths.phase(number) is Phase.OPEN for number in range(SHOWERS)), "water flows")
    baths.live_for(0.4)
    # Else as much might flow before the next reading as the counter goes back.
    baths.showers[2].shower.is_tap_open = False
    baths.live(lambda: baths.counted(2) == baths.showers[2].shower.pulses > 50, "all of it is counted")
    baths.showers[0].cut_power()
    baths.showers[1].bus.is_cut_off = True
    baths.tap(1)
    baths.showers[2].shower.set_counter_back(100)
    baths.stop_server()
    baths.tap(3)
    baths.live(lambda: baths.phase(3) is Phase.IDLE, "a session ends without the server")
    baths.tap(3)
    baths.live(lambda: baths.phase(3) is Phase.OPEN, "another one begins without it")
    baths.live_for(0.3)
    baths.start_server()
    baths.showers[0].switch_on()
    baths.showers[1].bus.is_cut_off = False
    baths.tap(3)
    baths.live(baths.are_at_rest, "everything is acknowledged")
    ended = [report for shower in baths.showers for report in shower.ended.values()]
    books = judge(baths.campus, ended)
    assert books.faults == []
    assert (len(ended), books.in_review) == (5, 1)
    assert books.billed_fen > 0
    assert books.states["in_review"] == 1
