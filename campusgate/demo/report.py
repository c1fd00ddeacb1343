"""What the demonstration found, as a document for machines and as a table for people."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from messages import Event


@dataclass(frozen=True, slots=True)
class SceneResult:
    """One thing that had to be so, and what was."""

    name: str
    expected: str
    got: str

    @property
    def ok(self) -> bool:
        """Whether it is so."""
        return self.got == self.expected


@dataclass(slots=True)
class Report:
    """The day, as it went."""

    photos: dict[str, int] = field(default_factory=lambda: {"accepted": 0, "review": 0, "rejected": 0})
    outcomes: list[SceneResult] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every outcome is as expected, and there are any."""
        return bool(self.outcomes) and all(outcome.ok for outcome in self.outcomes)

    def document(self) -> dict[str, Any]:
        """Return the report in the shape of `campusgate demo --once --json`."""
        return {
            "photos": self.photos,
            "outcomes": [asdict(outcome) | {"ok": outcome.ok} for outcome in self.outcomes],
            "events": [_event(event) for event in self.events],
        }

    def print(self, console: Console, names: dict[str, str]) -> None:
        """Print the outcomes and the events; `names` gives the invented people's names by id."""
        console.print(_outcomes(self.outcomes))
        console.print(_events(self.events, names))
        console.print(
            f"Photos of the intake: {self.photos['accepted']} accepted, {self.photos['review']} to the reviewer, "
            f"{self.photos['rejected']} rejected."
        )


def _event(event: Event) -> dict[str, Any]:
    return {
        "gate": event.gate,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "person": str(event.person_id) if event.person_id else None,
        "method": event.method.value if event.method else None,
        "granted": event.granted,
        "reason": event.reason,
        "latency_ms": event.latency_ms,
    }


def _outcomes(outcomes: Sequence[SceneResult]) -> Table:
    table = Table("", "Outcome", "Expected", "Got", title="One day at the gate", title_justify="left")
    for outcome in outcomes:
        mark = "[green]✓[/]" if outcome.ok else "[red]✗[/]"
        table.add_row(mark, outcome.name.replace("_", " "), outcome.expected, outcome.got)
    return table


def _events(events: Sequence[Event], names: dict[str, str]) -> Table:
    table = Table("Time", "Event", "Person", "By", "Reason", "Latency", title="Events", title_justify="left")
    for event in events:
        table.add_row(
            event.at.astimezone().strftime("%H:%M:%S.%f")[:-3],
            event.kind.replace("_", " "),
            names.get(str(event.person_id), "") if event.person_id else "",
            event.method.value if event.method else "",
            event.reason or "",
            f"{event.latency_ms:.0f} ms" if event.latency_ms is not None else "",
        )
    return table
