"""Hints reach gates also when the broker was away while, or went away after, something was published."""

from collections.abc import Callable

from bus import NotConnectedError
from campusgate.wiring.directory_hints import AGAIN_S, DirectoryHints
from messages import DirectoryHint


class Bus:
    """A connection that can be away."""

    def __init__(self) -> None:
        self.is_there = True
        self.hooks: list[Callable[[], None]] = []
        self.published: list[tuple[str, int]] = []

    def on_connect(self, hook: Callable[[], None]) -> None:
        self.hooks.append(hook)

    def publish(self, topic: str, payload: bytes) -> None:
        if not self.is_there:
            raise NotConnectedError("away")
        self.published.append((topic, DirectoryHint.model_validate_json(payload).revision))


def test_what_was_published_while_the_broker_was_away_is_told_afterwards() -> None:
    bus = Bus()
    hints = DirectoryHints(bus, "main")  # type: ignore[arg-type]
    hints("north", 4)
    bus.is_there = False
    for revision in (5, 6):
        hints("north", revision)
    hints("south", 6)
    bus.is_there = True
    for hook in bus.hooks:
        hook()
    assert [(topic.split("/")[3], revision) for topic, revision in bus.published] == [
        ("north", 4),
        ("north", 6),
        ("south", 6),
    ]


def test_a_hint_that_was_lost_goes_with_the_next_one() -> None:
    bus = Bus()
    hints = DirectoryHints(bus, "main")  # type: ignore[arg-type]
    bus.is_there = False
    hints("north", 4)
    bus.is_there = True
    hints("south", 5)
    assert sorted(revision for _, revision in bus.published) == [4, 5]


def test_what_may_have_been_lost_with_a_connection_is_told_again() -> None:
    bus, now = Bus(), [0.0]
    hints = DirectoryHints(bus, "main", clock_s=lambda: now[0])  # type: ignore[arg-type]
    hints("south", 3)
    now[0] = AGAIN_S
    hints("north", 4)
    now[0] += 1
    bus.published.clear()
    for hook in bus.hooks:
        hook()
    assert [(topic.split("/")[3], revision) for topic, revision in bus.published] == [("north", 4)], (
        "south has asked by itself"
    )
