"""What the demonstration tells whoever watches: what is going on now, and what happened, line by line."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.text import Text

from campusgate.demo.report import SceneResult


class Narrator(Protocol):
    """Whoever tells the story."""

    def show(self, what: str) -> None:
        """Show what is going on at this moment, in place of what went on before."""

    def write(self, what: str) -> None:
        """Say something that a watcher needs to know; it stays to be read."""

    def report(self, outcome: SceneResult, story: str) -> None:
        """Say how a scene ended."""


class ConsoleNarrator:
    """Tells it on a terminal. Into a file or a pipe it writes the lines that stay, and nothing that moves."""

    def __init__(self, console: Console, status: Status) -> None:
        """Write on `console`; `status` is its line that moves."""
        self._console = console
        self._status = status

    def show(self, what: str) -> None:
        """Show what is going on, on one line however narrow the terminal is."""
        self._status.update(Text(what, overflow="ellipsis", no_wrap=True))

    def write(self, what: str) -> None:
        """Write a line with the time of day."""
        self._print(f"[yellow]→ {escape(what)}[/]")

    def report(self, outcome: SceneResult, story: str) -> None:
        """Write a line with the time of day, the scene's name, and what it was about; what went wrong, if it did."""
        mark = "[green]✓[/]" if outcome.ok else "[red]✗[/]"
        wrong = "" if outcome.ok else f" [red]{escape(outcome.got)}[/]"
        self._print(f"{mark} [bold]{outcome.name}[/]  {escape(story)}{wrong}")

    def _print(self, markup: str) -> None:
        self._console.print(f"[dim]{datetime.now().astimezone():%H:%M:%S}[/] {markup}", soft_wrap=True, highlight=False)


@contextmanager
def console_narrator(console: Console) -> Iterator[ConsoleNarrator]:
    """A narrator whose moving line is gone at the end of the block."""
    with console.status("") as status:
        yield ConsoleNarrator(console, status)
