"""What is known of each page so far, kept line by line, so that a run that was cut off goes on where it was."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

Key = tuple[str, ...]
"""Which pass, which page, and in which language or at which width."""


@dataclass(slots=True)
class Records:
    """Answers by key, in memory and, where there is a file, as a line of JSON each: `[key, answer]`."""

    file: Path | None = None
    known: dict[Key, Any] = field(default_factory=dict)

    @classmethod
    def open(cls, file: Path | None, *, resume: bool) -> Self:
        """Begin anew, or go on after what the file holds; a last line that was cut off does not count.

        Raises:
            OSError: the file cannot be read or written.
        """
        records = cls(file)
        if file is not None and resume and file.exists():
            for line in file.read_text(encoding="utf-8").splitlines():
                try:
                    key, answer = json.loads(line)
                except ValueError:
                    continue
                records.known[tuple(key)] = answer
        if file is not None:
            file.write_text("".join(_line(key, answer) for key, answer in records.known.items()), encoding="utf-8")
        return records

    def __contains__(self, key: Key) -> bool:
        """Tell whether this was done."""
        return key in self.known

    def add(self, key: Key, answer: Any) -> None:
        """Keep what was found."""
        self.known[key] = answer
        if self.file is not None:
            with self.file.open("a", encoding="utf-8") as lines:
                lines.write(_line(key, answer))

    def of(self, which: str) -> dict[Key, Any]:
        """Return the answers of one pass by the rest of their keys."""
        return {key[1:]: answer for key, answer in self.known.items() if key[0] == which}


def _line(key: Key, answer: Any) -> str:
    return json.dumps([key, answer], ensure_ascii=False) + "\n"
