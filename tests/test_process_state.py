"""The guard of the process's state notices what a test leaves behind, and blames no other test for it."""

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.process_state import Globals
from web.problems import ProblemError


@pytest.fixture
def module() -> Iterator[ModuleType]:
    """A module of a room."""
    module = ModuleType("web.probe")
    vars(module).update(limit=object(), known=[object()], by_name={"one": object()}, seen={object()})
    sys.modules[module.__name__] = module
    yield module
    sys.modules.pop(module.__name__, None)


@pytest.fixture
def seen(module: ModuleType) -> Globals:
    seen = Globals()
    seen.add_imported()
    return seen


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("limit", lambda module: setattr(module, "limit", object())),
        ("limit", lambda module: delattr(module, "limit")),
        ("known", lambda module: module.known.append(object())),
        ("known", lambda module: module.known.__setitem__(0, object())),
        ("known", lambda module: module.known.clear()),
        ("by_name", lambda module: module.by_name.update(two=object())),
        ("by_name", lambda module: module.by_name.update(one=object())),
        ("seen", lambda module: module.seen.add(object())),
    ],
)
def test_a_change_is_told_once(module: ModuleType, seen: Globals, name: str, change) -> None:
    assert seen.changes() == []
    change(module)
    assert seen.changes() == [f"web.probe.{name} was changed"]
    assert seen.changes() == []


def test_what_an_import_brings_is_no_change(module: ModuleType, seen: Globals) -> None:
    module.new = object()
    module.known.append(ProblemError)
    sys.modules["web.another_probe"] = ModuleType("web.another_probe")
    seen.add_imported()
    assert seen.changes() == []
    del sys.modules["web.another_probe"]
    assert seen.changes() == []


def test_what_came_with_an_import_is_watched_from_then_on(module: ModuleType, seen: Globals) -> None:
    module.new = object()
    assert seen.changes() == []
    module.new = object()
    assert seen.changes() == ["web.probe.new was changed"]


def test_what_was_put_back_is_no_change_and_is_watched_on(module: ModuleType, seen: Globals) -> None:
    was, module.limit = module.limit, object()
    module.limit = was
    assert seen.changes() == []
    module.limit = object()
    assert seen.changes() == ["web.probe.limit was changed"]


def test_a_look_that_finds_nothing_reads_versions_only(module: ModuleType, seen: Globals) -> None:
    everything = seen._everything
    assert everything._mappings.are_unchanged()
    module.by_name["one"] = module.limit
    assert not everything._mappings.are_unchanged()
