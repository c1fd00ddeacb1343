"""A member of staff at the live board: the page's own stream, watched by the page's own rules, without a browser."""

import json
import threading
import time
from types import TracebackType
from typing import Self
from uuid import uuid4

import httpx

from console.live.heartbeat import BEAT, SILENT_S, UP_TO_DATE

LIVE, STALE, LOST = "live", "data as of", "connection lost"
_CONNECT_S = 5.0
_AGAIN_S = 1.0


class LivePage:
    """Signed in, and following what the board is told, for as long as it is entered."""

    def __init__(self, server_url: str, number: str, password: str) -> None:
        """Sign in as the form does; the cookies are kept.

        Raises:
            httpx.HTTPError: the server does not answer, or refuses.
        """
        self.state = LOST
        self.as_of: str | None = None
        """The server's time of what is shown."""
        self._client = httpx.Client(base_url=server_url, headers={"Origin": server_url}, timeout=10.0)
        answer = self._client.post("/console/sign-in", data={"number": number, "password": password})
        if answer.status_code != httpx.codes.SEE_OTHER:
            answer.raise_for_status()
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="live-page", daemon=True)

    def __enter__(self) -> Self:
        """Open the page."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave it."""
        self._stopping.set()
        self._client.close()

    def wait(self, state: str, seconds: float) -> bool:
        """Wait until the page shows `state`; return whether it did within the time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.state == state, seconds)

    def get_ticket(self, action: str, *, patience_s: float | None = None) -> str | None:
        """Press: get a ticket; None when the server did not answer within `patience_s` and the person cancelled."""
        try:
            answer = self._client.post("/console/tickets", json={"action": action}, timeout=patience_s or _CONNECT_S)
        except httpx.TimeoutException:
            return None
        ticket: str = answer.raise_for_status().json()["ticket"]
        return ticket

    def send_order(self, action: str, gate: str, ticket: str, *, patience_s: float) -> str | None:
        """Send the order; its effect, or None when the person cancelled after `patience_s`: the connection is over."""
        headers = {"Door-Ticket": ticket, "Idempotency-Key": str(uuid4())}
        order = {"action": action, "gates": [gate]}
        try:
            answer = self._client.post("/console/orders", json=order, headers=headers, timeout=patience_s)
        except httpx.TimeoutException:
            return None
        effect: str = answer.raise_for_status().json()["results"][0]["effect"]
        return effect

    def _follow(self) -> None:
        # Nothing for as long as the page's watchdog waits is what it calls stale.
        patience = httpx.Timeout(SILENT_S, connect=_CONNECT_S)
        while not self._stopping.is_set():
            try:
                with self._client.stream("GET", "/console/stream", timeout=patience) as answer:
                    answer.raise_for_status()
                    self._read(answer)
            except httpx.ReadTimeout:
                self._show(STALE)
            except (httpx.HTTPError, RuntimeError):  # a closed client raises the latter
                self._show(LOST)
                time.sleep(_AGAIN_S)

    def _read(self, answer: httpx.Response) -> None:
        event, heard = "", time.monotonic()
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name:
                heard = time.monotonic()
            elif time.monotonic() - heard > SILENT_S:
                # Comments keep the connection open, and tell nothing.
                raise httpx.ReadTimeout("no beat")
            if name == "event":
                event = value
            elif name == "data" and event in {UP_TO_DATE, BEAT}:
                self.as_of = json.loads(value)["at"]
                if event == UP_TO_DATE:
                    self._show(LIVE)

    def _show(self, state: str) -> None:
        with self._changed:
            self.state = state
            self._changed.notify_all()
