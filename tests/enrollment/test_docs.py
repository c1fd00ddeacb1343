"""What the page says about enrolment is what the code does."""

from pathlib import Path

from enrollment.lifecycle import NEXT
from enrollment.tables import PhotoState
from tests.generated import assert_generated

PAGE = Path(__file__).parents[2] / "docs" / "enrollment.md"


def test_the_page_draws_the_life_of_a_photo() -> None:
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {PhotoState.UPLOADED}"]
    for before in PhotoState:
        after = [state for state in PhotoState if state in NEXT[before]]
        lines += [f"    {before} --> {state}" for state in after]
        if not after:
            lines.append(f"    {before} --> [*]")
    assert_generated(PAGE, "life", [*lines, "```"])
