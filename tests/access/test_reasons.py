"""The codes are a contract: the page lists them all, and none is lost."""

import re
from pathlib import Path

from access.reasons import Notice, Reason

PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")


def codes(title: str) -> list[str]:
    section = PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def test_the_page_lists_every_reason_in_the_order_of_the_code() -> None:
    assert codes("Reasons") == [reason.value for reason in Reason]


def test_the_page_lists_every_notice() -> None:
    assert codes("Notices") == [notice.value for notice in Notice]


def test_a_code_reads_like_its_name() -> None:
    assert all(one.value == one.name.lower() for kind in (Reason, Notice) for one in kind)
