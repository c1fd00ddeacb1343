"""Synchronisation against a server that answers, errs, dies and comes back."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

import access.replica.sync
from access.replica import DirectorySync, SyncError, SyncRefusedError
from access.snapshot import TIME_HEADER
from tests.access.pages import POLICY, Directory, entry, person_id
from tests.waiting import PATIENCE_S


class Server:
    """The directory in memory behind HTTP; `faults` are answered first, one each."""

    def __init__(self, replica) -> None:
        self.directory = Directory()
        self.replica = replica
        self.faults: list[Callable[[], httpx.Response]] = []
        self.applied: list[dict] = []
        self.time: str | None = None
        self.asked = 0
        self.asked_again = threading.Event()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer token"
        if self.faults:
            return self.faults.pop(0)()
        if request.url.path.endswith("/applied"):
            self.applied.append(request.read())
            return httpx.Response(204)
        self.asked += 1
        self.asked_again.set()
        page = self.directory.page(self.replica, int(request.url.params["limit"]))
        headers = {} if self.time is None else {TIME_HEADER: self.time}
        return httpx.Response(200, content=page.model_dump_json(), headers=headers)

    def sync(self, base_url: str = "http://server/", **given) -> DirectorySync:
        return DirectorySync(
            base_url,
            "main",
            "token",
            self.replica,
            client=httpx.Client(transport=httpx.MockTransport(self)),
            **{"page_limit": 2} | given,
        )


@pytest.fixture
def server(open_replica) -> Server:
    return Server(open_replica())


def dead() -> httpx.Response:
    raise httpx.ConnectError("nobody listens")


def problem(status: int, code: str) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(status, json={"code": code})


NOON = datetime(2026, 9, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("base_url", "time", "told"),
    [
        ("https://server", "2026-09-01T12:00:00+08:00", [NOON]),
        ("http://127.0.0.1:8000", "2026-09-01T04:00:00+00:00", [NOON]),
        ("http://localhost:8000", "2026-09-01T04:00:00Z", [NOON]),
        ("http://server", "2026-09-01T04:00:00+00:00", []),  # anybody on the way could have written it
        ("http://localhost.example", "2026-09-01T04:00:00+00:00", []),
        ("https://server", None, []),  # the server does not believe its own clock
        ("https://server", "noon", []),
        ("https://server", "0001-01-01T00:00:00+14:00", []),
    ],
)
def test_the_servers_time_is_taken_where_it_is_surely_its_own(
    server: Server, base_url: str, time: str | None, told: list[datetime]
) -> None:
    heard: list[datetime] = []
    server.time = time
    server.sync(base_url, on_time=heard.append).run_once()
    assert heard == told


def test_a_time_that_was_long_on_its_way_is_not_taken(server: Server, monkeypatch) -> None:
    monkeypatch.setattr(access.replica.sync, "_TIME_WITHIN_S", -1.0)
    heard: list[datetime] = []
    server.time = NOON.isoformat()
    server.sync("https://server", on_time=heard.append).run_once()
    assert heard == []


def test_of_a_synchronisation_that_failed_no_time_is_taken(server: Server) -> None:
    heard: list[datetime] = []
    server.time = NOON.isoformat()
    sync = server.sync("https://server", on_time=heard.append)
    server.faults = [problem(500, "internal_error")]
    with pytest.raises(SyncError):
        sync.run_once()
    assert heard == []


def test_all_pages_are_fetched_and_the_state_is_acknowledged_once(server: Server) -> None:
    for number in range(5):
        server.directory.put(entry(number, face=number))
    sync = server.sync()
    assert sync.run_once() == 5
    sync.run_once()
    assert len(server.applied) == 1
    assert server.directory.digest.encode() in server.applied[0]
    assert (sync.status.error, sync.status.revision, sync.status.rebuilds) == (None, 5, 0)


@pytest.mark.parametrize(
    "fault",
    [
        dead,
        problem(500, "internal_error"),
        problem(503, "directory_not_published"),
        lambda: httpx.Response(200, content=b"<html>a captive portal</html>"),
        lambda: httpx.Response(200, content=b"[]"),
        lambda: httpx.Response(302, headers={"Location": "http://elsewhere/"}),
    ],
)
def test_while_the_server_is_away_or_talks_nonsense_what_is_held_stays(server: Server, fault) -> None:
    server.directory.put(entry(1, face=1))
    sync = server.sync()
    sync.run_once()
    proven = server.replica.synced_at
    server.faults = [fault]
    with pytest.raises(SyncError):
        sync.run_once()
    assert sync.status.error is not None
    assert server.replica.person(person_id(1)) is not None
    assert server.replica.synced_at == proven, "the age of what is held goes on counting"
    sync.run_once()
    assert sync.status.error is None


@pytest.mark.parametrize(("status", "code"), [(401, "not_a_device"), (403, "wrong_gate"), (404, "not_found")])
def test_a_refusal_is_told_apart_from_an_outage(server: Server, status: int, code: str) -> None:
    server.faults = [problem(status, code)]
    with pytest.raises(SyncRefusedError, match=code):
        server.sync().run_once()


def test_everything_is_fetched_anew_when_the_server_says_so(server: Server) -> None:
    for number in range(3):
        server.directory.put(entry(number, face=number))
    sync = server.sync()
    sync.run_once()
    server.faults = [problem(409, "directory_rebuild_required")]
    sync.run_once()
    assert sync.status.rebuilds == 1
    assert server.replica.count() == 3


def test_a_server_whose_sums_are_wrong_is_not_asked_for_ever(server: Server, monkeypatch) -> None:
    server.directory.put(entry(1, face=1))
    monkeypatch.setattr(Directory, "digest", "0" * 64)
    with pytest.raises(SyncError, match="does not add up"):
        server.sync().run_once()
    assert server.asked <= 10
    assert server.replica.synced_at is None


def test_a_new_policy_arrives_without_any_person(server: Server) -> None:
    sync = server.sync()
    sync.run_once()
    server.directory.policy = POLICY.model_copy(update={"accepts_bare_uid": False})
    server.directory.revision += 1
    sync.run_once()
    assert server.replica.policy is not None
    assert not server.replica.policy.accepts_bare_uid


class Running:
    """A synchronisation in its thread."""

    def __init__(self, sync: DirectorySync) -> None:
        self.stop, self.wake = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=sync.run, args=(self.stop, self.wake))

    def __enter__(self) -> "Running":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop.set()
        self.wake.set()
        self.thread.join(10)
        assert not self.thread.is_alive()


def test_a_hint_is_followed_at_once_and_not_at_the_next_interval(server: Server) -> None:
    with Running(server.sync(interval=timedelta(hours=1))) as running:
        assert server.asked_again.wait(PATIENCE_S)
        server.asked_again.clear()
        server.directory.put(entry(1, face=1))
        running.wake.set()
        assert server.asked_again.wait(PATIENCE_S)
    assert server.replica.person(person_id(1)) is not None


def test_the_server_is_asked_again_until_it_is_back_with_growing_pauses(server: Server, monkeypatch) -> None:
    pauses = []
    monkeypatch.setattr("bus.backoff.random.random", lambda: 1.0)
    server.faults = [dead] * 9

    class Wake(threading.Event):
        def wait(self, timeout=None) -> bool:
            pauses.append(timeout)
            if len(pauses) > 9:
                stop.set()
            return True

    stop = threading.Event()
    server.sync(interval=timedelta(seconds=15)).run(stop, Wake())
    assert pauses == pytest.approx([0.5, 1, 2, 4, 8, 16, 30, 30, 30, 15])
    assert server.replica.synced_at is not None


def test_a_hint_is_followed_once_and_a_hint_during_the_answer_asks_again(server: Server) -> None:
    waited_with = []
    stop = threading.Event()

    class Wake(threading.Event):
        def wait(self, timeout=None) -> bool:  # noqa: ARG002 - as its base
            waited_with.append(self.is_set())
            if len(waited_with) == 3:
                stop.set()
            return True

    wake = Wake()
    wake.set()
    hints = iter([False, True, False])
    original = server.replica.apply

    def apply(page, at):
        if next(hints):
            wake.set()
        return original(page, at)

    server.replica.apply = apply
    server.sync().run(stop, wake)
    assert waited_with == [False, True, False]


def test_a_refused_device_asks_rarely(server: Server) -> None:
    pauses = []
    server.faults = [problem(401, "not_a_device")] * 2

    class Wake(threading.Event):
        def wait(self, timeout=None) -> bool:
            pauses.append(timeout)
            if len(pauses) == 2:
                stop.set()
            return True

    stop = threading.Event()
    server.sync().run(stop, Wake())
    assert pauses == [60, 60]


def test_an_unexpected_error_does_not_end_the_synchronisation(server: Server, monkeypatch) -> None:
    """The thread that hears of revocations must not die of anything."""
    failures = iter([ValueError("a bug"), OSError("no space left on device")])
    original = server.replica.apply

    def apply(page, at):
        for failure in failures:
            raise failure
        return original(page, at)

    monkeypatch.setattr(server.replica, "apply", apply)
    pauses = []

    class Wake(threading.Event):
        def wait(self, timeout=None) -> bool:
            pauses.append(timeout)
            if len(pauses) == 3:
                stop.set()
            return True

    stop = threading.Event()
    server.sync().run(stop, Wake())
    assert server.replica.synced_at is not None
