"""Where the suite's processor time goes: `pytest --processor-time` ends with a table by room and by module.

Processor time says what a test costs on a machine that is busy with other things too, where its duration says nothing.
The processes count that a test starts, browser and brokers among them, but not PostgreSQL, which is nobody's child.
"""

import os
import resource
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import forked_workers

SHOWN = 25
_TICKS_IN_A_S = os.sysconf("SC_CLK_TCK")
_OUTPUT = "processor_time"


class ProcessorTime:
    """A plugin of pytest: adds up the processor time (s) of each module's tests, with their fixtures."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._used_s = Counter[str]()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Iterator[object]:
        # Until the first test there were only imports: of plugins, of rooms, of tests.
        try:
            return (yield)
        finally:
            # Workers of xdist, which say so themselves, are children of the process that hands out the tests.
            hands_out = self._config.pluginmanager.hasplugin("dsession")
            own_s = time.process_time() if hands_out else used_s() + forked_workers.imported_in_s
            self._used_s["start and collection"] += own_s

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[object]:
        before_s = used_s()
        try:
            return (yield)
        finally:
            self._used_s[item.nodeid.partition("::")[0]] += max(0.0, used_s() - before_s)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Add what a worker of xdist has used."""
        self._used_s.update(getattr(node, "workeroutput", {}).get(_OUTPUT, {}))

    def pytest_sessionfinish(self) -> None:
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput[_OUTPUT] = dict(self._used_s)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        rooms = Counter[str]()
        for module, seconds in self._used_s.items():
            rooms["/".join(module.split("/")[:2])] += seconds
        terminalreporter.section("processor time (s)")
        terminalreporter.write_line(f"{rooms.total():8.1f} in all")
        for table in (rooms, self._used_s):
            terminalreporter.write_line("")
            for name, seconds in table.most_common(SHOWN):
                terminalreporter.write_line(f"{seconds:8.1f} {name}")


def used_s() -> float:
    """Return the processor time (s) of this process, of children that have ended, and of those that live."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + sum(map(_used_by, _children(Path("/proc/self"))))


def _used_by(process: Path) -> float:
    """With its descendants; nothing once it has ended."""
    try:
        # After the name, which may hold anything: user and system time, and those of its own ended children.
        fields = (process / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[11:15]
    except OSError:
        return 0.0
    return sum(map(int, fields)) / _TICKS_IN_A_S + sum(map(_used_by, _children(process)))


def _children(process: Path) -> list[Path]:
    found = []
    try:
        for task in (process / "task").iterdir():
            found += (task / "children").read_text(encoding="ascii").split()
    except OSError:  # it has ended meanwhile
        pass
    return [Path("/proc") / child for child in found]
