"""A gate at rest asks once a minute and is answered without a page; what it holds it says with its question."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from access.replica.sync import ACKNOWLEDGED_WITHIN_S, HINTED_INTERVAL, DirectorySync
from access.snapshot import ACKNOWLEDGED_HEADER, KEY_CHECK_HEADER, MODELS_HEADER, TIME_HEADER
from accounts import devices
from accounts.tables import Device
from accounts.vocabulary import PersonState
from directory import acknowledgements
from directory.lag import find_lags
from tests.databases import ON_BOTH, ON_SQLITE
from tests.directory.conftest import MODEL, Campus

pytestmark = ON_SQLITE

REVOKED_WITHIN_S = 2.0
"""What is refused within this time is also seen to be."""


class Line:
    """The way to the server, with what went over it."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.answers: list[tuple[str, int]] = []
        self.last: httpx.Response

    def get(self, url: str, **given: Any) -> httpx.Response:
        return self._note(self._client.get(url, **given))

    def post(self, url: str, **given: Any) -> httpx.Response:
        return self._note(self._client.post(url, **given))

    def _note(self, answer: httpx.Response) -> httpx.Response:
        self.last = answer
        self.answers.append((answer.request.url.path.rsplit("/", 1)[1], answer.status_code))
        return answer

    def take(self) -> list[tuple[str, int]]:
        taken, self.answers = self.answers, []
        return taken


class Gate:
    """A device that says with its question what it holds."""

    def __init__(self, campus: Campus, *, hints_arrive: bool = True) -> None:
        self.campus = campus
        self.replica = campus.replica()
        self.line = Line(campus.client)
        self.token = campus.token("main")
        self.sync = DirectorySync(
            "http://localhost",
            "main",
            self.token,
            self.replica,
            client=self.line,  # type: ignore[arg-type]
            models=lambda: (MODEL,),
            hints_arrive=lambda: hints_arrive,
            on_time=lambda _at: None,
        )

    def ask(self) -> list[tuple[str, int]]:
        self.sync._synchronise(acknowledges_at_once=False)
        return self.line.take()

    def behind(self) -> list[int]:
        with self.campus.database.read() as session:
            return [one.behind for one in find_lags(session, self.campus.clock.now)]


@pytest.fixture
def gate(campus: Campus) -> Gate:
    campus.gate("main")
    for face in range(3):
        campus.person("students", face=face)
    campus.publisher.publish()
    return Gate(campus)


def test_what_was_applied_is_acknowledged_with_the_next_question(gate: Gate) -> None:
    assert gate.ask() == [("changes", 200)]
    assert gate.behind() == []
    assert gate.sync.pause_s == ACKNOWLEDGED_WITHIN_S
    assert gate.ask() == [("changes", 200)]
    assert gate.behind() == [0]
    assert gate.sync.pause_s == HINTED_INTERVAL.total_seconds()

    gate.campus.set_state(gate.campus.people_in(gate.replica)[0], PersonState.SUSPENDED)
    gate.campus.publisher.publish()
    assert gate.ask() == [("changes", 200)]
    assert gate.behind() == [1]
    assert gate.sync.pause_s == ACKNOWLEDGED_WITHIN_S
    assert ACKNOWLEDGED_WITHIN_S <= REVOKED_WITHIN_S / 2, "whoever reports a loss waits for it"
    gate.ask()
    assert gate.behind() == [0]


def test_a_gate_in_step_is_answered_without_a_page_and_knows_that_it_is(gate: Gate) -> None:
    gate.ask()
    gate.ask()
    before, wanted = gate.replica.synced_at, gate.sync.status.models_wanted
    assert wanted == (MODEL,)
    assert gate.ask() == [("changes", 204)]
    assert before is not None
    assert gate.replica.synced_at is not None
    assert gate.replica.synced_at > before
    assert gate.sync.status.models_wanted == wanted
    said = gate.line.last.headers
    assert {KEY_CHECK_HEADER, TIME_HEADER, MODELS_HEADER} <= {name.title() for name in said}
    assert said[ACKNOWLEDGED_HEADER] == str(gate.replica.revision)


