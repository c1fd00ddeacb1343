"""Amounts, and days of Beijing, as the trial providers write them; their own, so that they share no fault with ours."""

from datetime import datetime
from zoneinfo import ZoneInfo

from campusgate.demo.providers.serving import require

BEIJING = ZoneInfo("Asia/Shanghai")


def yuan(fen: int) -> str:
    """Return an amount with two decimals."""
    return f"{fen // 100}.{fen % 100:02}"


def fen_of(yuan: str) -> int:
    """Return fen; an amount has two decimals."""
    whole, _, part = yuan.partition(".")
    require(len(part) == 2, "two decimals")
    return int(whole) * 100 + int(part)


def day_of(at: datetime) -> str:
    """Return the day of Beijing, `2026-09-01`."""
    return str(at.astimezone(BEIJING).date())
