"""Asking the server who passed the other gates of the zone: soon after a hint, and whenever nothing was heard a while.

What the server says by itself, signed, every few seconds (`PassageLog.confirm`) stands for an answer. A gate that does
not hear it, or may not believe it, asks every `INTERVAL`.
"""

import random
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import httpx
import structlog
from pydantic import ValidationError

from access.passages.log import PassageLog
from access.passages.model import PresencePage
from access.policy import GatePolicy
from access.snapshot import PersonEntry, time_in

_log = structlog.get_logger()

INTERVAL = timedelta(seconds=15)
LEAST_PAUSE_S = 3.0
"""Between two requests: a rush at other gates shall be no rush at the server. A quiet gate asks at once."""
AWAITED_FOR_S = (22.0, 26.0)
"""So old, at the least and at the most, becomes what the server said by itself before a gate asks: of those that
come every ten seconds one may be lost. Spread, for all gates miss the same; asked again within `TRUSTED_FOR`."""
_TIMEOUT_S = 5.0
_MOST_PAGES = 100


class Directory(Protocol):
    """What is needed of the replica."""

    @property
    def policy(self) -> GatePolicy | None:
        """The gate's policy, None before the first synchronisation."""
        ...

    def person(self, person_id: UUID) -> PersonEntry | None:
        """Return what is known of a person."""
        ...


class PassageSync:
    """Keeps one passage log in step. A gate whose rules do not look back asks nothing."""

    def __init__(
        self,
        base_url: str,
        gate: str,
        token: str,
        directory: Directory,
        passage_log: PassageLog,
        *,
        interval: timedelta = INTERVAL,
        client: httpx.Client | None = None,
        verify: ssl.SSLContext | bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`base_url` is the server's, `token` the device's, bound to `gate`; `verify` is httpx's."""
        self._address = f"{base_url.rstrip('/')}/api/v1/directory/gates/{gate}/presence"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._directory = directory
        self._passage_log = passage_log
        self._interval_s = interval.total_seconds()
        self._awaited_for_s = random.uniform(*AWAITED_FOR_S)  # noqa: S311 - spreading, not secrecy
        self._client = client or httpx.Client(timeout=_TIMEOUT_S, verify=verify)
        self._now = now

    def run_once(self) -> bool:
        """Fetch what is new; False when the gate needs nothing.

        Raises:
            httpx.HTTPError, ValidationError: no answer, a refusal, or an answer that is none.
        """
        policy = self._directory.policy
        if policy is None or not policy.looks_back:
            return False
        since = self._passage_log.begin_fetch(policy)
        for _ in range(_MOST_PAGES):
            # An answer counts from when it was asked for: what passed while it was on its way is not in it.
            asked_at = self._now()
            answer = self._client.get(self._address, headers=self._headers, params={"since": since})
            answer.raise_for_status()
            page = PresencePage.model_validate_json(answer.content)
            if page.zone != policy.inner_zone:
                # The server has another policy than this gate, whose zone counts otherwise: the gate hears of it next.
                return True
            self._passage_log.apply(page, policy, self._directory.person, asked_at, server_at=time_in(answer.headers))
            if page.is_complete:
                break
            since = page.to_revision
        return True

    def run(self, stop: threading.Event, wake: threading.Event) -> None:
        """Ask soon after `wake` is set and when nothing was heard for long, until `stop` is set (set `wake` too)."""
        lost = False
        while not stop.is_set():
            wake.clear()
            try:
                self.run_once()
                lost = False
            except Exception as error:  # noqa: BLE001 - the thread that brings a door the others' passages must go on
                expected = isinstance(error, httpx.HTTPError | ValidationError)
                if not lost or not expected:
                    _log.warning("passages_unknown", error=f"{type(error).__name__}: {error}"[:200])
                lost = True
            if not stop.wait(LEAST_PAUSE_S):
                self._wait(wake)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _wait(self, wake: threading.Event) -> None:
        """Wait until woken, or until it is time to ask."""
        pause_s = self._interval_s - LEAST_PAUSE_S
        while pause_s > 0 and not wake.wait(min(pause_s, self._interval_s)):
            pause_s = self._quiet_for_s()

    def _quiet_for_s(self) -> float:
        """Return for how many seconds more what the server said by itself stands for an answer; 0: it does not."""
        said_at = self._passage_log.told_at
        if said_at is None:
            return 0.0
        old_s = (self._now() - said_at).total_seconds()
        # A time to come is one from before this clock was set back.
        return self._awaited_for_s - old_s if old_s >= 0 else 0.0
