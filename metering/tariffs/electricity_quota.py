"""Grants of free energy, from the rules of the plans and who lived in a room when. Pure.

A grant is what one person (or the room) gets in one window. It is there from its first day on, and a person's ends with
their stay, so it is never used by those who live there before or after. Shares of a window are rounded down to the
watt-hour.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import zip_longest
from uuid import UUID
from zoneinfo import ZoneInfo

from metering.tariffs.electricity import PricePlan, Quota, QuotaExpiry, QuotaShare, QuotaWindow, WattHours, midnight

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stay:
    """Somebody lives in the room from `begins_on` until before `ends_on`; None while they do.

    `kinds` are the kind of their account and the groups they are in: what quotas tell people apart by.
    """

    person: UUID
    begins_on: date
    ends_on: date | None = None
    kinds: tuple[str, ...] = ()

    def is_on(self, day: date) -> bool:
        """Return whether they live there on a day."""
        return self.begins_on <= day and (self.ends_on is None or day < self.ends_on)


@dataclass(frozen=True, slots=True)
class Grant:
    """Free energy from `begins` until before `ends`; given for `days` of a window's `of_days`. `key` never changes."""

    key: str
    begins: datetime
    ends: datetime | None
    wh: WattHours
    window: str
    person: UUID | None
    days: int
    of_days: int

    def is_live(self, at: datetime) -> bool:
        """Return whether it may be used at a time."""
        return self.begins <= at and (self.ends is None or at < self.ends)


@dataclass(frozen=True, slots=True)
class _Span:
    begins_on: date
    ends_on: date

    @property
    def days(self) -> int:
        return max(0, (self.ends_on - self.begins_on).days)

    def within(self, begins_on: date, ends_on: date | None) -> "_Span":
        ends = self.ends_on if ends_on is None else min(self.ends_on, ends_on)
        return _Span(max(self.begins_on, begins_on), ends)


def heads_on(stays: Sequence[Stay], day: date) -> int:
    """Return how many people live in the room on a day."""
    return len({stay.person for stay in stays if stay.is_on(day)})


def grants(plans: Sequence[PricePlan], stays: Sequence[Stay], until: date, zone: ZoneInfo) -> list[Grant]:
    """Return every grant of a room that begins before `until`, in the order in which they are used up."""
    found = [
        grant
        for quota, begins_on, ends_on in quota_rules(plans)
        for window in _windows(quota, begins_on, until)
        for grant in _of_window(quota, window, (begins_on, ends_on), stays, zone)
        if grant.wh > 0 and grant.begins < midnight(until, zone)
    ]
    return sorted(found, key=_order)


def _order(grant: Grant) -> tuple[bool, float, datetime, str]:
    """What ends first is used first."""
    return grant.ends is None, 0.0 if grant.ends is None else grant.ends.timestamp(), grant.begins, grant.key


def quota_rules(plans: Sequence[PricePlan]) -> list[tuple[Quota, date, date | None]]:
    """Return each quota with when it begins and ends to hold; plans that only change the price go on with the same."""
    ordered = sorted(plans, key=lambda plan: plan.starts_on)
    changes = [plan for index, plan in enumerate(ordered) if index == 0 or plan.quota != ordered[index - 1].quota]
    ends = [plan.starts_on for plan in changes[1:]]
    return [(plan.quota, plan.starts_on, until) for plan, until in zip_longest(changes, ends) if plan.quota is not None]


def _windows(quota: Quota, begins_on: date, until: date) -> Iterator[tuple[str, _Span]]:
    if quota.window is QuotaWindow.TERM:
        for term in quota.terms:
            if term.begins_on < until and term.ends_on > begins_on:
                yield term.name, _Span(term.begins_on, term.ends_on)
        return
    first = begins_on.replace(day=1) if quota.window is QuotaWindow.MONTH else date(begins_on.year, 1, 1)
    while first < until:
        after = _next_month(first) if quota.window is QuotaWindow.MONTH else date(first.year + 1, 1, 1)
        if quota.window is QuotaWindow.YEAR or first.month not in quota.months_without:
            yield (f"{first:%Y-%m}" if quota.window is QuotaWindow.MONTH else f"{first:%Y}"), _Span(first, after)
        first = after


