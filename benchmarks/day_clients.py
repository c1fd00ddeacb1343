"""Who uses the server during a day: tills, newcomers with photos, a live page. Machines ask again until answered.

What was asked, and what was answered, is their own journal: the day is judged by it.
"""

import contextlib
import random
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

import httpx

from benchmarks.board_clients import PASSAGE
from benchmarks.fleet_campus import STAFF_NUMBER, card_of
from database import new_id

_TIMEOUT_S = 10.0
_AGAIN_S = 0.5
_LOOKS_EACH_S = 0.2
_MOST_FEN = 1_500
_GIVES_UP_S = 240.0
"""After the end of the day: what is not answered by then never will be."""


@dataclass(slots=True)
class Asked:
    """Something that was asked of the server, and how it was answered."""

    asked_s: float = field(default_factory=time.monotonic)
    tries: int = 0
    acknowledged_s: float | None = None
    refused: str | None = None
    """With what it was refused for good, though nothing was wrong with it."""
    failures: int = 0
    """How often the server failed (500), where it should have said that it cannot now (503)."""


@dataclass(slots=True)
class Purchase(Asked):
    """One payment."""

    id: UUID = field(default_factory=new_id)
    payer: int = 0
    """The person's number."""
    merchant: str = ""
    fen: int = 0


@dataclass(slots=True)
class HandedIn(Asked):
    """One photo."""

    person: UUID = field(default_factory=new_id)
    photo: str | None = None


@dataclass(slots=True)
class Clock:
    """When the day began (monotonic seconds), and when everybody goes home."""

    begun_s: float
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.begun_s

    def wait_for(self, rate: Callable[[float], float], chance: random.Random) -> bool:
        """Wait until somebody comes, at `rate` a second; whether somebody does before the day is over."""
        while not self.over.is_set():
            now_per_s = rate(self.elapsed_s)
            pause_s = chance.expovariate(now_per_s) if now_per_s > 0 else float("inf")
            # Whoever waits has no memory: a long pause may be drawn anew.
            if self.over.wait(min(pause_s, _LOOKS_EACH_S)):
                return False
            if pause_s <= _LOOKS_EACH_S:
                return True
        return False


@dataclass(slots=True)
class Till:
    """One terminal: one payment after the other, each again under its id until it is answered."""

    url: str
    token: str = field(repr=False)
    merchant: str
    people: Sequence[int]
    purchases: list[Purchase] = field(default_factory=list)

    def work(self, clock: Clock, rate: Callable[[float], float], chance: random.Random) -> None:
        """Take payments until the day is over; the last one is seen to its end."""
        with _client(self.url) as client:
            client.headers["Authorization"] = f"Bearer {self.token}"
            while clock.wait_for(rate, chance):
                payer, fen = chance.choice(self.people), chance.randint(1, _MOST_FEN)
                purchase = Purchase(payer=payer, merchant=self.merchant, fen=fen)
                self.purchases.append(purchase)
                body = {"id": str(purchase.id), "amount": fen, "card": {"uid": card_of(payer)}}
                until_answered(purchase, partial(client.post, "/api/v1/payments", json=body), clock)


@dataclass(slots=True)
class Newcomers:
    """Those who hand in their photo, one after the other."""

    url: str
    people: Sequence[tuple[str, UUID]]
    password: str = field(repr=False)
    portrait: bytes = field(repr=False)
    handed_in: list[HandedIn] = field(default_factory=list)

    def work(self, clock: Clock, rate: Callable[[float], float], chance: random.Random) -> None:
        """Let one after the other come, until the day is over or everybody was there."""
        for number, person in self.people:
            if not clock.wait_for(rate, chance):
                return
            with _client(self.url) as client:
                form = {"grant_type": "password", "username": number, "password": self.password}
                mine, sign_in = HandedIn(person=person), Asked()
                self.handed_in.append(mine)
                answer = until_answered(sign_in, partial(client.post, "/api/v1/tokens", data=form), clock)
                if answer is None:
                    mine.refused = sign_in.refused
                    continue
                client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
                photo = {"file": ("me.jpg", self.portrait, "image/jpeg")}
                answer = until_answered(mine, partial(client.post, "/api/v1/photos", files=photo), clock)
                if answer is not None:
                    mine.photo = str(answer.json()["id"])


@dataclass(slots=True)
class LivePage:
    """A board that is open all day, opened anew when its stream ends, from the last event it was sent."""

    url: str
    password: str = field(repr=False)
    seen: dict[int, tuple[float, float]] = field(default_factory=dict)
    """By the event's number in the journal: when it was read (monotonic seconds), and how long after it happened."""
    twice: int = 0
    trust: ssl.SSLContext | bool = True
    """What the server's certificate is verified with."""
    open: list[tuple[float, float]] = field(default_factory=list)
    """From when to when (monotonic seconds) a stream was read."""

    def is_open_since(self, since_s: float, until_s: float) -> bool:
        """Whether one stream was read from a moment to another."""
        return any(begun_s <= since_s and until_s <= ended_s for begun_s, ended_s in self.open)

    def look(self, stop: threading.Event) -> None:
        """Look until `stop` is set."""
        while not stop.is_set():
            with contextlib.suppress(httpx.HTTPError), _client(self.url, self.trust) as client:
                form = {"number": STAFF_NUMBER, "password": self.password}
                answer = client.post("/console/sign-in", data=form, headers={"Origin": self.url})
                # As a header: they are for HTTPS alone, which only browsers do not ask of this machine itself.
                cookies = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
                self._read(client, cookies, stop)
            stop.wait(_AGAIN_S)

    def _read(self, client: httpx.Client, cookies: str, stop: threading.Event) -> None:
        last = {"Last-Event-ID": str(max(self.seen))} if self.seen else {}
        with client.stream("GET", "/console/stream", headers={"Cookie": cookies} | last) as answer:
            if answer.is_error:
                return
            begun_s = time.monotonic()
            try:
                for line in answer.iter_lines():
                    if stop.is_set():
                        return
                    self._take(line)
            finally:
                self.open.append((begun_s, time.monotonic()))

    def _take(self, line: str) -> None:
        if found := PASSAGE.match(line.encode()):
            number, at = int(found[1]), datetime.fromisoformat(found[2].decode())
            self.twice += number in self.seen
            self.seen.setdefault(number, (time.monotonic(), time.time() - at.timestamp()))


def until_answered(asked: Asked, ask: Callable[[], httpx.Response], clock: Clock) -> httpx.Response | None:
    """Ask again and again until there is an answer, and note it; None where it was refused, or never came."""
    given_up_s: float | None = None
    while given_up_s is None or time.monotonic() < given_up_s:
        asked.tries += 1
        pause_s = _AGAIN_S
        try:
            answer = ask()
        except httpx.TransportError:
            pass
        else:
            if answer.is_success:
                asked.acknowledged_s = time.monotonic()
                return answer
            if answer.status_code not in {429, 500, 502, 503, 504}:
                asked.refused = f"{answer.status_code} {answer.text[:200]}"
                return None
            asked.failures += answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR
            pause_s = max(pause_s, min(float(answer.headers.get("Retry-After", 0)), 5.0))
        if clock.over.is_set() and given_up_s is None:
            given_up_s = time.monotonic() + _GIVES_UP_S
        time.sleep(pause_s)
    return None


def _client(url: str, trust: ssl.SSLContext | bool = True) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=_TIMEOUT_S, trust_env=False, verify=trust)
