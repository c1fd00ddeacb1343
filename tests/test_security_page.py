"""The page about security names tests that exist, and alarms that can be raised."""

import re
from pathlib import Path

from operations.alarms.rules import AlarmKind

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_each_line_is_held_by_tests_that_exist() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and line.count("|") == 5]
    held = [row for row in rows if not row.startswith(("| Who", "| What"))]
    assert len(held) > 20
    assert [row for row in held if "`tests/" not in row] == []
    named = re.findall(r"`(tests/[\w/]+(?:\.py)?)`", PAGE)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_alarms_to_watch_are_alarms() -> None:
    watched = re.search(r"Read the alarms (.+?) as what", PAGE, re.DOTALL)
    assert watched is not None
    assert set(re.findall(r"`(\w+)`", watched[1])) <= {kind.value for kind in AlarmKind}