def _next_month(first: date) -> date:
    return (first + 31 * DAY).replace(day=1)


def _of_window(
    quota: Quota,
    named: tuple[str, _Span],
    rule: tuple[date, date | None],
    stays: Sequence[Stay],
    zone: ZoneInfo,
) -> Iterator[Grant]:
    name, window = named
    in_force = window.within(*rule)
    expires_on = _expiry(quota, window)
    if rule[1] is not None:
        expires_on = rule[1] if expires_on is None else min(expires_on, rule[1])
    counted_on = None
    if quota.head_count_day is not None:
        counted_on = _count_day(window, quota.head_count_day)
        if not in_force.begins_on <= counted_on < in_force.ends_on:
            return
    for person, wh, stay in _shares(quota, in_force, stays, counted_on):
        part = _Span(counted_on, window.ends_on) if counted_on is not None else stay.span
        days, of_days = (1, 1) if counted_on is not None else (_counted(quota, part), _counted(quota, window))
        if days <= 0 or of_days <= 0:
            continue
        ends_on = stay.ends_on if expires_on is None or (stay.ends_on and stay.ends_on < expires_on) else expires_on
        yield Grant(
            key=f"{window.begins_on}/{part.begins_on}/{person or 'room'}",
            begins=midnight(part.begins_on, zone),
            ends=None if ends_on is None else midnight(ends_on, zone),
            wh=WattHours(wh * days // of_days),
            window=name,
            person=person,
            days=days,
            of_days=of_days,
        )


@dataclass(frozen=True, slots=True)
class _Lived:
    span: _Span
    ends_on: date | None


def _shares(
    quota: Quota, in_force: _Span, stays: Sequence[Stay], counted_on: date | None
) -> Iterator[tuple[UUID | None, WattHours, _Lived]]:
    """Who gets how much for a whole window, and the days of it that count for them."""
    runs = _runs(stays) if quota.share is QuotaShare.ROOM else [(stay.begins_on, stay.ends_on) for stay in stays]
    seen: set[UUID | None] = set()
    for index, (begins_on, ends_on) in enumerate(runs):
        span = in_force.within(begins_on, ends_on)
        person = None if quota.share is QuotaShare.ROOM else stays[index].person
        if span.days == 0 or (counted_on is not None and not span.begins_on <= counted_on < span.ends_on):
            continue
        if counted_on is not None and person in seen:
            continue
        seen.add(person)
        yield person, quota.wh if person is None else quota.wh_of(stays[index].kinds), _Lived(span, ends_on)


def _runs(stays: Sequence[Stay]) -> list[tuple[date, date | None]]:
    """The times in which anybody lives in the room, without gaps."""
    runs: list[tuple[date, date | None]] = []
    for stay in sorted(stays, key=lambda one: one.begins_on):
        if stay.ends_on is not None and stay.ends_on <= stay.begins_on:
            continue
        if runs and (runs[-1][1] is None or stay.begins_on <= runs[-1][1]):
            last = runs[-1][1]
            runs[-1] = (runs[-1][0], None if last is None or stay.ends_on is None else max(last, stay.ends_on))
        else:
            runs.append((stay.begins_on, stay.ends_on))
    return runs


def _counted(quota: Quota, span: _Span) -> int:
    """The days of a span that a quota is given for; a month without gives none."""
    if not quota.months_without:
        return span.days
    days = (span.begins_on + index * DAY for index in range(span.days))
    return sum(1 for day in days if day.month not in quota.months_without)


def _count_day(window: _Span, day: int) -> date:
    found = window.begins_on.replace(day=day)
    return found if found >= window.begins_on else _next_month(window.begins_on).replace(day=day)


def _expiry(quota: Quota, window: _Span) -> date | None:
    match quota.expiry:
        case QuotaExpiry.NEVER:
            return None
        case QuotaExpiry.YEAR:
            return date(window.begins_on.year + 1, 1, 1)
        case QuotaExpiry.TERM:
            term = quota.term_of(window.begins_on)
            return window.ends_on if term is None else max(term.ends_on, window.begins_on)
        case QuotaExpiry.WINDOW:
            return window.ends_on
