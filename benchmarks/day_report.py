"""What is told of a played day: its zeros, what was done, and how long things took."""

from collections.abc import Sequence
from typing import Any

from benchmarks.day_campus import BALANCE, Size
from benchmarks.day_facts import StoredEvent
from benchmarks.day_judgement import judge_faces, judge_payments, judge_photos
from benchmarks.day_play import Plan, Played
from benchmarks.day_strikes import is_undisturbed
from benchmarks.fault_history import judge
from benchmarks.fleet_campus import percentiles_ms
from benchmarks.report import Report, budget
from messages import EventKind

_ENOUGH = 20
"""Fewer figures have no percentiles."""
_SHOWN = 10
"""Faults that are printed of each sort."""
_LATE = " s "

Timed = Sequence[tuple[float, float]]
"""When (monotonic seconds), and how long it took (seconds)."""


def report_of(played: Played, plan: Plan, size: Size) -> Report:
    """Judge a played day."""
    judgement = judge(played.histories, played.gate_facts())
    faces = judge_faces(
        {gate: played.histories[gate] for gate in {one.gate for one in played.crowd.walks}}, played.crowd.walks
    )
    stored = {one.id for one in played.facts.events}
    strangers = [
        f"{one.gate}: {one.person} was let in, who has no right"
        for one in played.facts.events
        if one.granted and one.kind == EventKind.ACCESS_GRANTED and one.person not in played.may_pass
    ]
    openings = [one for one in judgement.violations if "events" not in one]
    late = [one for one in [*openings, *faces] if _LATE in one]
    wrong = [one for one in [*openings, *faces, *strangers] if one not in late]
    lost = [one for one in judgement.violations if "events" in one]
    lost_elsewhere = len(played.emitted - stored)
    purchases = [one for till in played.crowd.tills for one in till.purchases]
    money = judge_payments(purchases, played.facts.payments, played.people, played.facts.balances, before=BALANCE)
    photos = judge_photos(played.crowd.newcomers.handed_in, played.facts.photos)
    asked_twice = money.asked_twice + len(photos)
    figures: dict[str, Any] = {
        "seed": plan.seed,
        "people": size.people,
        "gates": {"main": size.main_gates, "with_edge": size.edges, "of_buildings": size.building_gates},
        "times_as_fast": round(plan.day.factor),
        "share_of_the_rates": plan.day.share,
        "strikes": dict(sorted(played.strikes.done.items())),
        "started_again_by_the_supervisor": {name: times for name, times in played.restarted.items() if times},
        "openings": judgement.openings + sum(latency_s < float("inf") for _, latency_s in played.taps),
        "openings_by_face": sum(one.kind == EventKind.FACE_GRANTED for one in played.facts.events),
        "walks": len(played.crowd.walks),
        "refusals": dict(judgement.refusals),
        "events": len(played.facts.events),
        "payments": sum(one.acknowledged_s is not None for one in purchases),
        "payments_asked_again": sum(one.tries > 1 for one in purchases),
        "showers": dict(played.baths.states),
        "photos": sum(one.photo is not None for one in played.crowd.newcomers.handed_in),
        "answers_500": sum(one.failures for one in [*purchases, *played.crowd.newcomers.handed_in]),
        "live_page": {
            "events": len(played.crowd.page.seen),
            "opened": len(played.crowd.page.open),
            "twice": played.crowd.page.twice,
        },
        "faults": {
            "wrong_openings": wrong[:_SHOWN],
            "late_openings": late[:_SHOWN],
            "events": lost[:_SHOWN],
            "money": [*money.faults[:_SHOWN], *played.baths.faults[:_SHOWN], *played.facts.books[:_SHOWN]],
            "photos": photos[:_SHOWN],
        },
        **_times(played),
    }
    budgets = [
        budget("wrong openings", len(wrong), "at most", 0),
        budget("late openings", len(late), "at most", 0),
        budget("fen lost", money.lost_fen, "at most", 0),
        budget("fen that nobody asked to move", money.unexplained_fen, "at most", 0),
        budget("faults in the showers' books", len(played.baths.faults), "at most", 0),
        budget("faults in ledger, journal and audit trail", len(played.facts.books), "at most", 0),
        budget("events lost", len(lost) + lost_elsewhere, "at most", 0),
        budget("people asked twice", asked_twice, "at most", 0),
        budget("openings", figures["openings"], "at least", 1),
        budget("openings by face", figures["openings_by_face"], "at least", 1),
        budget("payments", figures["payments"], "at least", 1),
        budget("showers settled", sum(played.baths.states.values()), "at least", 1),
        budget("photos assessed", figures["photos"], "at least", 1),
    ]
    return Report("day", figures, budgets)


def _missed(played: Played) -> int:
    """Return how many events the live page was not sent, of those stored after the first that it was."""
    seen = played.crowd.page.seen
    since = min(seen, default=float("inf"))
    return sum(one.sequence > since and one.sequence not in seen for one in played.facts.events)


def _is_of_relay(event: StoredEvent) -> bool:
    return event.kind == EventKind.FACE_GRANTED and event.details.get("latency_to") == "relay"


def _times(played: Played) -> dict[str, Any]:
    events = played.facts.events
    offset_s = played.clock_offset_s
    by_name: dict[str, Timed] = {
        "frame_to_relay_ms": [
            (one.at.timestamp() + offset_s, (one.latency_ms or 0) / 1000) for one in events if _is_of_relay(one)
        ],
        "tap_to_relay_ms": [one for one in played.taps if one[1] < float("inf")],
        "payment_ms": [
            (one.asked_s, one.acknowledged_s - one.asked_s)
            for till in played.crowd.tills
            for one in till.purchases
            if one.acknowledged_s is not None
        ],
        "event_to_store_ms": [
            (one.at.timestamp() + offset_s, (one.received_at - one.at).total_seconds()) for one in events
        ],
        "event_to_live_page_ms": [(at_s - late_s, late_s) for at_s, late_s in played.crowd.page.seen.values()],
    }
    away = [*played.strikes.away, *played.crowd.without_server]
    return {name: _summary(timed, away) for name, timed in by_name.items()}


def _summary(timed: Timed, away: Timed) -> dict[str, Any]:
    calm = [took_s for at_s, took_s in timed if is_undisturbed(at_s, away)]
    found: dict[str, Any] = {"number": len(timed), "all": percentiles_ms([took_s for _, took_s in timed])}
    if len(calm) >= _ENOUGH:
        found["while_nothing_was_struck"] = percentiles_ms(calm)
    return found
