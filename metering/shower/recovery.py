"""The beginning of a controller: what it kept over a power cut becomes the state it goes on from. Pure."""

from dataclasses import dataclass
from uuid import UUID

from messages.metering import HeartbeatAnswer, MeterTotal, SessionReport, SessionStep
from metering.shower import counting
from metering.shower.signals import Effect, Instant, MoveValve, Save
from metering.shower.state import State, Times
from metering.vocabulary import StopReason


@dataclass(frozen=True, slots=True)
class Kept:
    """What outlived the power cut: the records of sessions, oldest first, and the server's last terms."""

    records: tuple[SessionReport, ...] = ()
    terms: HeartbeatAnswer | None = None


def recover(
    device: UUID,
    boot_id: UUID,
    kept: Kept,
    *,
    totals: tuple[MeterTotal, ...],
    now: Instant,
    times: Times | None = None,
) -> tuple[State, tuple[Effect, ...]]:
    """Begin after a start: the valve is closed, and each session that a power cut ended gets its end.

    `totals` are where the meters stand.
    """
    times = times or Times()
    ended, effects = [], list[Effect]([MoveValve(is_open=False)])
    for record in kept.records:
        report = record
        if record.step is not SessionStep.ENDED:
            report = _cut_off(record, totals, now, times)
            effects.append(Save(report))
        ended.append(report)
    state = State(
        device, boot_id, times, kept.terms, unsettled=tuple(ended), totals=totals, read_at_s=now.monotonic_s,
        closed_at_s=now.monotonic_s,
    )  # fmt: skip
    return state, tuple(effects)


def _cut_off(record: SessionReport, totals: tuple[MeterTotal, ...], now: Instant, times: Times) -> SessionReport:
    """Return the end of a session whose controller lost its power."""
    flowed_s = times.record_s + times.closing_s if record.step is not SessionStep.AUTHORISE else 0.0
    return record.model_copy(
        update={
            "seq": record.seq + 1,
            "step": SessionStep.ENDED,
            "at": now.at,
            "clock_sure": now.clock_sure,
            "trigger": "reboot",
            "stop_reason": StopReason.POWER_LOST,
            "counts": counting.correct(record.counts, totals, flowed_s),
        }
    )