def test_an_edge_hears_of_which_events_its_camera_takes_a_picture(gate: Gate) -> None:
    state = gate.campus.client.app.state
    gate.ask()
    assert gate.sync.status.pictured_events == ()
    wanted = {"main": ("door_forced", "spoof")}
    state.directory = replace(state.directory, pictured_events=lambda name: wanted.get(name, ()))
    for status in (200, 204):
        assert gate.ask() == [("changes", status)]
        assert gate.sync.status.pictured_events == ("door_forced", "spoof")
    wanted.clear()
    gate.ask()
    assert gate.sync.status.pictured_events == ()


@ON_BOTH
def test_whatever_is_new_is_sent_to_a_gate_that_was_in_step(gate: Gate) -> None:
    gate.ask()
    gate.ask()
    policy = gate.replica.policy
    assert policy is not None
    gate.campus.set_policy(policy.model_copy(update={"model_id": None, "accepts_bare_uid": False}))
    gate.campus.publisher.publish()
    assert gate.ask() == [("changes", 200)]
    assert gate.replica.policy is not None
    assert not gate.replica.policy.accepts_bare_uid
    gate.ask()
    assert gate.ask() == [("changes", 204)]
    with gate.campus.database.begin() as session:
        devices.revoke(session, session.query(Device).one(), by="system", now=gate.campus.clock.now)
    with pytest.raises(Exception, match="refuses this device"):
        gate.ask()


def test_without_hints_it_asks_as_often_as_it_is_told(campus: Campus) -> None:
    campus.gate("main")
    campus.publisher.publish()
    gate = Gate(campus, hints_arrive=False)
    gate.ask()
    gate.ask()
    assert gate.sync.pause_s == timedelta(seconds=15).total_seconds()


class Wake(threading.Event):
    """Is never set; says how long somebody waited for it."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waited_s.append(timeout)
        return False


@pytest.mark.parametrize(("interval_s", "longest_s"), [(1, 60), (15, 60), (50, 60), (90, 90)])
def test_a_hint_that_was_lost_costs_a_minute_at_most(gate: Gate, interval_s: float, longest_s: float) -> None:
    gate.ask()
    gate.ask()
    gate.sync._interval = timedelta(seconds=interval_s)
    hints_arrive, hints_lost = Wake(), Wake()
    gate.sync._wait(hints_arrive, gate.sync.pause_s)
    assert sum(hints_arrive.waited_s) == longest_s
    gate.sync._hints_arrive = lambda: False
    gate.sync._wait(hints_lost, HINTED_INTERVAL.total_seconds())
    assert hints_lost.waited_s == [min(60, interval_s)], "a broker that goes away while it waits is noticed"


def test_a_digest_of_something_else_is_not_believed(gate: Gate) -> None:
    gate.ask()
    held = {"since": gate.replica.revision, "revoked_since": gate.replica.revision, "held": "0" * 64}
    headers = {"Authorization": f"Bearer {gate.token}"}
    answer = gate.campus.client.get("/api/v1/directory/gates/main/changes", params=held, headers=headers)
    assert (answer.status_code, answer.headers[ACKNOWLEDGED_HEADER]) == (200, "0")
    assert gate.behind() == []
    with gate.campus.database.read() as session:
        assert [one.reason for one in acknowledgements.find_contradictions(session)] == ["wrong_digest"]
    gate.ask()
    with gate.campus.database.read() as session:
        assert not acknowledgements.find_contradictions(session)


def test_a_device_that_was_away_for_long_contradicts_nothing(gate: Gate) -> None:
    gate.ask()
    for _ in range(2):
        gate.campus.clock.forward(hours=2)
        gate.campus.person("students")
        gate.campus.publisher.publish()
    assert gate.ask() == [("changes", 200), ("applied", 204)], "what the server cannot compare is said apart"
    with gate.campus.database.read() as session:
        assert not acknowledgements.find_contradictions(session)
    assert gate.behind() == [0]
