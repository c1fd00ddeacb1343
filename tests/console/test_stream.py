import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest

from accounts import audit
from console.live.stream import stream_gates
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
    console.happen(40)
    looks = iter([True] * 10)

    async def still_allowed() -> bool:
        return next(looks, False)

    async def read() -> list[str | None]:
        told = stream_gates(console.app.state.console, last_seen=0, still_allowed=still_allowed)
        return [event.event async for event in told]

    found = asyncio.run(read())
    assert 0 < found.count("passage") < 10
    assert found[-1] == "again"
