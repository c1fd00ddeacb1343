"""What commands write for people at a terminal. Rich is imported by the one who shows a bar: `--help` is instant."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

_MOST_LINES: Final = 20


@contextmanager
def progress_bar(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error; the value is called with the number done and of all."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True, quiet=quiet)
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def sentence(counts: Mapping[str, int]) -> str:
    """Return counts by word as one sentence: `2 created, 1 unchanged`."""
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())


def shortened(lines: Sequence[str], where_all_are: str) -> list[str]:
    """Return the lines, or the first of many and a last one that says where all are."""
    if len(lines) <= _MOST_LINES:
        return list(lines)
    return [*lines[:_MOST_LINES], f"… and {len(lines) - _MOST_LINES} more; {where_all_are}"]


def write_lines(lines: Sequence[str]) -> None:
    """Write lines on standard output."""
    sys.stdout.write("\n".join(lines) + "\n")
