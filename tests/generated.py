"""Parts of documentation pages that are made from the code."""

import os
import re
from pathlib import Path


def assert_generated(page: Path, name: str, lines: list[str]) -> None:
    """Compare a part of the page with what the code says; CAMPUSGATE_RENEW_DOCS=1 writes it."""
    text = page.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    assert pattern.search(text), f"{page.name} has no part {name}"
    body = "".join(f"{line}\n" for line in lines)
    wanted = pattern.sub(lambda part: f"{part[1]}{body}{part[2]}", text)
    if os.environ.get("CAMPUSGATE_RENEW_DOCS"):
        page.write_text(wanted, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == wanted, "run this test with CAMPUSGATE_RENEW_DOCS=1 and look at the page"
