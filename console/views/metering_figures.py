"""Figures of metering as they are written on pages: money, energy, water, times of the campus."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from metering.rooms.shown import show_digits
from metering.tariffs.electricity import Fen, PricePerKwh, WattHours, kwh_text, price_text, yuan_text


@dataclass(frozen=True, slots=True)
class Figures:
    """Writes figures; `zone` is the campus's, in which every time is shown whatever the reader's browser thinks."""

    zone: ZoneInfo
    now: datetime

    def yuan(self, fen: int) -> str:
        """Write money: `¥12.34`."""
        return yuan_text(Fen(fen))

    def kwh(self, wh: int) -> str:
        """Write energy: `12.345 kWh`."""
        return kwh_text(WattHours(wh))

    def price(self, per_kwh: int) -> str:
        """Write a price: `¥0.5283/kWh`."""
        return price_text(PricePerKwh(per_kwh))

    def litres(self, ml: int) -> str:
        """Write water: `12.345 L`."""
        return f"{ml // 1000}.{ml % 1000:03} L"

    def shown(self, digits: int, wh_per_digit: int) -> str:
        """Write a register's integer as it stands on the meter, whose last digit is so many watt-hours."""
        return show_digits(digits, {1000: 0, 100: 1, 10: 2, 1: 3}.get(wh_per_digit, 2))

    def at(self, instant: datetime | None) -> str:
        """Write an instant by the campus's clock, today's without its day."""
        if instant is None:
            return "–"
        local, today = instant.astimezone(self.zone), self.now.astimezone(self.zone)
        text = f"{local:%H:%M:%S}" if local.date() == today.date() else f"{local:%Y-%m-%d %H:%M}"
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            instant.isoformat(), f"{local:%Y-%m-%d %H:%M:%S}", text
        )

    def for_input(self, instant: datetime) -> str:
        """Write an instant for a field of a form: `2026-09-10T12:00`, by the campus's clock."""
        return f"{instant.astimezone(self.zone):%Y-%m-%dT%H:%M}"

    def today(self) -> date:
        """Return the campus's day."""
        return self.now.astimezone(self.zone).date()
