"""The state of the process, which a test must leave as it found it: no test depends on what its worker ran before."""

import asyncio
import ctypes
import logging
import os
import resource
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from multiprocessing import resource_tracker
from operator import is_
from pathlib import Path
from types import ModuleType
from typing import Any

import prometheus_client
import pytest
import structlog

from database import Base

ROOT = Path(__file__).parent.parent
ROOMS = {*(path.parent.name for path in ROOT.glob("*/__init__.py")), "tests"}
ENDS_WITHIN_S = 10.0
"""How long what was told to end may take on a busy machine; nothing waits so long when all is well."""

_SET_BY_OTHERS = {"PYTEST_CURRENT_TEST", "LD_LIBRARY_PATH"}
"""By pytest, and by OpenCV when it is first imported, in whichever test that is."""
_SIGNALS = set(signal.Signals) - {signal.SIGALRM}  # which is pytest-timeout's, while a test runs
_LIMITS = (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_AS, resource.RLIMIT_CORE)


class ProcessState:
    """What the process was like at one moment, except for what our modules hold: see `Globals`."""

    def __init__(self) -> None:
        self.settings = _settings()
        self.running = _running()

    def changes(self, *, excused: set[object]) -> list[str]:
        """Say what is different now.

        Threads and processes that are about to end are waited for; `excused` holds those that outlive a test because a
        fixture of a wider scope started them.
        """
        now = _settings()
        found = [_difference(name, was, now[name]) for name, was in self.settings.items() if was != now[name]]
        return found + [f"{one} was left behind" for one in self._left_behind(excused)]

    def _left_behind(self, excused: set[object]) -> set[object]:
        until = time.monotonic() + ENDS_WITHIN_S
        while (left := self._new(excused)) and time.monotonic() < until:
            time.sleep(0.01)
        return left

    def _new(self, excused: set[object]) -> set[object]:
        lasting = {one.ident for one in self.running | excused if isinstance(one, threading.Thread)}
        lasting = (lasting | {_schemathesis_thread()}) - {None}
        new = _running() - self.running - excused
        return {one for one in new if not lasting & {_loop_thread(one), getattr(one, "ident", None)}}


@contextmanager
def noting_what_starts(noted: set[object]) -> Iterator[None]:
    """Add the threads and processes to `noted` that start in the block."""
    before = _running()
    yield
    noted |= _running() - before


class Globals:
    """What our modules hold. It is looked through once after each test, since nothing runs between two of them."""

    def __init__(self) -> None:
        self._modules: dict[str, _Module] = {}
        self._seen: set[str] = set()
        self._everything = _Everything({})

    def add_imported(self) -> None:
        """Take in the modules that were imported since the last call."""
        if not (new := sys.modules.keys() - self._seen):
            return
        self._seen |= new
        self._modules |= {name: _Module(sys.modules[name]) for name in new if name.partition(".")[0] in ROOMS}
        self._everything = _Everything(self._modules)

    def changes(self) -> list[str]:
        """Say what is different since the last call."""
        if self._everything.is_unchanged():
            return []
        found = [
            f"{name}.{one} was changed"
            for name, before in self._modules.items()
            if (module := sys.modules.get(name)) is not None
            for one in before.changes(module)
        ]
        self._everything = _Everything(self._modules)
        return found


class Guard:
    """A plugin of pytest: a test that leaves its process changed fails."""

    def __init__(self) -> None:
        self._before: ProcessState | None = None
        self._globals = Globals()
        self._outlive_a_test: set[object] = set()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        self._before = ProcessState()
        self._globals.add_imported()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Iterator[object]:
        if fixturedef.scope == "function":
            return (yield)
        with noting_what_starts(self._outlive_a_test):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        yield
        changes = self._before.changes(excused=self._outlive_a_test) + self._globals.changes()
        self._before = None
        if changes:
            pytest.fail("the test left its process changed:\n" + "\n".join(changes), pytrace=False)


class _Everything:
    """All modules in one piece: most tests change none, and one by one they take three times as long."""

    def __init__(self, modules: dict[str, "_Module"]) -> None:
        self._modules = {name: sys.modules.get(name) for name in modules}
        there = [(vars(module), modules[name]) for name, module in self._modules.items() if module is not None]
        # What one module imports from another is looked at once: the words of all pages stand in a dozen modules.
        contents = {id(value): (value, content) for _, before in there for value, content in before.contents}.values()
        watched = [(names, before.values) for names, before in there] + list(contents)
        self._mappings = _Versions([sys.modules, *(value for value, _ in watched if isinstance(value, dict))])
        self._all = _Contents(watched)
        self._others = _Contents([(value, content) for value, content in watched if not isinstance(value, dict)])

    def is_unchanged(self) -> bool:
        """Whether the modules hold the very same objects in the same order, and so do their containers."""
        if self._mappings.are_unchanged():
            return self._others.are_unchanged()
        # A test that replaces a thing and puts it back has changed the versions, but nothing else.
        if not (self._are_the_same_modules() and self._all.are_unchanged()):
            return False
        self._mappings.remember()
        return True

    def _are_the_same_modules(self) -> bool:
        return all(map(is_, map(sys.modules.get, self._modules), self._modules.values()))


class _Contents:
    """What is in containers, by identity."""

    def __init__(self, containers: Collection[tuple[Any, list[Any]]]) -> None:
        self._members = [_members(value) for value, _ in containers]
        self._sizes = [len(content) for _, content in containers]
        self._before = list(chain.from_iterable(content for _, content in containers))

    def are_unchanged(self) -> bool:
        return list(map(len, self._members)) == self._sizes and _are(
            list(chain.from_iterable(self._members)), self._before
        )


