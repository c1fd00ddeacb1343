"""Random lives of a bath house on the real ledger: whatever is lost, repeated, late or cut off, each session comes to
the price of its water, once, and never to more on the way.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from database import new_id
from messages.metering import SessionReport, SessionStep, session_id
from metering.sessions.tables import WaterSession
from tests.metering.sessions.bath import Bath, Student, hot

TIMES = int(os.environ.get("CAMPUSGATE_TEST_SEQUENCES", "1"))
FUNDS = 50_000
SHOWERS = st.integers(0, 1)


def price(litres: int) -> int:
    """25 yuan a tonne, half up."""
    return (litres * 25 + 5) // 10


@dataclass
class Shower:
    """What a controller knows: its session, how much has flowed, and what it has not sent."""

    device: UUID
    boot: UUID = field(default_factory=new_id)
    number: int = 0
    seq: int = 0
    litres: int = 0
    student: Student | None = None


class BathLife(RuleBasedStateMachine):
    """Two students, two showers, and a network that keeps what it likes. `bath` is set by the test."""

    bath: Bath

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.random = Random(seed)
        self.students = [self.bath.student(FUNDS) for _ in range(2)]
        self.showers = [Shower(device) for device in self.bath.showers]
        self.mail: list[SessionReport] = []
        self.used: dict[UUID, tuple[Student, int]] = {}

    def put(self, shower: Shower, step: str, *, by_total: bool = False, **fields: Any) -> None:
        assert shower.student is not None
        total = {"begin_total": 7_000, "total": 7_000 + 450 * shower.litres}
        since_start = {"begin": None, "now": None} if by_total else {}
        counts = () if step == "authorise" else (hot(shower.litres, **since_start, **total),)
        report = self.bath.report(
            shower.number, shower.seq, step, *counts, device=shower.device, boot_id=shower.boot,
            card=shower.student.shown, **fields,
        )  # fmt: skip
        shower.seq += 1
        self.mail.append(report)
        self.used[report.session] = shower.student, shower.litres

    @rule(which=SHOWERS, who=st.integers(0, 1))
    def tap(self, which: int, who: int) -> None:
        shower = self.showers[which]
        if shower.student is None:
            shower.number, shower.seq, shower.litres = shower.number + 1, 0, 0
            shower.student = self.students[who]
            self.put(shower, "authorise")

    @rule(which=SHOWERS, litres=st.integers(1, 60), who=st.integers(0, 1))
    def flow(self, which: int, litres: int, who: int) -> None:
        self.tap(which, who)
        shower = self.showers[which]
        if shower.student is not None:
            shower.litres += litres
            self.put(shower, "started" if shower.seq == 1 else "updated")

    @rule(which=SHOWERS)
    def tap_again(self, which: int) -> None:
        shower = self.showers[which]
        if shower.student is not None:
            self.put(shower, "ended", stop_reason="local")
            shower.student = None

    @rule(which=SHOWERS, litres=st.integers(0, 3))
    def lose_power(self, which: int, litres: int) -> None:
        """What flowed since the last report is known by the counter that outlives the cut."""
        shower = self.showers[which]
        if shower.student is not None:
            shower.litres += litres
            self.put(shower, "ended", by_total=True, stop_reason="power_lost")
            shower.student = None
        shower.boot, shower.number = new_id(), 0

    @precondition(lambda self: self.mail)
    @rule(times=st.integers(1, 2), is_kept=st.booleans())
    def deliver(self, times: int, is_kept: bool) -> None:
        report = self.random.choice(self.mail)
        for _ in range(times):
            answer = self.bath.send(report)
            assert (answer.session, answer.seq) == (report.session, report.seq)
        if not is_kept:
            self.mail.remove(report)

    @precondition(lambda self: self.mail)
    @rule()
    def lose(self) -> None:
        """Anything but an end, which a controller repeats until it is acknowledged."""
        report = self.random.choice(self.mail)
        if report.step is not SessionStep.ENDED:
            self.mail.remove(report)

    @precondition(lambda self: self.mail)
    @rule()
    def repeat_in_a_heartbeat(self) -> None:
        report = self.random.choice(self.mail)
        answer = self.bath.beat(device=report.device, boot_id=new_id(), queued=1, unsettled=report).answer
        assert answer is not None

    @precondition(lambda self: self.mail)
    @rule()
    def the_network_is_well(self) -> None:
        for report in self.mail:
            self.bath.send(report)
        self.mail.clear()

    @rule(seconds=st.sampled_from([1, 1_000, 3_000]), jobs=st.booleans())
    def time_passes(self, seconds: int, jobs: bool) -> None:
        self.bath.forward(seconds)
        if jobs:
            self.bath.expire()

    @invariant()
    def nobody_has_paid_more_than_they_used(self) -> None:
        if not getattr(self, "used", None):
            return
        paid = dict.fromkeys((student.id for student in self.students), 0)
        for row in self.rows():
            student, litres = self.used[row.id]
            assert row.billed <= price(litres), "never more than was used"
            assert row.person_id in (None, student.id)
            paid[student.id] += row.billed
        for student in self.students:
            assert self.bath.worth(student) == FUNDS - paid[student.id]

    def rows(self) -> list[WaterSession]:
        with self.bath.database.read() as session:
            rows = session.scalars(select(WaterSession).where(WaterSession.id.in_(self.used))).all()
            session.expunge_all()
        return list(rows)

    def teardown(self) -> None:
        """All that was kept arrives at last, in any order, and what runs ends."""
        if not hasattr(self, "showers"):
            return
        for which in range(len(self.showers)):
            self.tap_again(which)
        self.random.shuffle(self.mail)
        for report in self.mail:
            self.bath.send(report)
        for student in self.students:
            assert self.bath.free(student) == self.bath.worth(student), "an end lets go, not the clock"
        self.bath.forward(4_000)
        self.bath.expire()
        for row in self.rows():
            _, litres = self.used[row.id]
            assert (row.state, row.billed) == ("settled", price(litres)), row.doubts
        self.nobody_has_paid_more_than_they_used()
        for student in self.students:
            assert self.bath.free(student) == self.bath.worth(student), "nothing stays held"


def test_every_session_comes_to_the_price_of_its_water_once(bath: Bath) -> None:
    class Life(BathLife):
        def __init__(self) -> None:
            super().__init__()
            self.bath = bath

    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=(6 if bath.database.is_sqlite else 2) * TIMES,
            stateful_step_count=25,
            deadline=None,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_reports_of_many_sessions_at_the_same_moment_settle_each_once(bath: Bath) -> None:
    students = [bath.student(1_000) for _ in range(4)]
    reports = []
    for place, student in enumerate(students):
        who = {"device": bath.showers[place % 2], "boot_id": new_id(), "card": student.shown}
        reports += [bath.report(1, 0, "authorise", **who), bath.report(1, 1, "updated", hot(20), **who)]
        reports += [bath.report(1, 2, "ended", hot(40), **who)] * 2
    Random(7).shuffle(reports)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(bath.send, reports))
    assert [bath.worth(student) for student in students] == [900] * 4
    assert bath.worth(bath.merchant) == 400
    ids = {session_id(one.device, one.boot_id, 1) for one in reports}
    with bath.database.read() as session:
        states = session.execute(select(WaterSession.id, WaterSession.state)).all()
    assert {row.id: row.state for row in states} == dict.fromkeys(ids, "settled")
