"""A price plan as it is sent and shown."""

from datetime import date, datetime, time
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from database import new_id
from metering.billing.stored import PLAN, load
from metering.billing.tables import ElectricityPlan
from metering.tariffs.electricity import (
    MOST_PERIODS,
    Period,
    PlanError,
    PricePerKwh,
    PricePlan,
    Quota,
    QuotaExpiry,
    QuotaShare,
    QuotaWindow,
    Rate,
    Term,
    WattHours,
)
from web.problems import ProblemError
from web.text import Line, Slug

Wh = Annotated[int, Field(ge=0, le=100_000_000)]
Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2200, 1, 1))]


class InvalidPlanError(ProblemError):
    """The plan contradicts itself; `detail` says how."""

    code = "invalid_price_plan"
    status = 422
    title = "This price plan cannot be"


class _Body(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", from_attributes=True)


class RateBody(_Body):
    """A rate and its price in each tier, in ten-thousandths of a yuan a kWh: 5283 is 0.5283 yuan."""

    name: Slug
    prices: list[Annotated[int, Field(ge=0, le=1_000_000)]] = Field(min_length=1, max_length=10)


class PeriodBody(_Body):
    """From `begins` by the campus's clock until the next period."""

    begins: time
    rate: Slug


class TermBody(_Body):
    """A term, until before `ends_on`."""

    name: Line
    begins_on: Day
    ends_on: Day


class KindQuotaBody(_Body):
    """What another kind of person gets: `kind` is that of their account, or a group that they are in.

    Whoever is of several gets the first of them.
    """

    kind: Line
    wh: Wh


class QuotaBody(_Body):
    """Energy that costs nothing. Without `head_count_day` it is given by days of residence."""

    wh: Wh
    share: QuotaShare = QuotaShare.PERSON
    window: QuotaWindow = QuotaWindow.MONTH
    months_without: list[Annotated[int, Field(ge=1, le=12)]] = Field(default_factory=list, max_length=12)
    expiry: QuotaExpiry = QuotaExpiry.WINDOW
    head_count_day: Annotated[int, Field(ge=1, le=28)] | None = None
    by_kind: list[KindQuotaBody] = Field(default_factory=list, max_length=20)
    terms: list[TermBody] = Field(default_factory=list, max_length=40)


class PlanIn(_Body):
    """A price plan of one building, or of the campus. It starts with the midnight that begins `starts_on`."""

    building_id: UUID | None = None
    name: Line
    starts_on: Day
    rates: list[RateBody] = Field(min_length=1, max_length=MOST_PERIODS)
    workday_periods: list[PeriodBody] = Field(min_length=1, max_length=MOST_PERIODS)
    holiday_periods: list[PeriodBody] = Field(default_factory=list, max_length=MOST_PERIODS)
    tier_limits_wh: list[Wh] = Field(default_factory=list, max_length=9)
    tier_window: QuotaWindow = QuotaWindow.YEAR
    quota: QuotaBody | None = None
    holidays: list[Day] = Field(default_factory=list, max_length=1_000)
    worked_days: list[Day] = Field(default_factory=list, max_length=1_000)

    def plan(self) -> PricePlan:
        """Return the value.

        Raises:
            InvalidPlanError: see there.
        """
        try:
            return PricePlan(
                id=new_id(),
                name=self.name,
                starts_on=self.starts_on,
                rates=tuple(Rate(one.name, tuple(map(PricePerKwh, one.prices))) for one in self.rates),
                workday_periods=_periods(self.workday_periods),
                holiday_periods=_periods(self.holiday_periods),
                tier_limits=tuple(map(WattHours, self.tier_limits_wh)),
                tier_window=self.tier_window,
                quota=None if self.quota is None else _quota(self.quota),
                holidays=frozenset(self.holidays),
                worked_days=frozenset(self.worked_days),
            )
        except PlanError as error:
            raise InvalidPlanError(str(error)) from error


class PlanOut(PlanIn):
    """A price plan; `building_id` is null for the campus's."""

    id: UUID
    added_at: datetime
    withdrawn_at: datetime | None

    @classmethod
    def of(cls, row: ElectricityPlan) -> "PlanOut":
        """Show a stored plan."""
        plan = load(PLAN, row.rules)
        quota = None
        if plan.quota is not None:
            by_kind = [KindQuotaBody(kind=kind, wh=wh) for kind, wh in plan.quota.by_kind]
            terms = [TermBody.model_validate(one) for one in plan.quota.terms]
            quota = QuotaBody(
                wh=plan.quota.wh,
                share=plan.quota.share,
                window=plan.quota.window,
                months_without=sorted(plan.quota.months_without),
                expiry=plan.quota.expiry,
                head_count_day=plan.quota.head_count_day,
                by_kind=by_kind,
                terms=terms,
            )
        return cls(
            id=row.id,
            building_id=row.building_id,
            name=row.name,
            starts_on=row.starts_on,
            rates=[RateBody(name=one.name, prices=list(one.prices)) for one in plan.rates],
            workday_periods=[PeriodBody.model_validate(one) for one in plan.workday_periods],
            holiday_periods=[PeriodBody.model_validate(one) for one in plan.holiday_periods],
            tier_limits_wh=list(plan.tier_limits),
            tier_window=plan.tier_window,
            quota=quota,
            holidays=sorted(plan.holidays),
            worked_days=sorted(plan.worked_days),
            added_at=row.added_at,
            withdrawn_at=row.withdrawn_at,
        )


def _periods(bodies: list[PeriodBody]) -> tuple[Period, ...]:
    return tuple(Period(one.begins, one.rate) for one in bodies)


def _quota(body: QuotaBody) -> Quota:
    return Quota(
        wh=WattHours(body.wh),
        share=body.share,
        window=body.window,
        months_without=frozenset(body.months_without),
        expiry=body.expiry,
        head_count_day=body.head_count_day,
        by_kind=tuple((one.kind, WattHours(one.wh)) for one in body.by_kind),
        terms=tuple(Term(one.name, one.begins_on, one.ends_on) for one in body.terms),
    )
