"""Asking the server who passed the other gates of the zone: soon after a hint, and every few seconds without one."""

import ssl
import threading
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import httpx
import structlog
from pydantic import ValidationError

from access.passages.log import PassageLog
from access.passages.model import PresencePage
from access.policy import GatePolicy
from access.snapshot import PersonEntry

_log = structlog.get_logger()

INTERVAL = timedelta(seconds=15)
LEAST_PAUSE_S = 3.0
"""Between two requests: a rush at other gates shall be no rush at the server. A quiet gate asks at once."""
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
    ) -> None:
        """`base_url` is the server's, `token` the device's, bound to `gate`; `verify` is httpx's."""
        self._address = f"{base_url.rstrip('/')}/api/v1/directory/gates/{gate}/presence"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._directory = directory
        self._passage_log = passage_log
        self._interval_s = interval.total_seconds()
        self._client = client or httpx.Client(timeout=_TIMEOUT_S, verify=verify)

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
            answer = self._client.get(self._address, headers=self._headers, params={"since": since})
            answer.raise_for_status()
            page = PresencePage.model_validate_json(answer.content)
            self._passage_log.apply(page, policy, self._directory.person, datetime.now(UTC))
            if page.is_complete:
                break
            since = page.to_revision
        return True

    def run(self, stop: threading.Event, wake: threading.Event) -> None:
        """Ask at every interval and soon after `wake` is set, until `stop` is set (set `wake` as well)."""
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
                wake.wait(self._interval_s)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
