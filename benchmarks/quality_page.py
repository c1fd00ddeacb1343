"""Brings what `benchmarks.quality` measured into `docs/photo-rules.md`.

`python -m benchmarks.quality --json > quality.json; python -m benchmarks.quality_page quality.json` replaces the tables
between `<!-- NAME -->` and `<!-- /NAME -->`; the text around them stays.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from enrollment.quality import Limits, load_limits
from tests.doubles.degradations import FAULTS

PAGE = Path(__file__).parent.parent / "docs" / "photo-rules.md"
PICTOGRAMS = "../console/static/rules"


def main() -> int:
    """Rewrite the tables; 2 without a result of the benchmark or without the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality_page", description=__doc__.splitlines()[0])
    parser.add_argument("result", type=Path, help="what python -m benchmarks.quality --json printed")
    parser.add_argument("--page", type=Path, default=PAGE)
    arguments = parser.parse_args()
    try:
        result = json.loads(arguments.result.read_text("utf-8"))
        page = arguments.page.read_text("utf-8")
        arguments.page.write_text(rewritten(page, tables(result, load_limits())), encoding="utf-8")
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"{arguments.result} cannot be brought into {arguments.page}: {error!r}\n")
        return 2
    return 0


def rewritten(page: str, parts: Mapping[str, str]) -> str:
    """Return `page` with each part between its marks.

    Raises:
        KeyError: the page has no such marks.
    """
    for name, text in parts.items():
        first, last = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, found, rest = page.partition(first)
        _, closed, after = rest.partition(last)
        if not found or not closed:
            raise KeyError(first.strip())
        page = f"{before}{first}{text}\n{last}{after}"
    return page


def tables(result: Mapping[str, Any], limits: Limits) -> dict[str, str]:
    """Return the page's tables, by name, from the JSON of the benchmark."""
    figures = result["figures"]
    return {
        "rules": rules_table(limits, figures["failed on photos"]["portraits, good"]),
        "photos": _photos_table(figures),
        "faults": _faults_table(figures["faults caught"]),
        "missed": _missed(result["budgets"]),
    }


def rules_table(limits: Limits, failed: Mapping[str, float]) -> str:
    """Return the rules with what breaks them, their limits, and the share of good photos that each fails."""
    rows = (
        (
            f'<img src="{PICTOGRAMS}/{name}.svg" width="60" alt="">',
            f"`{name}`",
            rule.level.value,
            ", ".join(f"{limit} {value:g}" for limit, value in rule.values.items()),
            _percent(failed.get(name, 0.0)),
        )
        for name, rule in limits.items()
    )
    return _table(("Breaks it", "Rule", "Level", "Limits", "Good portraits failed"), rows)


def _photos_table(figures: Mapping[str, Any]) -> str:
    rows = (
        (name, str(count), _percent(figures["passing all required"][name]), *map(_percent, verdicts.values()))
        for name, count in figures["photos"].items()
        for verdicts in [figures["verdicts"][name]]
    )
    return _table(("Photos", "Number", "Pass all required", "Accept", "Review", "Reject"), rows)


def _faults_table(caught: Mapping[str, Mapping[str, float]]) -> str:
    rows = []
    for fault in FAULTS:
        shares = caught[fault.name]
        by_rule = ", ".join(f"`{rule}` {_percent(shares[rule])}" for rule in fault.rules)
        strong = "yes" if fault.strong else ""
        rows.append(
            (fault.name, strong, by_rule, _percent(shares["any required rule"]), _percent(shares["not accepted"]))
        )
    return _table(("Fault", "Strong", "Caught by its rules", "Refused by any", "Not accepted"), rows)


def _missed(budgets: Iterable[Mapping[str, Any]]) -> str:
    missed = [
        f"{one['what']} {_percent(one['budget'])} (got {_percent(one['got'])})" for one in budgets if not one["met"]
    ]
    return f"Missed: {'; '.join(missed)}." if missed else "All of them were met."


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %".replace(".0 %", " %")


if __name__ == "__main__":
    sys.exit(main())
