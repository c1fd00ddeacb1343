"""The study as a table and as one JSON object."""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from campusgate.calibration.page import estimate_text, share_text
from campusgate.calibration.study import Row, Share, Study

_BASIS = {
    "templates": "measured on the campus's own templates",
    "passages": "raised by what the gate's passages showed",
    "extrapolated": "prolonged from the campus's templates, and no lower than the model's calibration",
    "model": "the model's own calibration, for there are too few people to measure anything",
}


def as_document(gate: str, found: Study) -> dict[str, Any]:
    """Return the study as plain values."""
    tail = found.tail
    return {
        "gate": gate,
        "model": found.model_id,
        "people_searched": found.size,
        "fpir": found.fpir,
        "threshold": found.wanted.chosen,
        "basis": found.basis,
        "people_compared": found.people,
        "pairs": tail.pairs if tail is not None else 0,
        "mated": len(found.mated),
        "passages": len(found.passages.genuine),
        "unknown_faces": len(found.passages.unknown),
        "raised_by_passages": found.shift,
        "rates": [_rate(row) for row in found.rows],
        "calibration": {"model": found.model_id, "points": found.points()},
    }


def _rate(row: Row) -> dict[str, Any]:
    return {
        "fpir": row.fpir,
        "fmr": row.fmr,
        "model": row.model,
        "chosen": row.chosen,
        "estimate": None if row.estimate is None else asdict(row.estimate),
        "mated_missed": _share(row.mated_missed),
        "passages_missed": _share(row.passages_missed),
        "passages_false": _share(row.passages_false),
    }


def _share(share: Share) -> dict[str, Any]:
    return {"share": share.value, "interval": share.interval, "of": share.of}


def print_study(gate: str, found: Study) -> None:
    """Print the study as a table."""
    title = f"Gate {gate}: {found.size} people, {found.model_id}"
    table = Table("FPIR", "threshold", "estimate", "95 %", "model", "mated missed", "passages false", title=title)
    for row in found.rows:
        threshold, interval = estimate_text(row.estimate)
        table.add_row(
            f"{100 * row.fpir:g} %",
            f"{row.chosen:.3f}",
            threshold,
            interval,
            f"{row.model:.3f}",
            share_text(row.mated_missed),
            share_text(row.passages_false),
            style="bold" if row is found.wanted else None,
        )
    console = Console()
    console.print(table)
    pairs = 0 if found.tail is None else found.tail.pairs
    console.print(
        f"{found.people} people with templates, {pairs} pairs, {len(found.passages.genuine)} passages. "
        f"Threshold {found.wanted.chosen:.3f}: {_BASIS[found.basis]}."
    )
    if any(row.estimate is not None and not row.estimate.measured for row in found.rows):
        console.print("* extrapolated: rarer than the campus's pairs can show.")
