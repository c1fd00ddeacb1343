import json
from collections.abc import Iterator

import httpx
import pytest

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