class _Versions:
    """The versions of dictionaries (PEP 509), of which each change makes a new one.

    Reading them is ten times as quick as touching every object that is held, which for the modules of the whole suite
    took longer than most tests. Later Pythons have no versions: there, everything counts as changed.
    """

    _THERE = sys.version_info < (3, 12)
    _PLACE = object.__basicsize__ + ctypes.sizeof(ctypes.c_ssize_t)
    """In bytes from a dictionary's address: after the header of every object and the number of entries."""

    def __init__(self, mappings: Sequence[dict[Any, Any]]) -> None:
        self._held = mappings
        self._versions = [ctypes.c_uint64.from_address(id(one) + self._PLACE) for one in self._held if self._THERE]
        self.remember()

    def remember(self) -> None:
        self._before = [one.value for one in self._versions]

    def are_unchanged(self) -> bool:
        return self._THERE and [one.value for one in self._versions] == self._before


class _Module:
    """The names of a module and what is in its lists, sets and dictionaries."""

    def __init__(self, module: ModuleType) -> None:
        self._remember(module)

    def _remember(self, module: ModuleType) -> None:
        self.names, self.values = list(vars(module)), list(vars(module).values())
        self.contents = [
            (value, list(_members(value)))
            for name, value in vars(module).items()
            # Libraries add to the built-in functions, as gettext does.
            if type(value) in (dict, list, set) and name != "__builtins__"
        ]

    def changes(self, module: ModuleType) -> list[str]:
        """Name what is different since the last call."""
        names = vars(module)
        same_names = list(names) == self.names and _are(names.values(), self.values)
        if same_names and all(_are(_members(value), content) for value, content in self.contents):
            return []
        before = dict(zip(self.names, self.values, strict=True))
        # What is new may be a module that was imported below this one; what changed or went may not.
        found = [name for name, value in before.items() if name not in names or names[name] is not value]
        for value, content in self.contents:
            if not _are(_members(value), content) and not _grew_by_an_import(value, content):
                found += [name for name, one in before.items() if one is value][:1]
        self._remember(module)
        return found


def _members(value: dict[Any, Any] | list[Any] | set[Any]) -> Collection[Any]:
    return value.values() if isinstance(value, dict) else value


def _are(some: Collection[Any], others: Collection[Any]) -> bool:
    """Whether these are the very same objects."""
    return len(some) == len(others) and all(map(is_, some, others))


def _grew_by_an_import(value: dict[Any, Any] | list[Any] | set[Any], content: list[Any]) -> bool:
    """Whether only classes of our rooms were added, as to the registry of problems when a module is first imported."""
    before, now = {id(one) for one in content}, {id(one): one for one in _members(value)}
    added = [one for key, one in now.items() if key not in before]
    return before <= now.keys() and all(
        isinstance(one, type) and one.__module__.split(".")[0] in ROOMS - {"tests"} for one in added
    )


def _difference(name: str, was: Any, now: Any) -> str:
    if isinstance(was, dict) and isinstance(now, dict):
        keys = [key for key in {**was, **now} if was.get(key) != now.get(key)]
        was, now = ({key: one.get(key) for key in keys} for one in (was, now))
    return f"{name}: {was!r} became {now!r}"


def _settings() -> dict[str, Any]:
    """Everything that is set once for the whole process; values compare with `==`."""
    root, gpiozero = logging.getLogger(), sys.modules.get("gpiozero")
    return {
        "running event loop": asyncio._get_running_loop(),
        "environment": {name: value for name, value in os.environ.items() if name not in _SET_BY_OTHERS},
        "working directory": str(Path.cwd()),
        "umask": _umask(),
        "signal handlers": {number: signal.getsignal(number) for number in _SIGNALS},
        "resource limits": [resource.getrlimit(limit) for limit in _LIMITS],
        "time zone": time.tzname,
        "arguments": list(sys.argv),
        "import path": [path for path in sys.path if not path.endswith("setuptools/_vendor")],
        "temporary folder": tempfile.gettempdir(),
        "socket timeout": socket.getdefaulttimeout(),
        "root logger": (root.level, list(root.handlers), list(root.filters), logging.root.manager.disable),
        "structlog": (structlog.is_configured(), structlog.get_config(), structlog.contextvars.get_contextvars()),
        "Prometheus registry": set(prometheus_client.REGISTRY._names_to_collectors),
        "pin factory": gpiozero and gpiozero.Device.pin_factory,
        "tables": set(Base.metadata.tables),
        "hooks of uncaught exceptions": (sys.excepthook, threading.excepthook, sys.unraisablehook),
    }


def _schemathesis_thread() -> int | None:
    """The thread that the library starts once, for as long as the process lives."""
    portal = getattr(sys.modules.get("schemathesis.python.asgi"), "_PORTAL", None)
    return getattr(portal, "_event_loop_thread_id", None)


def _loop_thread(worker: object) -> int | None:
    """The thread of the event loop that AnyIO's worker serves: they end with it."""
    return getattr(getattr(worker, "loop", None), "_thread_id", None)


def _umask() -> str:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(line for line in status.splitlines() if line.startswith("Umask:"))


def _running() -> set[object]:
    """The living threads and child processes."""
    threads = {thread for thread in threading.enumerate() if thread.is_alive()}
    library = {getattr(resource_tracker._resource_tracker, "_pid", None)}  # one for as long as the process lives
    return threads | {_Child(pid) for pid in _children() if pid not in library}


class _Child(int):
    def __repr__(self) -> str:
        try:
            command = Path(f"/proc/{int(self)}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            command = "ended"
        return f"<process {int(self)}: {command}>"

    __str__ = __repr__


def _children() -> list[int]:
    found = []
    for task in Path("/proc/self/task").iterdir():
        try:
            found += map(int, (task / "children").read_text(encoding="ascii").split())
        except OSError:  # the thread has ended
            continue
    return found
