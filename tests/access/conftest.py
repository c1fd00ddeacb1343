"""A gate's side alone: entries and pages made by hand, a replica on disk."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from access.replica import Replica
from database.sealing import Sealer


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(b"s" * 32)


@pytest.fixture
def open_replica(tmp_path: Path, sealer: Sealer) -> Iterator[Callable[..., Replica]]:
    """Open the replica of the test's gate; closed at the end."""
    opened: list[Replica] = []

    def open_replica(**given: Any) -> Replica:
        arguments = {"sealer": sealer, "gate": "main", "models": ("m-1",)} | given
        opened.append(Replica(tmp_path / "replica.db", **arguments))
        return opened[-1]

    yield open_replica
    for replica in opened:
        replica.close()
