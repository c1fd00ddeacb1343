"""How far a download or a conversion is, told to whoever shows it."""

from typing import Protocol


class Progress(Protocol):
    """Receives the state of the work as often as it changes."""

    def __call__(self, stage: str, done: int = 0, total: int | None = None) -> None:
        """`stage` says what is being done; `done` of `total` bytes are there, where that is known."""


def silent(stage: str, done: int = 0, total: int | None = None) -> None:
    """Show nothing."""
    del stage, done, total
