"""What the server does by itself about library fines: it asks after payments that the library did not answer."""

from datetime import datetime, timedelta
from functools import partial

from campusgate.processes.jobs.schedule import Job
from campusgate.processes.jobs.site_alarm import set_site_alarm
from integrations.library_fines import payments
from integrations.library_fines.payments import FineServices
from operations.alarms.rules import AlarmKind


def make_fine_jobs(fines: FineServices | None) -> list[Job]:
    """Return what settles payments and raises the alarm; a library's system may be slow."""
    if fines is None:
        return []
    return [
        Job("ask after library fines", timedelta(minutes=1), partial(payments.resolve_pending, fines)),
        Job("watch library fines", timedelta(minutes=1), partial(_watch, fines)),
    ]


def _watch(fines: FineServices, now: datetime) -> None:
    with fines.money.database.read() as session:
        is_silent = payments.find_silence(session, now)
    set_site_alarm(fines.money.database, AlarmKind.LIBRARY_SILENT, now, raises=is_silent, reason="payment_unknown")
