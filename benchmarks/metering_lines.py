"""How fast meters are read, by our lines and by `dlt645`'s client; a cycle at a line's speed; a year of readings."""

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.metering_process import read_cycle
from benchmarks.metering_readers import OurRounds, PeerRounds, ReaderProcess, Round
from benchmarks.metering_storage import CYCLES_A_DAY, measure_storage
from benchmarks.metering_wire import Wire, running_wire
from benchmarks.report import Report, budget, progress
from tests.doubles.processes import quiet

_DAYS: Final = 365
_STORED_CYCLES: Final = 8
_BITS_PER_S: Final = 2_400
_ANSWERS_AFTER_S: Final = 0.1
_SILENT_EVERY: Final = 50


def run(*, lines: int, meters: int, turns: int) -> Report:
    """Measure: each of `turns` is a round of ours and one of the peer's."""
    quiet()
    fast = Wire(lines, meters)
    ours, theirs = _compare(fast, turns)
    slow = Wire(lines, meters, _BITS_PER_S, _ANSWERS_AFTER_S, _SILENT_EVERY)
    with tempfile.TemporaryDirectory(prefix="campusgate-metering-") as scratch:
        with running_wire(slow) as ports:
            cycle = read_cycle(slow, ports, Path(scratch) / "reader")
        stored = measure_storage(Path(scratch), fast.total, _STORED_CYCLES)
    a_year = fast.total * CYCLES_A_DAY * _DAYS
    rate, peer_rate = _rate(ours, fast), _rate(theirs, fast)
    ratio = rate / peer_rate
    return Report(
        "metering",
        {
            "meters": fast.total,
            "lines": lines,
            "readings_per_s": rate,
            "median_readings_per_s": statistics.median(_rates(ours, fast)),
            "cpu_us_per_reading": _cpu_us(ours, fast),
            "cycle_at_2400_bps": {
                "seconds": cycle.seconds,
                "silent_meters": slow.total - slow.answering,
                "cpu_s": cycle.cpu_s,
                "peak_mb": cycle.peak_mb,
            },
            "storage": {
                "rows_per_s": stored.rows_per_s,
                "bytes_per_row": stored.bytes_per_row,
                "rows_a_year": a_year,
                "hours_a_year_of_storing": a_year / stored.rows_per_s / 3600,
                "gigabytes_a_year": a_year * stored.bytes_per_row / 1e9,
                "gigabytes_of_90_days": a_year * stored.bytes_per_row / 1e9 * 90 / _DAYS,
            },
        },
        [
            budget("readings/s without line delay, one process,", rate, "at least", 8_000),
            budget("readings/s against dlt645's asyncio client, ratio,", ratio, "at least", 1.5),
            budget("a cycle at 2400 bps with 2 % silent meters, s,", cycle.seconds, "at most", 45),
            budget("peak memory of the reading process, MB,", cycle.peak_mb, "at most", 120),
        ],
        peers={
            "dlt645_asyncio": {
                "readings_per_s": peer_rate,
                "median_readings_per_s": statistics.median(_rates(theirs, fast)),
                "cpu_us_per_reading": _cpu_us(theirs, fast),
            },
        },
        ratios={
            "readings_per_s": ratio,
            "cpu_per_reading": _cpu_us(theirs, fast) / _cpu_us(ours, fast),
        },
    )


def _compare(wire: Wire, turns: int) -> tuple[list[Round], list[Round]]:
    with running_wire(wire) as ports:
        readers = [ReaderProcess(kind, wire, ports) for kind in (OurRounds, PeerRounds)]
        try:
            pairs = [
                (readers[0].read(), readers[1].read())
                for _ in progress(range(turns), "without line delay", total=turns)
            ]
        finally:
            for reader in readers:
                reader.stop()
    return [ours for ours, _ in pairs], [theirs for _, theirs in pairs]


def _rate(rounds: Sequence[Round], wire: Wire) -> float:
    """Return the readings per second of the round that was disturbed least.

    Two processes that answer each other wait for the scheduler whenever the machine has other work, the quicker one
    more often: then the median of a busy machine says how busy it is. The times of the processor agree with the best.
    """
    return max(_rates(rounds, wire))


def _rates(rounds: Sequence[Round], wire: Wire) -> list[float]:
    return [wire.total / one.seconds for one in rounds]


def _cpu_us(rounds: Sequence[Round], wire: Wire) -> float:
    return statistics.median(1e6 * one.cpu_s / wire.total for one in rounds)
