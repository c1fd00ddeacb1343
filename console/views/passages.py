"""Passages as the pages show them: one row each, with the events that it is made of."""

from collections.abc import Mapping, Sequence
from typing import Any

from operations.passages import Passage


def describe(passage: Passage, described: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """Return one row: the headline's particulars, what others know beside, and all events.

    `described` are its events by sequence number, as `console.views.events.describe_events` returns them.
    """
    events = [described[one.sequence] for one in passage.events]
    return {
        **described[passage.headline.sequence],
        "person": _first(events, "person"),
        "method": _first(events, "method"),
        "order": _first(events, "order"),
        "latency_ms": _first(events, "latency_ms"),
        "notices": list(dict.fromkeys(notice for one in events for notice in one["notices"])),
        "outcome": passage.outcome,
        "events": events,
    }


def _first(events: Sequence[Mapping[str, Any]], name: str) -> Any:
    return next((one[name] for one in events if one[name]), None)
