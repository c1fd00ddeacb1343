import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import httpx
import pytest
from sqlalchemy import event

from accounts import audit
from console.live import feed
from console.live.feed import Feed
from console.live.state import Scope
from console.live.stream import stream_gates
from database import DatabaseBusyError, StorageError, new_id
from messages import DoorState, DoorStatus, Health
from tests.waiting import PATIENCE_S

PASSWORD = "a quiet evening at the gate"


@pytest.fixture
def client(console) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=console.url, timeout=10, headers={"Origin": console.url}) as client:
        answer = client.post("/console/sign-in", data={"number": "F1", "password": PASSWORD})
        assert answer.status_code == 303
        yield client


def passages(client: httpx.Client, count: int, last_seen: str | None = None) -> list[tuple[str, str]]:
    """Read the stream until `count` passages came, and return their (stream id, kind)."""
    headers = {"Last-Event-ID": last_seen} if last_seen else {}
    found, current = [], {}
    if count == 0:
        return found
    with client.stream("GET", "/console/stream", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if line:
                current[name] = value
            elif current.get("event") == "passage":
                found.append((current["id"], json.loads(current["data"])["kind"]))
                if len(found) == count:
                    return found
            if not line:
                current = {}
    return found


def test_a_browser_that_comes_back_gets_exactly_what_it_missed(console, client) -> None:
    console.happen(2, kind="access_granted")
    first = passages(client, 2)
    console.happen(3, kind="access_denied")
    again = passages(client, 3, last_seen=first[-1][0])
    assert [kind for _, kind in first + again] == ["access_granted"] * 2 + ["access_denied"] * 3
    assert len({number for number, _ in first + again}) == 5


def test_a_new_browser_begins_with_the_last_few(console, client) -> None:
    console.happen(40)
    assert len(passages(client, 30)) == 30


def test_nobody_reads_the_stream_without_signing_in(console) -> None:
    assert httpx.get(f"{console.url}/console/stream", timeout=PATIENCE_S).status_code == 401


def test_the_cookies_are_out_of_reach_of_scripts_and_other_sites(console) -> None:
    answer = httpx.post(
        f"{console.url}/console/sign-in",
        data={"number": "F1", "password": PASSWORD},
        headers={"Origin": console.url},
        timeout=PATIENCE_S,
    )
    for cookie in answer.headers.get_list("set-cookie"):
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()


def test_a_stream_without_its_page_is_a_look_too(console, client) -> None:
    console.happen(3, kind="access_granted")
    assert len(passages(client, 3, last_seen="0")) == 3
    with console.database.read() as session:
        (line,) = [one for one in audit.find(session, limit=100) if one.action == "events.read"]
    assert (line.actor, line.subject) == (f"person:{console.people['F1']}", "events:list")


def test_whoever_is_far_behind_is_told_nothing_more_once_they_may_not_see_it(console) -> None:
    """The past is long, and a slow reader's stream could go through it for hours."""
    console.happen(1000)
    looks = iter([True] * 3)

    async def still_allowed() -> bool:
        return next(looks, False)

    async def read() -> bytes:
        told = stream_gates(Feed(console.app.state.console), last_seen=0, still_allowed=still_allowed, scope=Scope())
        return b"".join([part async for part in told])

    found = asyncio.run(read()).decode()
    assert 0 < found.count("event: passage") < 1000
    assert found.rstrip().split("\n\n")[-1].startswith("event: again")


@pytest.mark.parametrize(
    "error", [StorageError("unreachable"), DatabaseBusyError()], ids=lambda one: type(one).__name__
)
def test_a_stream_ends_without_a_word_where_the_database_does_not_answer(console, error: Exception) -> None:
    """It is no fault of the page's server: the browser opens it anew, and goes on behind the last id it saw."""
    console.happen(3)
    looks = 0

    async def still_allowed() -> bool:
        nonlocal looks
        looks += 1
        if looks > 2:
            raise error
        return True

    async def read() -> bytes:
        told = stream_gates(Feed(console.app.state.console), last_seen=0, still_allowed=still_allowed, scope=Scope())
        return b"".join([part async for part in told])

    found = asyncio.run(read()).decode()
    assert found.startswith("retry: ")
    assert found.count("event: passage") == 3
    assert "event: again" not in found


def test_a_wall_is_sent_no_names_and_a_gates_page_nothing_of_other_gates(console) -> None:
    person = new_id()
    console.names[person] = "Wang"
    console.happen(person_id=person)
    console.happen(kind="spoof", gate="lab")
    followed = Feed(console.app.state.console)
    # Two transactions that raise one alarm: one of them must try again, as the ingest does.
    one_by_one = asyncio.Lock()

    async def read(scope: Scope) -> str:
        """What is sent until the passage that happens once it is open."""
        found = ""
        async for part in stream_gates(followed, last_seen=None, still_allowed=_always, scope=scope):
            found += part.decode()
            if "event: up_to_date" in found and "event: beat" not in found:
                async with one_by_one:
                    await asyncio.to_thread(console.happen, kind="tamper", gate="lab")
            if "alarms_changed" in found:
                return found
        raise AssertionError("it ended by itself")

    async def read_all() -> list[str]:
        reading = asyncio.gather(read(Scope()), read(Scope(is_wall=True)), read(Scope(gate="lab")))
        return await asyncio.wait_for(reading, PATIENCE_S)

    desk, wall, lab = asyncio.run(read_all())
    assert "Wang" in desk
    assert "Wang" not in wall
    assert wall.count("access_granted") == 1
    assert "access_granted" not in lab
    assert "spoof" in lab


def test_figures_alone_are_no_reason_to_query_anything(console, monkeypatch) -> None:
    """Every process of every gate tells them again and again, and only the page of its own gate shows them."""
    services = console.app.state.console
    monkeypatch.setattr(feed, "time", SimpleNamespace(monotonic=lambda: 100.0))
    console.board.health(_figures(40.5), heard_at=services.now())
    look = feed._Look(services)
    first = look.take(None)
    assert not look.is_due()
    console.board.health(_figures(41.5), heard_at=services.now())
    assert not look.is_due(), "they can wait until the next second"
    with _tables_queried(console) as tables:
        second = look.take(first)
    assert tables == []
    assert second.encode(Scope()) == b""
    assert b"41.5" in second.encode(Scope(gate="north"))
    console.happen(gate="north")
    assert look.is_due()
    assert b"event: passage" in look.take(second).encode(Scope())


def test_at_each_news_only_that_is_queried_which_it_can_have_changed(console, monkeypatch) -> None:
    services = console.app.state.console
    monkeypatch.setattr(feed, "time", SimpleNamespace(monotonic=lambda: 100.0))
    look = feed._Look(services)
    tick = look.take(None)

    def tables_and_sent() -> tuple[list[str], bytes]:
        nonlocal tick
        assert look.is_due()
        with _tables_queried(console) as tables:
            tick = look.take(tick)
        assert not look.is_due()
        return tables, tick.encode(Scope())

    console.happen(3, kind="access_granted")
    tables, sent = tables_and_sent()
    assert (tables, sent.count(b"event: passage")) == (["gate_events"], 3)
    console.happen(kind="spoof")
    tables, sent = tables_and_sent()
    assert (tables, sent.count(b"event: passage")) == (["alarms", "staff_orders", "alarm_pictures", "gate_events"], 1)
    assert b"event: alarms_changed" in sent
    console.board.door(_door(), heard_at=services.now())
    tables, sent = tables_and_sent()
    assert (tables, sent.count(b"event: gates_changed")) == ([], 1)


def test_whatever_another_server_stored_is_queried(console, monkeypatch) -> None:
    """It says only that it stored something."""
    services = console.app.state.console
    monkeypatch.setattr(feed, "time", SimpleNamespace(monotonic=lambda: 100.0))
    look = feed._Look(services)
    first = look.take(None)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(console.board, "touch", lambda: None)
        console.happen(kind="spoof")
    assert not look.is_due()
    console.board.wake()
    assert look.is_due()
    sent = look.take(first).encode(Scope())
    assert b"event: alarms_changed" in sent
    assert b"event: passage" in sent


def test_of_more_events_than_a_look_takes_the_rest_follow_at_once(console, monkeypatch) -> None:
    monkeypatch.setattr(feed, "time", SimpleNamespace(monotonic=lambda: 100.0))
    monkeypatch.setattr(feed, "_MOST_EVENTS", 4)
    look = feed._Look(console.app.state.console)
    tick = look.take(None)
    console.happen(5, kind="access_granted")
    sent = []
    while look.is_due():
        tick = look.take(tick)
        sent.append(tick.encode(Scope()).count(b"event: passage"))
    assert sent == [4, 1]


@contextmanager
def _tables_queried(console) -> Iterator[list[str]]:
    """The tables that were queried first in each statement of the block."""
    tables: list[str] = []

    def note(*given: object) -> None:
        tables.extend(re.findall(r"FROM (\w+)", str(given[2]))[:1])

    event.listen(console.database.engine, "before_cursor_execute", note)
    try:
        yield tables
    finally:
        event.remove(console.database.engine, "before_cursor_execute", note)


def _door() -> DoorState:
    at = datetime.now(UTC)
    return DoorState(gate="north", boot_id=new_id(), sequence=1, at=at, state=DoorStatus.OPEN, unlocked=False)


def _figures(temperature_c: float) -> Health:
    return Health(gate="north", source="edge", at=datetime.now(UTC), figures={"temperature_c": temperature_c})


async def _always() -> bool:
    return True
