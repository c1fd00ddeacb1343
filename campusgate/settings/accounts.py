"""Settings of accounts: confirmation of phones, the card centre, and what may be spent without a password."""

from typing import Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from access.schedules import EndTime, StartTime
from accounts import defaults
from accounts.payments.ceilings import Ceilings

_CEILINGS = Ceilings()


class PhoneCodeSettings(BaseModel):
    """The campus's SMS gateway, which brings confirmation codes to phones."""

    webhook_url: str = Field(repr=False)
    webhook_secret: SecretStr


class CardCentreSettings(BaseModel):
    """Where the card centre is and how it is reached, as the pages say it: place, hours, telephone."""

    zh: str = Field(max_length=300)
    en: str = Field(default="", max_length=300)


class MealSettings(BaseModel):
    """A meal by the campus's clock; it may run past midnight."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,15}$")
    begins: StartTime
    ends: EndTime


class SpendingSettings(BaseModel):
    """What may be spent without the consumption password where the holder chose nothing else, and when a meal is."""

    meal_limit: int = Field(default=defaults.MEAL_LIMIT, ge=0, description="fen")
    day_limit: int = Field(default=defaults.DAY_LIMIT, ge=0, le=defaults.HIGHEST_LIMIT, description="fen")
    meals: list[MealSettings] = Field(default=[], description="none: breakfast, lunch, dinner and late")

    @model_validator(mode="after")
    def _a_meal_costs_no_more_than_a_day(self) -> Self:
        if not defaults.are_limits(self.meal_limit, self.day_limit):
            raise ValueError("spending.meal_limit must not be above spending.day_limit")
        if len({meal.name for meal in self.meals}) != len(self.meals):
            raise ValueError("spending.meals: each meal has a name of its own")
        return self


class CeilingSettings(BaseModel):
    """Fen above which a person decides; `accounts.payments.ceilings` says why the defaults are what they are."""

    offline_card_day: int = Field(
        default=_CEILINGS.offline_card_day, ge=0, description="one account's offline payments of 24 hours"
    )
    offline_card_week: int = Field(default=_CEILINGS.offline_card_week, ge=0, description="the same of seven days")
    offline_terminal_day: int = Field(
        default=_CEILINGS.offline_terminal_day, ge=0, description="one terminal's offline payments of 24 hours"
    )
    kiosk_day: int = Field(default=_CEILINGS.kiosk_day, ge=0, description="one kiosk's cash of 24 hours")
    cash_day: int = Field(default=_CEILINGS.cash_day, ge=0, description="one account's cash of 24 hours, in and out")
