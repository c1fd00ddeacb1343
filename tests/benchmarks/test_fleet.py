"""How the fleet's figures are judged."""

from collections import Counter
from uuid import uuid4

from benchmarks.fleet import Measured
from benchmarks.fleet_campus import percentiles_ms
from benchmarks.fleet_orders import Ordered


def test_one_lost_event_or_one_slow_gate_misses_a_budget() -> None:
    kept, lost = uuid4(), uuid4()
    measured = Measured(
        broker="mosquitto",
        database="sqlite",
        lags=[{"a": 0.1, "b": 2.5}],
        emitted={kept, lost},
        journal=(Counter([kept]), 0),
        taps=[0.01],
        commands=[0.01],
        orders=[Ordered(answered_s=0.3, moved_s=0.2), Ordered(answered_s=1.2, moved_s=None)],
    )
    report = measured.report()
    assert report.figures["events"] == {"emitted": 2, "stored": 1, "lost": 1, "twice": 0}
    missed = [each.what for each in report.budgets if not each.met]
    assert missed == [
        "report of a lost card to refusal p99, ms at most",
        "events lost at most",
        "staff order to the last of all answers, longest, ms at most",
    ]


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert percentiles_ms([0.3, 0.1, 0.2]) == {"p50": 200.0, "p99": 300.0, "max": 300.0}
