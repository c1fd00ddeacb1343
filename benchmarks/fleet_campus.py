"""A campus of many gates for benchmarks: database, server and broker, each in a process that can be killed.

The server is the application of `campusgate serve`. It never looks at a face here, so no models are loaded.
"""

import base64
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, Self, cast
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import Session

from access.policy import Direction, GatePolicy, Occupancy, Rule
from accounts import cards, devices, passwords, people
from accounts.passwords import Hasher
from accounts.tables import PersonRole
from accounts.vocabulary import DeviceRole, PasswordPurpose, PersonKind, Role
from campusgate.demo.campus import free_port
from database import Database
from database.migrate import upgrade
from directory import gates
from messages import controller_sender, make_private_key, public_key_text
from tests.doubles.processes import PROCESSES, quiet
from tests.postgresql import PostgresqlMissingError, cluster

SITE = "fleet"
CREDENTIAL_KEY = hashlib.sha256(b"the credentials of a benchmark").digest()
STAFF_NUMBER = "F0001"
_GROUP = "residents"
_ZONE = "campus"
_ACTOR = "benchmark"
_START_S = 120.0
_MOSQUITTO_PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"


def card_of(number: int) -> str:
    """Return the card UID of person `number`."""
    return f"04{number:012X}"


def wait_until(ready: Callable[[], bool], what: str, seconds: float = _START_S) -> None:
    """Wait, or end with what did not happen.

    Raises:
        RuntimeError: not within the time.
    """
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {seconds:g} s")
        time.sleep(0.02)


@contextlib.contextmanager
def database_url(folder: Path, *, postgresql: bool = True) -> Iterator[str]:
    """Yield the address of an empty database: PostgreSQL where it is wanted and installed, else SQLite."""
    with contextlib.ExitStack() as stack:
        if postgresql:
            with contextlib.suppress(PostgresqlMissingError):
                yield stack.enter_context(cluster()).create("fleet")
                return
        yield f"sqlite:///{folder / 'server' / 'campusgate.db'}"


@dataclass(slots=True)
class Campus:
    """Its gates and people, the keys of everybody who signs, and where the processes listen."""

    folder: Path
    database_url: str
    gates: tuple[str, ...]
    mqtt_port: int = field(default_factory=free_port)
    server_port: int = field(default_factory=free_port)
    controller_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)
    """One for all controllers: fifty keys would measure nothing else."""
    staff_key: Ed25519PrivateKey | None = field(default=None, repr=False)
    """The server's, made with its settings."""
    edge_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)
    staff_password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    """Each gate's device token."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the server, beside those that every run has."""
    people: list[UUID] = field(default_factory=list)
    """Person n has the card `card_of(n)`; all but the last may pass everywhere, the last nowhere."""

    @property
    def server_url(self) -> str:
        """Where the server answers."""
        return f"http://127.0.0.1:{self.server_port}"

    def populate(self, count: int) -> None:
        """Fill the database as administrators would: gates with their devices, people with cards, one of the staff."""
        database = Database(self.database_url, credential_key=CREDENTIAL_KEY)
        now = datetime.now(UTC)
        since = now - timedelta(days=1)
        try:
            upgrade(database)
            with database.begin() as session:
                self.add_gates(session, now)
                for number in range(count):
                    groups = frozenset({_GROUP} if number < count - 1 else ())
                    person = people.create(
                        session,
                        people.Particulars(
                            number=f"S{number:06}",
                            name="made up",
                            kind=PersonKind.STUDENT,
                            groups=groups,
                            valid_from=since,
                        ),
                        by=_ACTOR,
                        now=now,
                    )
                    cards.issue(session, person, card_of(number), key_number=None, by=_ACTOR, now=now)
                    self.people.append(person.id)
                self.add_staff(session, now)
        finally:
            database.close()

    def add_gates(
        self, session: Session, now: datetime, *, groups_of: Callable[[str], Sequence[str]] = lambda _: (_GROUP,)
    ) -> None:
        """Put up the gates, all of which lead into one zone, each for these groups; and their controllers."""
        gates.put_zone(session, _ZONE, site=SITE, title=_ZONE, by=_ACTOR, now=now)
        for gate in self.gates:
            policy = GatePolicy(
                gate=gate,
                site=SITE,
                rules=tuple(Rule(group=one) for one in groups_of(gate)),
                direction=Direction.ENTRY,
                inner_zone=_ZONE,
                # Never reached; but every gate must know who passed every other one.
                occupancy=Occupancy(limit=1_000_000),
            )
            gates.add(session, policy, title=gate, by=_ACTOR, now=now)
            _, self.tokens[gate] = devices.add(
                session, name=gate, role=DeviceRole.CONTROLLER, gate=gate, by=_ACTOR, now=now
            )

    def add_staff(self, session: Session, now: datetime) -> None:
        """Add the one who works here, with a password."""
        particulars = people.Particulars(
            number=STAFF_NUMBER, name="made up", kind=PersonKind.STAFF, valid_from=now - timedelta(days=1)
        )
        staff = people.create(session, particulars, by=_ACTOR, now=now)
        session.add_all(PersonRole(person_id=staff.id, role=role) for role in (Role.CASHIER, Role.ADMIN))
        hashed = {PasswordPurpose.PORTAL: Hasher().hash(self.staff_password)}
        passwords.store(session, staff.id, hashed, must_change=False, by=_ACTOR, now=now)

    def server_settings(self) -> dict[str, Any]:
        """Write the server's keys, and return its settings."""
        keys = self.folder / "keys"
        keys.mkdir()
        self.staff_key = make_private_key(keys / "staff.pem")
        trusted = {controller_sender(gate): public_key_text(self.controller_key) for gate in self.gates}
        (keys / "trusted.json").write_text(json.dumps(trusted), encoding="utf-8")
        return {
            "site": SITE,
            "data_dir": self.folder / "server",
            "database_url": self.database_url,
            "server_port": self.server_port,
            "mqtt": {"port": self.mqtt_port},
            "signing_key_file": keys / "staff.pem",
            "trusted_keys_file": keys / "trusted.json",
            "template_key": base64.b64encode(secrets.token_bytes(32)).decode(),
            "token_secret": base64.b64encode(secrets.token_bytes(32)).decode(),
            "credential_key": base64.b64encode(CREDENTIAL_KEY).decode(),
            **self.settings,
        }


