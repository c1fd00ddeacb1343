"""A room's meters over random lives: read, replaced, silent, mistaken, read late; what is billed is what passed."""

import shutil
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from database import Database
from metering.readings.values import Register
from metering.rooms import installation
from metering.rooms.consumption import find_consumption, find_known_until
from metering.rooms.courses import load_courses
from metering.rooms.installation import Exchange
from metering.rooms.tables import Meter, Room
from metering.vocabulary import ReadingSource
from tests.metering.dormitory import BY, Dormitory, at

REGISTER = Register(digits=5, decimals=1, ratio=2, max_w=60_000)
"""Wraps at 9,999.9 kWh; behind the transformers a digit is 200 Wh, and 300 digits pass in an hour."""


@dataclass
class Counter:
    """A real meter: what passed it is `passed`, what it shows wraps."""

    meter: Meter
    starts_at: int
    passed: int = 0

    @property
    def shown(self) -> int:
        return (self.starts_at + self.passed) % REGISTER.size


class RoomLife(RuleBasedStateMachine):
    """Hours go by; the model knows what passed at each hour, the server only what it was told."""

    template: Path

    @initialize(shown=st.sampled_from([0, 500, 99_700]))
    def begin(self, shown: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "campusgate.db"
        shutil.copyfile(self.template, path)
        self.database = Database(f"sqlite:///{path}", credential_key=b"c" * 32)
        self.dormitory = Dormitory(self.database, now=at(500))
        self.room: Room = self.dormitory.room()
        self.hour, self.meters = 0, 1
        self.counter = Counter(self.dormitory.installed(self.room, "M1", digits=shown, register=REGISTER), shown)
        self.total = 0
        self.truth = {0: 0}
        self.late: list[tuple[int, int]] = []
        self.changed_at = {0}

    @rule(used=st.integers(0, 300))
    def an_hour_goes_by(self, used: int) -> None:
        self.hour += 1
        self.counter.passed += used
        self.total += used
        self.truth[self.hour] = self.total

    @rule(frozen=st.booleans())
    def the_meter_is_read(self, frozen: bool) -> None:
        source = ReadingSource.FROZEN if frozen else ReadingSource.CYCLE
        answer = self.dormitory.read(self.counter.meter, (self.hour, self.counter.shown), source=source)
        assert answer.in_review == 0
        assert not answer.refused

    @rule()
    def a_reading_is_kept_by_the_reader(self) -> None:
        self.late.append((self.hour, self.counter.shown))

    @precondition(lambda self: self.late)
    @rule()
    def what_the_reader_kept_comes_in(self) -> None:
        assert self.dormitory.read(self.counter.meter, *self.late).in_review == 0
        self.late = []

    @rule(digits=st.integers(0, REGISTER.size - 1))
    def noise_comes_in_for_a_reading(self, digits: int) -> None:
        """Half an hour later comes what cannot be; then the meter is read as it is."""
        self.the_meter_is_read(False)
        wrong = (self.counter.shown + 400 + digits) % REGISTER.size
        if (wrong - self.counter.shown) % REGISTER.size > 400:
            assert self.dormitory.read(self.counter.meter, (self.hour + 0.5, wrong)).in_review == 1
        self.an_hour_goes_by(0)
        self.the_meter_is_read(False)

    @precondition(lambda self: self.hour not in self.changed_at and not self.late)
    @rule(first=st.integers(0, REGISTER.size - 1))
    def the_meter_is_replaced(self, first: int) -> None:
        self.meters += 1
        new = self.dormitory.meter(f"M{self.meters}")
        wanted = Exchange(self.counter.meter.id, new.id, at(self.hour), self.counter.shown, first)
        with self.database.begin() as session:
            installation.exchange(session, wanted, by=BY, now=self.dormitory.now)
        self.counter = Counter(new, first)
        self.changed_at.add(self.hour)

    @invariant()
    def what_is_billed_until_the_last_reading_is_what_passed(self) -> None:
        with self.database.read() as session:
            courses = load_courses(session, self.room.id, at(0), at(self.hour + 1))
        known = find_known_until(courses)
        assert known is not None
        hour = round((known - at(0)) / timedelta(hours=1))
        assert known == at(hour)
        assert find_consumption(courses, at(0), known).wh == self.truth[hour] * 200
        if hour > 1:
            middle = at(0) + (known - at(0)) / 3
            parts = find_consumption(courses, at(0), middle).wh + find_consumption(courses, middle, known).wh
            assert parts == self.truth[hour] * 200

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()


def test_whatever_happens_to_a_rooms_meters_what_passed_is_billed_once(sqlite_template: Path) -> None:
    RoomLife.template = sqlite_template
    RoomLife.TestCase.settings = settings(max_examples=8, stateful_step_count=20)
    RoomLife.TestCase("runTest").runTest()
