"""The suite's order: every test once, modules in one piece, the long ones at the beginning of a worker's share."""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest

from tests.long_modules import LONG, begin_with_long, shuffled

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Item:
    path: Path
    number: int


ITEMS = [Item(FOLDER / name, number) for name in sorted([*LONG, "a.py", "k.py", "z.py"]) for number in range(40)]


def test_each_long_module_is_there() -> None:
    assert [name for name in LONG if not (FOLDER / name).is_file()] == []


@pytest.mark.parametrize("workers", [1, 2, 4, 7])
def test_every_test_stays_and_long_modules_stay_in_one_piece(workers: int) -> None:
    ordered = begin_with_long(ITEMS, workers)
    assert sorted(ordered, key=ITEMS.index) == ITEMS
    pieces = [path for path, _ in groupby(ordered, key=lambda item: item.path)]
    assert [name for name in LONG if pieces.count(FOLDER / name) != 1] == []


def test_each_share_begins_with_a_long_module() -> None:
    short = [Item(FOLDER / f"{number}.py", 0) for number in range(4_000)]
    ordered = begin_with_long([*short, *ITEMS], 4)
    share = len(ordered) // 4
    begun = [ordered[worker * share].path for worker in range(4)]
    assert begun == [FOLDER / name for name in LONG[:4]]


def test_a_seed_is_an_order_of_modules_and_of_the_tests_in_each() -> None:
    ordered = shuffled(ITEMS, 7)
    assert sorted(ordered, key=ITEMS.index) == ITEMS
    pieces = [path for path, _ in groupby(ordered, key=lambda item: item.path)]
    modules = [path for path, _ in groupby(ITEMS, key=lambda item: item.path)]
    assert (sorted(pieces), pieces == modules) == (sorted(modules), False), "each in one piece, and elsewhere"
    numbers = [item.number for item in ordered if item.path == modules[0]]
    assert numbers != sorted(numbers)
    assert shuffled(ITEMS, 7) == ordered
    assert shuffled(ITEMS, 8) != ordered
