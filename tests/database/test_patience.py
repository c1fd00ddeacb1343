"""Work in the background waits for a database that another writer holds, and does its write once."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from database import DatabaseBusyError, patience
from database.patience import write_patiently


class HeldDatabase:
    """A database that another writer holds for some tries."""

    def __init__(self, held: int) -> None:
        self.held = held

    @contextmanager
    def begin(self) -> Iterator[str]:
        self.held -= 1
        if self.held >= 0:
            raise DatabaseBusyError("held")
        yield "session"


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(patience.time, "sleep", slept.append)
    return slept


@pytest.mark.parametrize("held", [0, 1, len(patience.PAUSES_S)])
def test_it_is_written_once_when_the_database_is_free(held: int, pauses: list[float]) -> None:
    written: list[str] = []
    assert write_patiently(HeldDatabase(held), lambda session: written.append(session) or "done") == "done"
    assert (written, pauses) == (["session"], list(patience.PAUSES_S[:held]))


def test_a_database_that_stays_held_is_given_up() -> None:
    with pytest.raises(DatabaseBusyError):
        write_patiently(HeldDatabase(99), lambda session: session)
