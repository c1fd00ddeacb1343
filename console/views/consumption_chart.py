"""A room's consumption as charts are given it: each hour, day or month with its label by the campus's calendar."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from metering.rooms.calendar_series import Unit, UnitState, find_window
from metering.rooms.series import Step

_LABELS = {Step.HOUR: "%H:%M", Step.DAY: "%m-%d", Step.MONTH: "%Y-%m"}


def describe_chart(
    units: Sequence[Unit], day: date, step: Step, *, zone: ZoneInfo, today: date, since: date
) -> dict[str, Any]:
    """Return units in the order of time, their sum, and the days that name the windows before and after.

    `since` is the first day that whoever looks may see.
    """
    first, last = find_window(day, step)
    known = [unit.wh for unit in units if unit.wh is not None]
    return {
        "step": step.value,
        "title": _title(first, step),
        "units": [
            {"label": f"{unit.begins.astimezone(zone):{_LABELS[step]}}", "wh": unit.wh, "state": unit.state.value}
            for unit in units
        ],
        "sum_wh": sum(known) if known else None,
        "is_complete": all(unit.state is not UnitState.MISSING for unit in units),
        "before": (first - timedelta(days=1)).isoformat() if first > since else None,
        "after": last.isoformat() if last <= today else None,
    }


def _title(first: date, step: Step) -> str:
    if step is Step.HOUR:
        return first.isoformat()
    return f"{first:%Y-%m}" if step is Step.DAY else f"{first:%Y}"
