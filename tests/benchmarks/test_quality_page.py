"""`docs/photo-rules.md` says what the rules are."""

from benchmarks.quality_page import PAGE, rewritten, rules_table
from enrollment.quality import load_limits
from tests.doubles.degradations import FAULTS


def _rows(part: str) -> list[list[str]]:
    page = PAGE.read_text("utf-8")
    text = page.partition(f"<!-- {part} -->\n")[2].partition(f"<!-- /{part} -->")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def test_the_page_shows_every_rule_with_its_level_and_limits() -> None:
    drawn = rules_table(load_limits(), {}).splitlines()[2:]
    assert [row[:4] for row in _rows("rules")] == [
        [cell.strip() for cell in line.strip("|").split("|")][:4] for line in drawn
    ], "run python -m benchmarks.quality and python -m benchmarks.quality_page"


def test_the_page_shows_every_fault() -> None:
    assert [row[0] for row in _rows("faults")] == [fault.name for fault in FAULTS]
    for row in _rows("faults"):
        assert "%" in row[2]


def test_only_the_tables_are_rewritten() -> None:
    page = "before\n<!-- rules -->\nold\n<!-- /rules -->\nafter\n"
    assert rewritten(page, {"rules": "new"}) == page.replace("old", "new")
