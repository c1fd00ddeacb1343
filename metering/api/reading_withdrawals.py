"""Staff take back what turned out wrong: readings, a period's values, an installation; each first as it would be."""

from datetime import date, datetime, tzinfo
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from accounts.api.dependencies import OVER_ERRORS, FacilitiesDep, NowDep
from accounts.people.authority import Acting
from metering.api.dependencies import MeteringDep
from metering.api.meters import PeriodOut, RegisterIn
from metering.api.readings import ReadingOut
from metering.billing import charges
from metering.reader_contract import Digits
from metering.readings.values import Reading
from metering.rooms import meters, withdrawals
from metering.rooms.installation import MeterCountsError, ReadingContradictedError
from metering.rooms.own_room import require_another_room
from metering.rooms.tables import MeterPeriod
from metering.rooms.withdrawals import Correction, ReadingOfPeriodError, ReadingSettledError
from metering.services import MeteringServices
from web.problems import NotFoundError, responses
from web.text import line
from web.times import Moment

router = APIRouter(prefix="/api/v1", tags=["meter readings"])

_ERRORS = (*OVER_ERRORS, NotFoundError, ReadingSettledError, ReadingContradictedError)
Reason = Annotated[str, line(200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReadingWithdrawalIn(_Body):
    """Which readings are taken back, those at `start` and `end` included, and why.

    Without `confirmed` nothing changes: the answer says what would.
    """

    start: Moment
    end: Moment
    reason: Reason
    confirmed: bool = False


class ChargedDayOut(BaseModel):
    """A charge that follows from these readings, and is worked out anew by the next billing run."""

    day: date
    wh: int
    fen: int


class ReadingWithdrawalOut(BaseModel):
    """The readings that go, the good ones that stay around them, and the charges that follow."""

    withdrawn: bool
    readings: list[ReadingOut]
    before: ReadingOut | None
    after: ReadingOut | None
    charges: list[ChargedDayOut]


class PeriodCorrectionIn(_Body):
    """What is right: with what the meter began or ceased to count, or its whole register; what is left out stays."""

    first_digits: Digits | None = None
    final_digits: Digits | None = None
    energy_register: RegisterIn | None = None
    reason: Reason


class InstallationWithdrawalIn(_Body):
    """Why a meter never counted for the room, such as that it hangs in another."""

    reason: Reason


class InstallationWithdrawalOut(BaseModel):
    """The charges that followed from it, which the next billing run takes back."""

    charges: list[ChargedDayOut] = Field(description="of the room, since the meter began to count for it")


@router.post(
    "/meters/{meter_id}/readings/withdrawal",
    responses=responses(*_ERRORS, ReadingOfPeriodError),
)
def withdraw_readings(
    services: MeteringDep, staff: FacilitiesDep, now: NowDep, meter_id: UUID, body: ReadingWithdrawalIn
) -> ReadingWithdrawalOut:
    """Take readings back that were believed, or show what that would change."""
    with services.database.begin() as session:
        room = meters.find_room_of(session, meter_id)
        require_another_room(session, staff, room, now=now, zone=services.zone)
        if body.confirmed:
            found = withdrawals.withdraw_readings(
                session, meter_id, body.start, body.end, reason=body.reason, by=staff.actor, now=now
            )
        else:
            found = withdrawals.foresee(session, meter_id, body.start, body.end, now=now)
        return ReadingWithdrawalOut(
            withdrawn=body.confirmed,
            readings=[ReadingOut.of(one) for one in found.readings],
            before=_shown(found.before),
            after=_shown(found.after),
            charges=_charges(services, session, room, found.before or found.readings[0], found.after),
        )


@router.post("/meters/{meter_id}/periods/{period_id}/correction", responses=responses(*_ERRORS))
def correct_period(
    meter_id: UUID,
    period_id: UUID,
    body: PeriodCorrectionIn,
    *,
    services: MeteringDep,
    staff: FacilitiesDep,
    now: NowDep,
) -> PeriodOut:
    """Correct what a meter showed when it began or ceased to count, or its register; the next billing run follows."""
    right = Correction(
        body.first_digits,
        body.final_digits,
        None if body.energy_register is None else body.energy_register.to_register(),
    )
    with services.database.begin() as session:
        _require_anothers(session, meter_id, period_id, staff=staff, now=now, zone=services.zone)
        return PeriodOut.of(
            withdrawals.correct_period(session, meter_id, period_id, right, reason=body.reason, by=staff.actor, now=now)
        )


@router.post(
    "/meters/{meter_id}/periods/{period_id}/withdrawal",
    responses=responses(*_ERRORS, MeterCountsError),
)
def withdraw_installation(
    meter_id: UUID,
    period_id: UUID,
    body: InstallationWithdrawalIn,
    *,
    services: MeteringDep,
    staff: FacilitiesDep,
    now: NowDep,
) -> InstallationWithdrawalOut:
    """Take back that a meter began to count for a room; the next billing run takes its charges back."""
    with services.database.begin() as session:
        period = _require_anothers(session, meter_id, period_id, staff=staff, now=now, zone=services.zone)
        services.supply.call_for_review(session, [meter_id], now=now)
        begun = Reading(period.begins_at, period.begins_at, period.first_digits)
        followed = _charges(services, session, period.room_id, begun, None)
        withdrawals.withdraw_installation(session, meter_id, period_id, reason=body.reason, by=staff.actor, now=now)
        return InstallationWithdrawalOut(charges=followed)


def _require_anothers(
    session: Session, meter_id: UUID, period_id: UUID, *, staff: Acting, now: datetime, zone: tzinfo
) -> MeterPeriod:
    period = withdrawals.get_period(session, meter_id, period_id)
    require_another_room(session, staff, period.room_id, now=now, zone=zone)
    return period


def _charges(
    services: MeteringServices, session: Session, room_id: UUID | None, since: Reading, until: Reading | None
) -> list[ChargedDayOut]:
    """The standing charges of days on which the register's course changes."""
    if room_id is None:
        return []
    first = since.seen_at.astimezone(services.zone).date()
    last = None if until is None else until.at.astimezone(services.zone).date()
    return [
        ChargedDayOut(day=row.day, wh=row.wh, fen=row.fen)
        for row in charges.standing(session, room_id, first)
        if last is None or row.day <= last
    ]


def _shown(reading: Reading | None) -> ReadingOut | None:
    return None if reading is None else ReadingOut.of(reading)
