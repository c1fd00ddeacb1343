"""What the server says by itself stands for an answer, for as long as it would have: a gate at rest asks nothing."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from access.passages import TRUSTED_FOR, PassageLog, PassageSync, PresencePage, Verdict, ZoneStanding
from access.passages.standing import AHEAD, OLDEST
from access.passages.sync import AWAITED_FOR_S, INTERVAL
from access.policy import Direction, FirstPerson, GatePolicy, Occupancy
from access.snapshot import TIME_HEADER, PersonEntry
from database import new_id

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
POLICY = GatePolicy(gate="west", inner_zone="hall", direction=Direction.ENTRY, occupancy=Occupancy(limit=9))
EVERY_S = 10.0
ANN = PersonEntry(person_id=new_id(), groups=("students",))


def standing(second: float, *, revision: int = 7, inside: int = 3, zone: str = "hall", **changes) -> ZoneStanding:
    fields = {"zone": zone, "revision": revision, "inside": inside, "forgiven_before": None}
    return ZoneStanding(at=NOW + second * SECOND, **fields | changes)


def answer(
    log: PassageLog, second: float, *, server: float | None = None, policy: GatePolicy = POLICY, revision: int = 7
):
    """What follows a question that was asked at `second`, by a server whose clock was at `server`."""
    log.begin_fetch(POLICY)
    page = PresencePage(zone="hall", whole=True, to_revision=7, latest_revision=7, inside=3)
    said_at = NOW + (second if server is None else server) * SECOND
    log.apply(page, POLICY, lambda _: None, NOW + second * SECOND, server_at=said_at)


def knows(log: PassageLog, second: float, policy: GatePolicy = POLICY) -> bool:
    return log.context_for(ANN.person_id, policy, NOW + second * SECOND, NOW).passages_known


@pytest.fixture
def log() -> Iterator[PassageLog]:
    log = PassageLog.in_memory()
    answer(log, 0)
    yield log
    log.close()


def confirm(log: PassageLog, said: ZoneStanding, second: float, policy: GatePolicy = POLICY) -> Verdict:
    return log.confirm(said, policy, NOW + second * SECOND)


def test_what_the_server_says_counts_from_its_own_time_and_not_from_its_arrival(log: PassageLog) -> None:
    assert confirm(log, standing(10, inside=5), 18) is Verdict.CONFIRMS
    assert knows(log, 10 + TRUSTED_FOR.total_seconds())
    assert not knows(log, 11 + TRUSTED_FOR.total_seconds())


def test_it_brings_how_many_are_inside_and_who_was_forgiven(log: PassageLog) -> None:
    log.record_passage(ANN, POLICY, Direction.ENTRY, NOW + SECOND)
    before = log.context_for(ANN.person_id, POLICY, NOW + 2 * SECOND, NOW)
    assert (before.inside, before.last_passage is not None) == (4, True)
    assert confirm(log, standing(10, inside=5), 10) is Verdict.CONFIRMS
    assert log.context_for(ANN.person_id, POLICY, NOW + 10 * SECOND, NOW).inside == 6, "and one whom the server missed"
    assert confirm(log, standing(20, inside=5, forgiven_before=NOW + 5 * SECOND), 20) is Verdict.CONFIRMS
    after = log.context_for(ANN.person_id, POLICY, NOW + 20 * SECOND, NOW)
    assert (after.inside, after.last_passage) == (5, None)


_OLDEST_S, _AHEAD_S = OLDEST.total_seconds(), AHEAD.total_seconds()


@pytest.mark.parametrize(
    ("said", "second", "verdict"),
    [
        (standing(10, zone="campus"), 10, Verdict.ANOTHER_ZONE),
        (standing(10, revision=8), 10, Verdict.NEWS),
        (standing(10, revision=6), 10, Verdict.EARLIER),
        (standing(0), 1, Verdict.REPEATED),
        (standing(-5), 1, Verdict.REPEATED),
        (standing(10), 11 + _OLDEST_S, Verdict.OLD),
        (standing(10), 9 - _AHEAD_S, Verdict.AHEAD_OF_CLOCK),
    ],
    ids=lambda value: value.value if isinstance(value, Verdict) else "",
)
def test_what_says_nothing_here_changes_nothing(
    log: PassageLog, said: ZoneStanding, second: float, verdict: Verdict
) -> None:
    heard_at = log.heard_at
    assert confirm(log, said, second) is verdict
    assert (log.heard_at, log.told_at, log.revision) == (heard_at, None, 7)
    assert log.context_for(ANN.person_id, POLICY, NOW, NOW).inside == 3
    assert verdict.asks is (verdict in {Verdict.NEWS, Verdict.EARLIER})


def test_the_same_word_counts_once(log: PassageLog) -> None:
    assert confirm(log, standing(10), 10) is Verdict.CONFIRMS
    assert confirm(log, standing(10), 11) is Verdict.REPEATED
    assert confirm(log, standing(9), 11) is Verdict.REPEATED


def test_an_answer_that_was_long_on_its_way_lets_no_earlier_word_count_again(log: PassageLog) -> None:
    assert confirm(log, standing(10), 10) is Verdict.CONFIRMS
    answer(log, 8, server=8)
    assert confirm(log, standing(9, inside=9), 11) is Verdict.REPEATED
    assert log.heard_at == NOW + 8 * SECOND


def test_nothing_counts_before_the_server_has_answered(log: PassageLog) -> None:
    fresh = PassageLog.in_memory()
    assert confirm(fresh, standing(1), 1) is Verdict.CHANGED
    fresh.begin_fetch(POLICY)
    assert confirm(fresh, standing(1, revision=0), 1) is Verdict.NOT_ASKED
    page = PresencePage(zone="hall", whole=True, to_revision=0, latest_revision=0, inside=0)
    fresh.apply(page, POLICY, lambda _: None, NOW, server_at=None)
    assert confirm(fresh, standing(1, revision=0), 1) is Verdict.NOT_ASKED, "an answer without the server's time"
    assert not knows(fresh, 60)
    fresh.close()


def test_another_zone_or_another_group_that_comes_first_is_asked_about_before_anything_counts(log: PassageLog) -> None:
    changed = POLICY.model_copy(update={"first_person": FirstPerson(groups=("staff",))})
    assert confirm(log, standing(10), 10, changed) is Verdict.CHANGED
    assert Verdict.CHANGED.asks
    log.begin_fetch(changed)
    assert not knows(log, 1, changed), "the answer before was to another question"
    assert confirm(log, standing(10, revision=0), 10, changed) is Verdict.NOT_ASKED


def test_what_was_said_before_is_refused_also_when_the_clock_is_set_back_to_then(log: PassageLog) -> None:
    assert confirm(log, standing(10), 10) is Verdict.CONFIRMS
    answer(log, -3600, server=20)
    for second in range(-3600, 20, 600):
        assert confirm(log, standing(second), second) is Verdict.REPEATED
    assert not knows(log, -3600 + 1 + TRUSTED_FOR.total_seconds())


def test_a_server_that_is_a_little_ahead_is_heard_no_later_than_now(log: PassageLog) -> None:
    assert confirm(log, standing(11), 10) is Verdict.CONFIRMS
    assert log.heard_at == NOW + 10 * SECOND
    log.redate(NOW + 10 * SECOND)
    assert knows(log, 11)


def test_a_gate_whose_clock_is_a_little_ahead_goes_on_from_the_later_of_two_words(log: PassageLog) -> None:
    answer(log, 18, server=12)
    assert confirm(log, standing(13), 19) is Verdict.CONFIRMS
    assert log.heard_at == NOW + 18 * SECOND


class Life:
    """A gate that follows its zone, second by second: time passes only while its thread waits."""

    def __init__(self, log: PassageLog) -> None:
        self.log = log
        self.second = 0.0
        self.asked: list[float] = []
        self.passed_at = self.restored_at = float("inf")
        self.server_answers = True
        self.says: Callable[[float], ZoneStanding | None] = lambda _second: None
        self.clock_off = 0.0
        client = httpx.Client(transport=httpx.MockTransport(self._answer))
        self.sync = PassageSync("http://server", "west", "token", self, log, client=client, now=lambda: self.now)
        self.policy: GatePolicy | None = POLICY
        self.wake, self.stop = Waits(self), Waits(self)

    @property
    def revision(self) -> int:
        if self.second >= self.restored_at:
            return 6
        return 7 if self.second < self.passed_at else 8

    @property
    def now(self) -> datetime:
        return NOW + (self.second + self.clock_off) * SECOND

    def person(self, _person_id: object) -> None:
        return None

    def run(self, seconds: float) -> list[float]:
        """Return when it asked within so many seconds."""
        self._end, self.asked = self.second + seconds, []
        self.stop.clear()
        self.sync.run(self.stop, self.wake)
        return self.asked

    def pass_time(self, seconds: float, event: threading.Event) -> None:
        until = self.second + seconds
        while self.second < until and not event.is_set():
            self.second = min(until, float(int(self.second) + 1))
            if self.second % EVERY_S == 0 and (said := self.says(self.second)) is not None:
                verdict = self.log.confirm(said, POLICY, self.now)
                if verdict.asks:
                    self.wake.set()
            if self.second >= self._end:
                self.stop.set()
                self.wake.set()

    def _answer(self, _request: httpx.Request) -> httpx.Response:
        self.asked.append(self.second)
        if not self.server_answers:
            raise httpx.ConnectError("nobody listens")
        page = PresencePage(
            zone="hall", whole=False, to_revision=self.revision, latest_revision=self.revision, inside=3
        )
        said_at = (NOW + self.second * SECOND).isoformat()
        return httpx.Response(200, content=page.model_dump_json(), headers={TIME_HEADER: said_at})


class Waits(threading.Event):
    """Waiting takes no time here, and is what time passes by."""

    def __init__(self, life: Life) -> None:
        super().__init__()
        self._life = life

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        if not self.is_set():
            self._life.pass_time(timeout, self)
        return self.is_set()


@pytest.fixture
def life(log: PassageLog) -> Life:
    return Life(log)


HOUR = 3600.0
PERIOD_S = INTERVAL.total_seconds()


def test_a_gate_that_hears_nothing_asks_at_every_interval(life: Life) -> None:
    asked = life.run(HOUR)
    assert len(asked) == pytest.approx(HOUR / PERIOD_S, abs=2)


def test_a_gate_that_is_told_how_its_zone_stands_asks_once_at_its_start(life: Life) -> None:
    life.says = standing
    assert life.run(HOUR) == [0.0]
    assert knows(life.log, HOUR)


def test_a_gate_that_hears_nothing_more_asks_before_what_it_knows_is_too_old(life: Life) -> None:
    life.says = standing
    life.run(600)
    life.says = lambda _second: None
    _, first, *further = life.run(600)
    assert 600 + AWAITED_FOR_S[0] <= first <= 600 + AWAITED_FOR_S[1]
    assert first < 600 + TRUSTED_FOR.total_seconds() - PERIOD_S, "and once more before that"
    assert len(further) == pytest.approx((600 - first + 600) / PERIOD_S, abs=2)


def test_a_word_that_was_lost_costs_nothing(life: Life) -> None:
    life.says = lambda second: standing(second) if second % (2 * EVERY_S) == EVERY_S else None
    assert life.run(600) == [0.0]


def test_a_passage_elsewhere_is_asked_for_with_the_next_word(life: Life) -> None:
    life.says = lambda second: standing(second, revision=life.revision)
    life.passed_at = 304.0
    assert life.run(HOUR) == [0.0, 310.0]
    assert life.log.revision == 8


def test_a_database_that_counted_less_is_asked_with_its_first_word(life: Life) -> None:
    life.says = lambda second: standing(second, revision=life.revision)
    life.restored_at = 304.0
    assert life.run(HOUR) == [0.0, 310.0]
    assert life.log.revision == 6


def test_an_answer_about_another_zone_than_the_gates_changes_nothing(life: Life) -> None:
    """The server has another policy than the gate, which hears of it in a moment."""
    life.policy = POLICY.model_copy(update={"inner_zone": "yard"})
    life.run(60)
    assert (life.log.revision, life.log.heard_at) == (0, None)


@pytest.mark.parametrize("off_s", [-5.0, 15.0, 3600.0], ids=["behind", "ahead", "far ahead"])
def test_a_gate_whose_clock_is_wrong_asks_as_before(life: Life, off_s: float) -> None:
    life.says, life.clock_off = standing, off_s
    assert len(life.run(HOUR)) == pytest.approx(HOUR / PERIOD_S, abs=2)


@pytest.mark.parametrize("off_s", [-600.0, 600.0])
def test_a_clock_that_jumps_is_noticed_within_an_interval(life: Life, off_s: float) -> None:
    life.says = standing
    life.run(605)
    life.clock_off = off_s
    _, first, *_ = life.run(100)
    assert first <= 605 + 2 * PERIOD_S


def test_an_older_word_played_again_and_again_does_not_keep_a_gate_from_asking(life: Life) -> None:
    life.says = standing
    life.run(600)
    life.says = lambda second: standing(600 - (second - 600))
    assert len(life.run(600)) >= 600 / PERIOD_S - 3
