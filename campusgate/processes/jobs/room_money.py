"""What the server does by itself about rooms' money: charging, correcting, topping up as residents agreed."""

from datetime import timedelta
from functools import partial

from accounts.payments.services import MoneyServices
from campusgate.processes.jobs.schedule import Job
from metering.billing import automatic, run


def make_room_money_jobs(money: MoneyServices) -> list[Job]:
    """Return what charges rooms for electricity and tops them up; thousands of rooms may take a while.

    All of it goes by the campus's days, and waits while the clock is in doubt.
    """
    correct = partial(run.bill_all, money, also_billed=True)
    return [
        Job("charge rooms", timedelta(minutes=10), partial(run.bill_all, money), by_age=True),
        Job("correct charges of rooms", timedelta(hours=6), correct, by_age=True),
        Job("top rooms up", timedelta(minutes=1), partial(automatic.pay_all, money), by_age=True),
    ]
