"""The day of the gates in figures: passages by hour and gate, refusals by reason, how full a zone was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from directory import gates
from operations import hours, muster, zone_samples

_HALF_HOUR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Share:
    """One line of a comparison: a code or name, its number, and how it stands to the largest, in per cent."""

    key: str
    title: str
    number: int
    share: float


@dataclass(frozen=True, slots=True)
class DayCharts:
    """What a page shows of one day; bars as `chart.js` takes them."""

    passages: Sequence[Mapping[str, Any]]
    by_gate: Sequence[Share]
    refusals: Sequence[Share]
    occupancy: Sequence[Mapping[str, Any]]
    limit: int | None

    @property
    def number_of_passages(self) -> int:
        """How many were let in."""
        return sum(bar["value"] or 0 for bar in self.passages)

    @property
    def number_of_refusals(self) -> int:
        """How many were refused."""
        return sum(one.number for one in self.refusals)


def chart_day(
    session: Session, day: date, *, gate: str | None, zone: str | None, campus: ZoneInfo, now: datetime
) -> DayCharts:
    """Return the figures of a day of the campus: of one gate or all, and how full `zone` was."""
    since, until = _span(day, campus)
    counted = hours.sum_up(session, since=since, until=until, gates=None if gate is None else [gate])
    granted: dict[datetime, int] = {}
    refused: dict[str, int] = {}
    for one in counted:
        if one.outcome == "granted":
            granted[one.hour] = granted.get(one.hour, 0) + one.number
        else:
            refused[one.reason] = refused.get(one.reason, 0) + one.number
    titles = gates.find_titles(session)
    samples = zone_samples.find(session, zone, since=since, until=until) if zone is not None else []
    return DayCharts(
        passages=_hour_bars(granted, since, until, campus, now),
        by_gate=_compare({name: (titles.get(name, name), number) for name, number in _gates(session, since, until)}),
        refusals=_compare({reason: (reason, number) for reason, number in refused.items()}),
        occupancy=_sample_bars(samples, since, until, campus, now) if zone is not None else [],
        limit=muster.limits(session).get(zone) if zone is not None else None,
    )


def _span(day: date, campus: ZoneInfo) -> tuple[datetime, datetime]:
    """Return where a day of the campus begins and ends."""
    begin, end = (datetime.combine(one, time(), tzinfo=campus) for one in (day, day + timedelta(days=1)))
    return begin.astimezone(UTC), end.astimezone(UTC)


def _gates(session: Session, since: datetime, until: datetime) -> Sequence[tuple[str, int]]:
    return list(hours.sum_by_gate(session, since=since, until=until).items())


def _compare(found: Mapping[str, tuple[str, int]]) -> Sequence[Share]:
    """Return the lines, the largest first."""
    most = max((number for _, number in found.values()), default=0)
    lines = [Share(key, title, number, 100 * number / most) for key, (title, number) in found.items() if number]
    return sorted(lines, key=lambda one: (-one.number, one.title))


def _hour_bars(
    granted: Mapping[datetime, int], since: datetime, until: datetime, campus: ZoneInfo, now: datetime
) -> Sequence[Mapping[str, Any]]:
    bars, hour = [], since
    while hour < until:
        local, end = hour.astimezone(campus), (hour + timedelta(hours=1)).astimezone(campus)
        state = "ahead" if hour > now else "so_far" if hour + timedelta(hours=1) > now else "known"
        # What gates sent late may stand in an hour that has not come by this server's clock.
        value = granted.get(hour, 0 if state != "ahead" else None)
        bars.append({"label": f"{local:%H:%M}–{end:%H:%M}", "short": f"{local:%H}", "value": value, "state": state})
        hour += timedelta(hours=1)
    return bars


def _sample_bars(
    samples: Sequence[tuple[datetime, int]], since: datetime, until: datetime, campus: ZoneInfo, now: datetime
) -> Sequence[Mapping[str, Any]]:
    """Return the most that were inside in each half-hour; None where no sample was taken."""
    most: dict[int, int] = {}
    for at, inside in samples:
        place = int((at - since) / _HALF_HOUR)
        most[place] = max(inside, most.get(place, 0))
    bars = []
    for place in range(int((until - since) / _HALF_HOUR)):
        begin = since + place * _HALF_HOUR
        local, end = begin.astimezone(campus), (begin + _HALF_HOUR).astimezone(campus)
        state = "known" if place in most else "ahead" if begin > now else "missing"
        short = f"{local:%H:%M}" if local.minute == 0 else ""
        bars.append({"label": f"{local:%H:%M}–{end:%H:%M}", "short": short, "value": most.get(place), "state": state})
    return bars
