"""`docs/operations.md` says what the code does."""

import re
from pathlib import Path

from operations.alarms.rules import ENDED_BY, NATURE, NOTED, RAISED_BY

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")


def test_the_table_of_alarms_is_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (critical|major|minor) \| (.*) \| (.*) \| (yes|no) \|$", PAGE, re.MULTILINE)
    shown = {kind: (severity, latching == "yes") for kind, severity, _, _, latching in rows}
    assert shown == {kind.value: (nature.severity.value, nature.latching) for kind, nature in NATURE.items()}
    for kind, _, raised, ended, _ in rows:
        assert {event for event, of in RAISED_BY.items() if of == kind} <= set(re.findall(r"`(\w+)`", raised))
        assert kind == "lost_card_used" or {note for note, of in NOTED.items() if of == kind} <= set(
            re.findall(r"`(\w+)`", raised)
        )
        assert {event for event, of in ENDED_BY.items() if of == kind} == set(re.findall(r"`(\w+)`", ended))


def test_every_figure_is_listed() -> None:
    source = (Path(__file__).parents[2] / "operations" / "metrics.py").read_text(encoding="utf-8")
    names = set(re.findall(r'"(campusgate_\w+)"', source))
    assert names
    assert all(re.search(rf"`{name}(_total)?`", PAGE) for name in names)