class ServerProcess:
    """The server of a campus."""

    def __init__(self, campus: Campus, settings: dict[str, Any] | None = None) -> None:
        self._settings = campus.server_settings() if settings is None else settings
        self._campus = campus
        self._url = f"http://127.0.0.1:{self.port}"
        self._client = httpx.Client(timeout=5)
        self._process: BaseProcess | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._settings["server_port"])

    def twin(self, folder: Path) -> "ServerProcess":
        """Return another server of the same campus, with the same keys, and files of its own in `folder`."""
        return ServerProcess(self._campus, self._settings | {"data_dir": folder, "server_port": free_port()})

    @property
    def pid(self) -> int:
        """Its process's number.

        Raises:
            RuntimeError: it does not run.
        """
        if self._process is None or self._process.pid is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    def start(self) -> None:
        """Start it; `wait` returns when it answers."""
        self._process = PROCESSES.Process(target=_serve, args=(self._settings,), daemon=True)
        self._process.start()

    def wait(self) -> None:
        """Return when it answers."""
        wait_until(self.answers, "the server answers")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._client.close()

    def answers(self) -> bool:
        """Whether it answers.

        Raises:
            RuntimeError: it has ended by itself.
        """
        if self._process is None or self._process.exitcode is not None:
            raise RuntimeError("the server has ended by itself")
        try:
            return self._client.get(f"{self._url}/api/v1/openapi.json").is_success
        except httpx.HTTPError:
            return False

    def leads(self) -> bool:
        """Whether it says that it does what only one of several does; its settings hold a `metrics_token`."""
        headers = {"Authorization": f"Bearer {self._settings['metrics_token']}"}
        try:
            answer = self._client.get(f"{self._url}/metrics", headers=headers)
        except httpx.HTTPError:
            return False
        return "campusgate_leads 1.0" in answer.text.splitlines()


class BrokerProcess:
    """A broker that can be killed and started again on its port: Mosquitto where installed, else the embedded one."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self._program = shutil.which("mosquitto", path=_MOSQUITTO_PATH)
        self._configuration = folder / "mosquitto.conf"
        lines = (f"listener {port} 127.0.0.1", "allow_anonymous true", "persistence false", "set_tcp_nodelay true")
        self._configuration.write_text("\n".join((*lines, "log_dest none", "")), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | BaseProcess | None = None

    @property
    def name(self) -> str:
        """Which broker it is."""
        return "embedded" if self._program is None else "mosquitto"

    def start(self) -> None:
        """Start it, and return when it listens."""
        if self._program is not None:
            self._process = subprocess.Popen([self._program, "-c", str(self._configuration)])
        else:
            self._process = PROCESSES.Process(target=_serve_broker, args=(self.port,), daemon=True)
            self._process.start()
        wait_until(self._listens, "the broker listens", 30)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal.

        Raises:
            RuntimeError: it does not run.
        """
        if self._process is None or self._process.pid is None:
            raise RuntimeError("the broker does not run")
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """End it at once; what it retained is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        if isinstance(process, subprocess.Popen):
            process.wait()
        else:
            process.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


def percentiles_ms(seconds: Sequence[float]) -> dict[str, float]:
    """Return p50, p99 and the largest in milliseconds (nearest rank)."""
    ordered = sorted(seconds)
    if not ordered:
        return dict.fromkeys(("p50", "p99", "max"), float("nan"))

    def rank(share: float) -> float:
        return ordered[round(share * (len(ordered) - 1))] * 1000

    return {"p50": rank(0.5), "p99": rank(0.99), "max": ordered[-1] * 1000}


def _serve(values: dict[str, Any]) -> None:
    import uvicorn

    from campusgate.processes.server.app import make_app
    from campusgate.processes.server.assembly import assemble
    from campusgate.settings import Settings
    from enrollment.quality import Checker
    from models.engine import FaceEngine

    quiet()
    settings = Settings(**values)
    # The directory asks the engine for nothing but the name of its model.
    engine = cast("FaceEngine", SimpleNamespace(model_id="made-up-1"))
    app = make_app(assemble(settings, engine, Checker(engine)))
    uvicorn.run(app, host="127.0.0.1", port=settings.server_port, log_config=None, access_log=False)


def _serve_broker(port: int) -> None:
    import threading

    from bus.embedded import EmbeddedBroker

    with EmbeddedBroker(port=port):
        threading.Event().wait()
