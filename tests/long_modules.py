"""In which order the suite runs: each worker begins with the modules that take longest; or in a random order."""

import random
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import pytest

LONG = (
    "faults/test_gate_survives.py",  # a gate that is killed and started for a minute
    "campusgate/demo/test_narration.py",  # a whole day of the demonstration
    "deploy/test_start.py",  # server, controller and edge as processes
    "deploy/test_trial.py",  # a server and a gate, set up and started by eight commands
    "accounts/test_ledger_invariants.py",  # random lives of the ledger, after each step its invariants
    "enrollment/test_quality.py",  # every fault of a photo, judged by the networks
    "enrollment/test_photo_memory.py",  # the largest photos that are taken
    "gate_controller/test_killed.py",  # a controller that is killed and started
    "campusgate/test_matrix.py",  # every role at every route, and every ended right at every server
    "directory/test_real_migration.py",  # photographs through two networks
    "accounts/test_api_contract.py",  # random requests to every operation, made anew
    "accounts/test_card_states.py",  # random lives of a person's cards
    "operations/test_ingest.py",  # servers that are killed while events flow
    "campusgate/commands/test_killed_commands.py",  # imports that are killed
    "gate_controller/test_osdp_reader.py",  # a line of readers that is cut
    "directory/test_openapi.py",  # every answer of every operation
    "console/test_office_browser.py",  # every page of the office
    "campusgate/commands/test_serve.py",  # servers as processes
    "console/test_money_in_a_browser.py",  # a whole day at the cash desk
    "metering/billing/test_room_life.py",  # random lives of a room, on both databases
    "edge/test_real_faces.py",  # films through all networks
    "models/test_engine.py",  # networks, compared with their originals
    "metering/lines/test_process.py",  # readers of meters as processes
)
"""Modules with a test of ten seconds and more, the longest first. One of them at the end is waited for by the rest."""


def begin_with_long(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """Return `items` so that each of equal shares, one for each worker, begins with some of the long modules.

    Modules stay in one piece: what a module's tests share is made once. `--dist worksteal` hands out such shares,
    and takes from their ends what another worker has time for.
    """
    # Looked up by path: to compare items, or to make a path of each, takes a second for the whole suite.
    folder = Path(__file__).parent
    modules: dict[Path, list[pytest.Item]] = {folder / name: [] for name in LONG}
    others_made: list[pytest.Item] = []
    for item in items:
        modules.get(item.path, others_made).append(item)
    long, others = list(modules.values()), iter(others_made)
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        share = _joined(long[worker::workers])
        size = len(items) * (worker + 1) // workers - len(ordered)
        ordered += [*share, *islice(others, max(0, size - len(share)))]
    return [*ordered, *others]


def shuffled(items: Sequence[pytest.Item], seed: int) -> list[pytest.Item]:
    """Return `items` with the modules in a random order and the tests of each in one, both that of `seed`.

    Modules stay in one piece here too: with their tests mixed, what they share is made anew for nearly every test, and
    a whole run takes hours.
    """
    modules: dict[Path, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(item.path, []).append(item)
    order = random.Random(seed)
    for tests in modules.values():
        order.shuffle(tests)
    found = list(modules.values())
    order.shuffle(found)
    return _joined(found)


def _joined(modules: Iterable[list[pytest.Item]]) -> list[pytest.Item]:
    return [item for module in modules for item in module]
