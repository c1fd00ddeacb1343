"""Random lives of a room: money comes and goes, days pass, loads burn, orders are lost; its supply must stay right."""

import shutil
import tempfile
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from database import Database, new_id
from metering.reader_contract import OrderOutcome
from metering.rooms.tables import Meter
from metering.supply import requests, room_state
from metering.supply.rules import TRIP_RULES
from metering.supply.states import RequestAction
from metering.supply.tables import OutdoorTemperature
from metering.supply.warnings import NoticeKind
from metering.vocabulary import MeterAction, SupplyState, TripReason
from tests.databases import CREDENTIAL_KEY
from tests.metering.supply.conftest import CAMPUS, NOON, make_dormitory

MOVES = {MeterAction.TRIP: SupplyState.OFF, MeterAction.CLOSE: SupplyState.ON}


class SupplyLife(RuleBasedStateMachine):
    """The real store on SQLite, and beside it a relay and an idea of the money."""

    template: Path

    @initialize(fen=st.sampled_from([-499, 5_000]), clock=st.sampled_from([time(23, 10), time(22, 58), time(12)]))
    def begin(self, fen: int, clock: time) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "life.db"
        shutil.copyfile(self.template, path)
        self.dormitory = make_dormitory(Database(f"sqlite:///{path}", credential_key=CREDENTIAL_KEY))
        self.relay = SupplyState.ON
        self.fen, self.is_used_up, self.falls = fen, False, 0
        self.dormitory.pay(fen)
        self.dormitory.now = datetime.combine(NOON.date(), clock, tzinfo=CAMPUS).astimezone(UTC)
        self.temperature = 20
        self.handed_out: set = set()
        self.held: list = []

    def teardown(self) -> None:
        if hasattr(self, "dormitory"):
            self.dormitory.database.close()
            self.folder.cleanup()

    @rule(fen=st.sampled_from([-6_000, -500, -1, 100, 600, 6_600]))
    def move_money(self, fen: int) -> None:
        self.fen += fen
        self.dormitory.pay(self.fen)
        self._review()

    @rule()
    def run_out_and_pay(self) -> None:
        """The whole way, which steps taken at random seldom go to its end."""
        for fen in (-600, 100):
            self.fen = fen
            self.dormitory.pay(fen)
            self._review()
            self.fetch("at once")

    @rule(minutes=st.sampled_from([1, 3, 10]))
    def wait(self, minutes: int) -> None:
        self.dormitory.wait(minutes=minutes)
        self._review()

    @rule(clock=st.sampled_from([time(22, 58), time(23, 30), time(8), time(12)]))
    def wait_until(self, clock: time) -> None:
        local = self.dormitory.now.astimezone(CAMPUS)
        ahead = datetime.combine(local.date(), clock, tzinfo=CAMPUS)
        self.dormitory.now = (ahead if ahead > local else ahead + timedelta(days=1)).astimezone(UTC)
        self._review()

    @rule(what=st.sampled_from(["cold", "warm", "overload", "staff", "malicious"]))
    def disturb(self, what: str) -> None:
        if what in {"cold", "warm"}:
            self._set_weather(-5 if what == "cold" else 20)
        elif what == "overload":
            with self.dormitory.database.begin() as session:
                keeper = self.dormitory.keeper
                keeper.add_ground(session, self.dormitory.room, TripReason.OVERLOAD, note="", now=self.dormitory.now)
        else:
            self._ask(RequestAction.TRIP, TripReason.STAFF if what == "staff" else TripReason.MALICIOUS_LOAD)

    @precondition(lambda self: hasattr(self, "dormitory") and self._liftable())
    @rule()
    def staff_lift(self) -> None:
        self._ask(RequestAction.ARM, self._liftable()[0])

    @rule(how=st.sampled_from(["at once", "at once", "later", "lost"]))
    def fetch(self, how: str) -> None:
        taken = self.dormitory.take()
        ids = {order.id for order in taken}
        assert not ids & self.handed_out, "an order is used once"
        self.handed_out |= ids
        if any(order.action is MeterAction.TRIP for order in taken):
            assert self._standing(), "who has paid is not cut off any more"
        if how != "lost":
            self.held += taken
        if how == "at once":
            self.obey()

    @rule()
    def obey(self) -> None:
        """The meter does what it was told so far, unless that is too old."""
        held, self.held = self.held, []
        for order in held:
            if self.dormitory.now < order.expires_at:
                self._execute(order)
                self.dormitory.answer(order, OrderOutcome.DONE, self.relay)

    @precondition(lambda self: getattr(self, "relay", None) is SupplyState.ARMED)
    @rule()
    def press(self) -> None:
        self._show(SupplyState.ON)
        self._review()

    @rule()
    def settle(self) -> None:
        """Let everything that is under way end; then the relay must be as the grounds want it."""
        self.held = []
        for _ in range(6):
            self._review()
            self.fetch("at once")
            self.dormitory.wait(minutes=6)
        self._review()
        self.fetch("at once")
        reasons = set(self._standing())
        if any(not TRIP_RULES[reason].is_put_off for reason in reasons):
            assert self.relay is SupplyState.OFF
        elif not reasons:
            assert self.relay is not SupplyState.OFF
        elif not self._is_spared(self.dormitory.now):
            assert self.relay is SupplyState.OFF

    @invariant()
    def money_is_the_only_ground_for_a_cut_off_of_its_kind(self) -> None:
        if hasattr(self, "dormitory"):
            assert (TripReason.NO_CREDIT in self._standing()) == self.is_used_up
            assert self.dormitory.inbox.kinds.count(NoticeKind.CUT_OFF_AHEAD) == self.falls

    def _set_weather(self, temperature: int) -> None:
        self.temperature = temperature
        until = self.dormitory.now + timedelta(days=30)
        with self.dormitory.database.begin() as session:
            session.add(
                OutdoorTemperature(
                    temperature_c=temperature, valid_until=until, set_by=new_id(), set_at=self.dormitory.now
                )
            )
        self._review()

    def _review(self) -> None:
        was, self.is_used_up = self.is_used_up, self.fen <= (0 if self.is_used_up else -500)
        self.falls += self.is_used_up and not was
        self.dormitory.review()

    def _execute(self, order) -> None:
        assert order.action is not MeterAction.CLOSE, "nothing is closed over a resident's head"
        if order.action is MeterAction.TRIP and TRIP_RULES[order.reason].is_put_off:
            assert not self._is_at_night(self.dormitory.now), "nobody is cut off for money at night"
        if order.action is MeterAction.ARM:
            self._show(SupplyState.ARMED if self.relay is SupplyState.OFF else self.relay)
        else:
            self._show(MOVES[order.action])

    def _show(self, relay: SupplyState) -> None:
        self.relay = relay
        with self.dormitory.database.begin() as session:
            meter = session.get_one(Meter, self.dormitory.meter)
            meter.supply, meter.status_at = relay, self.dormitory.now

    def _ask(self, action: RequestAction, reason: TripReason) -> None:
        now, dormitory = self.dormitory.now, self.dormitory
        with dormitory.database.begin() as session:
            requests.ask(
                session, dormitory.keeper, dormitory.room, action, reason,
                note="x", by=new_id(), two_persons=False, now=now,
            )  # fmt: skip

    def _standing(self) -> list[TripReason]:
        with self.dormitory.database.read() as session:
            return [ground.reason for ground in room_state.find_standing(session, self.dormitory.room)]

    def _liftable(self) -> list[TripReason]:
        return [reason for reason in self._standing() if TRIP_RULES[reason].may_staff_lift]

    def _is_spared(self, now: datetime) -> bool:
        return self._is_at_night(now) or self.temperature < 0

    def _is_at_night(self, now: datetime) -> bool:
        local = now.astimezone(CAMPUS).time()
        return local >= time(23) or local < time(8)


def test_whatever_happens_the_supply_follows_money_and_grounds(sqlite_template: Path) -> None:
    SupplyLife.template = sqlite_template
    run_state_machine_as_test(SupplyLife, settings=settings(max_examples=10, stateful_step_count=40))
