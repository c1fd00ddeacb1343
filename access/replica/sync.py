"""Keeping the replica in step with the server: deltas over HTTP, soon after a hint, patiently while nobody answers."""

import sqlite3
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import structlog
from pydantic import ValidationError

from access.credentials import key_check
from access.replica.page import ModelMismatchError, ReplicaError
from access.replica.replica import Replica
from access.replica.store import ReplicaLockedError
from access.snapshot import (
    ACKNOWLEDGED_HEADER,
    KEY_CHECK_HEADER,
    MODELS_HEADER,
    PICTURES_HEADER,
    ChangePage,
    DirectoryVersionError,
    time_in,
)
from bus.backoff import Backoff

_log = structlog.get_logger()

PAGE_LIMIT = 2000
TIMEOUT_S = 10.0
_TIME_WITHIN_S = 5.0
"""An answer that took longer says nothing about now."""
BACKOFF = Backoff(first_s=0.4, longest_s=24.0, refused_s=60.0)
"""With its spread 0.3 s to 30 s: a gate that was offline learns of a loss within half a minute of the server's return.

After a refusal (wrong token, another gate's, another model) only a person can help: asking often does not.
"""
HINTED_INTERVAL = timedelta(seconds=60)
"""Between two questions while hints arrive: these say when something is new, and a lost one costs a minute."""
ACKNOWLEDGED_WITHIN_S = 0.5
"""What was applied is acknowledged with the next question, which comes then at the latest: several changes in a row are
one acknowledgement, and whoever reports a loss sees within the two seconds of a revocation that every device knows."""
_MOST_REBUILDS = 3
"""Rebuilds in one synchronisation before it gives up until the next."""


_Held = tuple[int, str | None]
"""A revision and the digest of everything held at it."""


class SyncError(Exception):
    """The directory could not be fetched now; what the replica holds stays in use."""


class SyncRefusedError(SyncError):
    """The server refuses this device, or this gate cannot use what it sends; somebody must mend it."""


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """For health reports. `error` is None after a success; `model_mismatch`: the model was why not."""

    revision: int = 0
    synced_at: datetime | None = None
    attempted_at: datetime | None = None
    error: str | None = None
    rebuilds: int = 0
    model_mismatch: bool = False
    models_wanted: tuple[str, ...] = ()
    """The models that the server would have this gate run; none from an older server."""
    pictured_events: tuple[str, ...] = ()
    """The kinds of events at which the camera takes a picture; none until the server said so."""


