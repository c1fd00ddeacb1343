"""What the server does by itself about rooms' money: charging, correcting, topping up as residents agreed."""

from datetime import datetime, timedelta
from functools import partial

from accounts.payments.services import MoneyServices
from campusgate.processes.jobs.schedule import Job
from campusgate.processes.jobs.site_alarm import set_site_alarm
from metering.billing import automatic, run
from operations.alarms.rules import AlarmKind


def make_room_money_jobs(money: MoneyServices) -> list[Job]:
    """Return what charges rooms for electricity and tops them up; thousands of rooms may take a while.

    All of it goes by the campus's days, and waits while the clock is in doubt.
    """
    return [
        Job("charge rooms", timedelta(minutes=10), partial(_charge, money, all_rooms=False), by_age=True),
        Job("correct charges of rooms", timedelta(hours=6), partial(_charge, money, all_rooms=True), by_age=True),
        Job("top rooms up", timedelta(minutes=1), partial(automatic.pay_all, money), by_age=True),
    ]


def _charge(money: MoneyServices, now: datetime, *, all_rooms: bool) -> None:
    """Charge rooms; raise an alarm where some cannot be, and end it after a run over all that charged each."""
    is_whole = run.bill_all(money, now, also_billed=all_rooms).is_whole
    if all_rooms or not is_whole:
        set_site_alarm(money.database, AlarmKind.ROOMS_NOT_CHARGED, now, raises=not is_whole)
