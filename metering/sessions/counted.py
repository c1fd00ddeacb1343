"""What the meters of a shower had counted at each report, as its holder may compare it with the meter's own display."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from messages.metering import SessionReport, SessionStep, WaterCount
from metering.sessions import history
from metering.tariffs.water import ML_PER_M3


@dataclass(frozen=True, slots=True)
class CountedWater:
    """One meter at one report."""

    at: datetime
    """By the controller's clock; `clock_sure` says whether that is to be believed."""
    clock_sure: bool
    utility: str
    counter: int | None
    """The pulses that the meter shows, since its installation where it says so."""
    ml: int | None
    """What flowed in the session until then; None where the report does not say."""


def find_counted(session: Session, session_id: UUID) -> list[CountedWater]:
    """Return what was counted, in the order of the reports."""
    reports = (SessionReport.model_validate_json(one.body) for one in history.reports_of(session, session_id))
    return [found for report in reports if report.step is not SessionStep.AUTHORISE for found in _counted(report)]


def _counted(report: SessionReport) -> Iterator[CountedWater]:
    for count in report.counts:
        counter = count.now if count.total is None else count.total
        yield CountedWater(report.at, report.clock_sure, count.utility, counter, _millilitres(count))


def _millilitres(count: WaterCount) -> int | None:
    begin, now = count.begin, count.now
    if begin is None or now is None:
        begin, now = count.begin_total, count.total
    return None if begin is None or now is None else (now - begin) * ML_PER_M3 // count.pulses_per_m3