class DirectorySync:
    """Synchronises one replica. `run_once` does it now; `run` does it for ever, in a thread of its own."""

    def __init__(
        self,
        base_url: str,
        gate: str,
        token: str,
        replica: Replica,
        *,
        interval: timedelta = timedelta(seconds=15),
        page_limit: int = PAGE_LIMIT,
        credential_key: bytes | None = None,
        client: httpx.Client | None = None,
        verify: ssl.SSLContext | bool = True,
        hints_arrive: Callable[[], bool] = lambda: False,
        models: Callable[[], Sequence[str]] = tuple,
        on_time: Callable[[datetime], None] = lambda _at: None,
    ) -> None:
        """`base_url` is the server's, `token` the device's, bound to `gate`; `verify` is httpx's.

        `hints_arrive` says whether the server can tell the gate that something is new; then it asks less often.
        `models` are the ids of those that the gate can run, which the server is told with every question.
        With `credential_key`, the gate's, a server with another one is an error: then no card would open.
        `on_time` is called with the server's time after a synchronisation over TLS, or within this machine: elsewhere
        anybody on the way could write it.
        """
        self._on_time = on_time
        self._is_authentic = _is_authentic(base_url)
        self._server_at: datetime | None = None
        self._replica = replica
        self._interval = interval
        self._hints_arrive = hints_arrive
        self._limit = page_limit
        self._models = models
        self._address = f"{base_url.rstrip('/')}/api/v1/directory/gates/{gate}"
        self._client = client or httpx.Client(timeout=TIMEOUT_S, verify=verify)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._key_check = key_check(credential_key) if credential_key is not None else None
        self._has_another_key = False
        self._proven: _Held | None = None
        """What this process has proven equal to the server's directory."""
        self._acknowledged: _Held | None = None
        self._takes_held = False
        """Whether the server takes acknowledgements with the question for changes; an older one does not."""
        self._status = SyncStatus(revision=replica.revision, synced_at=replica.synced_at)

    @property
    def status(self) -> SyncStatus:
        """How the last attempt went."""
        return self._status

    @property
    def pause_s(self) -> float:
        """Seconds until the next question, when no hint comes before."""
        if self._takes_held and self._proven != self._acknowledged:
            return ACKNOWLEDGED_WITHIN_S
        return max(self._interval, HINTED_INTERVAL if self._hints_arrive() else self._interval).total_seconds()

    def run_once(self) -> int:
        """Fetch and apply until the replica equals the server's directory, acknowledge it, and return its revision.

        Raises:
            SyncRefusedError: the server refuses this device, or the directory is of another model or version.
            SyncError: no answer, a wrong answer, or the replica cannot be written.
        """
        return self._synchronise(acknowledges_at_once=True)

    def _synchronise(self, *, acknowledges_at_once: bool) -> int:
        """Do what `run_once` does; a server that takes it is sent the acknowledgement with the next question.

        Raises:
            SyncRefusedError: the server refuses this device, or the directory is of another model or version.
            SyncError: no answer, a wrong answer, or the replica cannot be written.
        """
        self._status = replace(self._status, attempted_at=datetime.now(UTC))
        try:
            self._server_at = None
            self._fetch()
            if acknowledges_at_once or not self._takes_held:
                self._acknowledge()
            self._check_key()
            if self._server_at is not None:
                self._on_time(self._server_at)
        except ModelMismatchError as error:
            self._status = replace(self._status, model_mismatch=True)
            raise self._record_failure(SyncRefusedError(str(error))) from error
        except DirectoryVersionError as error:
            raise self._record_failure(SyncRefusedError(str(error))) from error
        except (ReplicaError, ReplicaLockedError, ValidationError) as error:
            raise self._record_failure(SyncError(f"the directory could not be applied: {error}")) from error
        except (sqlite3.Error, OSError) as error:
            raise self._record_failure(SyncError(f"the replica cannot be written: {error}")) from error
        except httpx.HTTPError as error:
            raise self._record_failure(
                SyncError(f"the server does not answer: {type(error).__name__} {error}")
            ) from error
        except SyncError as error:
            raise self._record_failure(error) from error
        self._status = replace(
            self._status,
            revision=self._replica.revision,
            synced_at=self._replica.synced_at,
            error=None,
            model_mismatch=False,
        )
        return self._replica.revision

    def run(self, stop: threading.Event, wake: threading.Event) -> None:
        """Synchronise at every interval and soon after `wake` is set, until `stop` is set (set `wake` as well)."""
        failures = 0
        while not stop.is_set():
            # Cleared before asking: a hint that comes while the answer is on its way asks again.
            wake.clear()
            try:
                self._synchronise(acknowledges_at_once=False)
                failures, pause = 0, self.pause_s
            except SyncRefusedError as error:
                failures += 1
                pause = BACKOFF.refused_s
                _log.error("directory_refused", gate=self._replica.gate, error=str(error))
            except SyncError as error:
                failures += 1
                pause = BACKOFF.wait_s(failures)
                _log.warning("directory_unreachable", gate=self._replica.gate, failures=failures, error=str(error))
            except Exception:  # noqa: BLE001 - whoever waits for revocations must not die of anything
                failures, pause = failures + 1, BACKOFF.longest_s
                _log.exception("directory_not_synchronised", gate=self._replica.gate)
            if stop.is_set():
                return
            if failures:
                wake.wait(pause)
            else:
                self._wait(wake, pause)

    def _wait(self, wake: threading.Event, pause_s: float) -> None:
        """Wait until woken, or until the pause is over; while hints do not arrive no longer than the interval."""
        shortest_s = self._interval.total_seconds()
        while pause_s > 0 and not wake.wait(min(pause_s, shortest_s)):
            pause_s -= shortest_s
            if not self._hints_arrive():
                return

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _fetch(self) -> None:
        for _ in range(_MOST_REBUILDS):
            while (answer := self._ask()) is not None:
                if answer.status_code == httpx.codes.NO_CONTENT:
                    self._replica.confirm(answer.request.url.params.get("held", ""), datetime.now(UTC))
                    return
                page = ChangePage.read(answer.content)
                in_step = self._replica.apply(page, datetime.now(UTC))
                if page.is_complete:
                    if in_step:
                        self._proven = (self._replica.revision, self._replica.digest)
                        return
                    break
            self._status = replace(self._status, rebuilds=self._status.rebuilds + 1)
        raise SyncError("the directory does not add up, even fetched anew")

    def _ask(self) -> httpx.Response | None:
        """Ask for what follows; None when the server wants everything fetched anew."""
        position = self._replica.position
        params: dict[str, str | int | list[str]] = {
            "since": position.revision,
            "revoked_since": position.revoked_to,
            "limit": self._limit,
            "view": self._replica.view,
            "whole": position.rebuilding,
            "models": list(self._models()),
        }
        held = (position.revision, self._replica.digest)
        is_held = held == self._proven and not position.rebuilding
        if is_held:
            params["held"] = self._replica.digest or ""
        asked_s = time.monotonic()
        answer = self._client.get(f"{self._address}/changes", headers=self._headers, params=params)
        if answer.status_code == httpx.codes.CONFLICT and _problem_code(answer) == "directory_rebuild_required":
            _log.warning("directory_rebuild", gate=self._replica.gate, revision=position.revision)
            self._replica.rebuild()
            return None
        _require_success(answer)
        self._note_acknowledged(answer.headers.get(ACKNOWLEDGED_HEADER), held if is_held else None)
        wanted, pictured = (tuple(answer.headers.get(name, "").split()) for name in (MODELS_HEADER, PICTURES_HEADER))
        self._status = replace(self._status, models_wanted=wanted, pictured_events=pictured)
        # An older server says nothing.
        said = answer.headers.get(KEY_CHECK_HEADER)
        self._has_another_key = None not in {said, self._key_check} and said != self._key_check
        if self._is_authentic and time.monotonic() - asked_s <= _TIME_WITHIN_S:
            self._server_at = time_in(answer.headers)
        return answer

    def _note_acknowledged(self, said: str | None, held: _Held | None) -> None:
        """Take note of what the server acknowledged of `held`; where it does not, it is told apart."""
        if held is None:
            self._takes_held = said is not None
            return
        self._takes_held = said == str(held[0])
        if self._takes_held:
            self._acknowledged = held

    def _acknowledge(self) -> None:
        """Acknowledge what is in force here, once for each state, so that the server knows the lag of each gate."""
        held = (self._replica.revision, self._replica.digest)
        if held == self._acknowledged:
            return
        body = {"revision": held[0], "digest": held[1], "view": self._replica.view}
        _require_success(self._client.post(f"{self._address}/applied", headers=self._headers, json=body))
        self._acknowledged = held

    def _check_key(self) -> None:
        """Refuse another key only when all is applied: faces and revocations count with any.

        Raises:
            SyncRefusedError: the server's credential key is another.
        """
        if self._has_another_key:
            raise SyncRefusedError(
                "CAMPUSGATE_CREDENTIAL_KEY is another here than at the server: no card, code or PIN opens this gate"
            )

    def _record_failure(self, error: SyncError) -> SyncError:
        self._status = replace(self._status, error=str(error))
        return error


def _is_authentic(base_url: str) -> bool:
    address = httpx.URL(base_url)
    return address.scheme == "https" or address.host in {"127.0.0.1", "::1", "localhost"}


def _require_success(answer: httpx.Response) -> None:
    if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND}:
        raise SyncRefusedError(f"the server refuses this device ({answer.status_code} {_problem_code(answer)})")
    if not answer.is_success:
        raise SyncError(f"the server answered {answer.status_code} {_problem_code(answer)}")


def _problem_code(answer: httpx.Response) -> str:
    """Return the stable code of a problem, or nothing."""
    try:
        body: Any = answer.json()
    except ValueError:
        return ""
    return str(body.get("code", "")) if isinstance(body, dict) else ""
