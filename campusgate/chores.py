"""What the server does by itself, again and again. Each chore may be run at any time, twice, or after a crash.

What a wrong clock would erase or close for good waits while the clock is in doubt (`operations.server_clock`); the
others go by the earlier of the two times that may be right, so that nothing is given up too soon.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.exc import SQLAlchemyError

import accounts.housekeeping
from accounts.ledger import seal_chain
from accounts.ledger.expiry import expire_holds
from accounts.ledger.totals import COUNTERS_KEPT
from accounts.limits import forget_counters
from accounts.payments import charge_refunds, charges
from accounts.payments.services import MoneyServices
from accounts.topup import orders, reconciliation, refunds
from accounts.trail_copy import TrailCopy
from campusgate import record
from campusgate.channels import notice_channels
from campusgate.day_end import close_past_days
from campusgate.retention import retention_policy
from campusgate.settings import Settings
from database import Database, DatabaseBusyError
from directory import gates, presence, receipts
from directory.publisher import prune
from enrollment import outbox, register
from enrollment.retention import RetentionPolicy, purge_all
from operations.clock_guard import ClockGuard
from web.problems import ProblemError

log = structlog.get_logger()

_LOOK_S = 1.0
_RECEIPTS_KEPT = timedelta(days=3 * 365)
"""As long as the impact assessment that they belong to."""
_REMOVALS_KEPT = timedelta(days=30)
"""A gate that was away for longer begins its directory anew."""


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to be done every `every`, given the time."""

    name: str
    every: timedelta
    do: Callable[[datetime], Any]
    by_age: bool = False
    """It erases, ends or closes what is old enough, which nobody can take back."""


def of_the_server(database: Database, money: MoneyServices, settings: Settings) -> list[Chore]:
    """Return what keeps the server's books and shelves in order."""
    policy = retention_policy(settings)
    return [
        Chore("seal the journal", timedelta(seconds=2), partial(seal_chain.seal, database)),
        Chore("expire holds", timedelta(seconds=30), partial(_in_session, database, expire_holds), by_age=True),
        Chore("credit stranded top-ups", timedelta(minutes=1), partial(orders.credit_stranded, money)),
        Chore("forget nonces", timedelta(hours=1), partial(_in_session, database, orders.forget_nonces), by_age=True),
        Chore("erase photos", timedelta(minutes=1), partial(_purge, database, policy), by_age=True),
        Chore("forget counters", timedelta(days=1), partial(_in_session, database, _forget_counters), by_age=True),
        Chore("tidy the accounts", timedelta(days=1), partial(accounts.housekeeping.tidy, database), by_age=True),
        Chore("forget passages", timedelta(hours=1), partial(_in_session, database, presence.forget), by_age=True),
        Chore("count people with templates", timedelta(hours=1), partial(_in_session, database, _warn_of_register)),
        Chore("forget receipts", timedelta(days=1), partial(_in_session, database, _forget_receipts), by_age=True),
        Chore("forget removals", timedelta(days=1), partial(_in_session, database, _forget_removals), by_age=True),
    ]


def of_the_books(database: Database, settings: Settings) -> list[Chore]:
    """Return what proves the books right; on a thread of its own, for a replay of the journal may take minutes."""
    copy = TrailCopy(settings.resolved_record_dir)
    day_end = partial(close_past_days, database, settings.time_zone, copy)
    return [Chore("close past days", timedelta(minutes=10), day_end, by_age=True)]


def of_the_record(database: Database, settings: Settings) -> list[Chore]:
    """Return what leaves the database, in their order; on a thread of its own, for other disks may be slow."""
    follower = record.TrailFollower(database, TrailCopy(settings.resolved_record_dir))
    chores = [
        Chore("note the journal's head", timedelta(hours=1), partial(record.note_head, database)),
        Chore("copy the trail", timedelta(seconds=1), follower.follow),
    ]
    if (sender := record.head_sender(settings.alarms)) is not None:
        chores.append(Chore("send the trail's head", timedelta(days=1), partial(sender.send, database)))
    return chores


def of_the_channels(money: MoneyServices, zone: ZoneInfo) -> list[Chore]:
    """Return what waits for the payment channels' answers; on a thread of its own, for a slow one holds up the rest."""
    return [
        Chore("ask after top-ups", timedelta(minutes=1), partial(orders.resolve_pending, money)),
        Chore("ask after charges", timedelta(seconds=5), partial(charges.resolve_pending, money)),
        Chore("ask after top-up refunds", timedelta(minutes=1), partial(refunds.resolve_refunds, money)),
        Chore("ask after charge refunds", timedelta(minutes=1), partial(charge_refunds.resolve_refunds, money)),
        Chore("reconcile yesterday", timedelta(hours=6), partial(_reconcile_yesterday, money, zone)),
    ]


def of_the_notices(database: Database, settings: Settings) -> list[Chore]:
    """Return what brings notices to people; on a thread of its own, for a mail server may be slow."""
    channels = notice_channels(settings)
    if not channels:
        return []
    return [Chore("send notices", timedelta(seconds=10), partial(outbox.deliver, database, channels))]


def run(chores: Sequence[Chore], stop: threading.Event, clock: ClockGuard) -> None:
    """Do every chore when it is due until `stop` is set; one that fails is tried again at its next time."""
    due = dict.fromkeys((chore.name for chore in chores), datetime.min.replace(tzinfo=UTC))
    waits_for: str | None = None
    while not stop.wait(_LOOK_S):
        for chore in chores:
            try:
                now, doubt = clock.look()
            except (SQLAlchemyError, DatabaseBusyError) as error:
                # Once, not at each look: the log may share its disk with a database that found it full.
                if waits_for != type(error).__name__:
                    waits_for = type(error).__name__
                    log.warning("clock_not_looked_at", error=waits_for)
                break
            waits_for = None
            # A clock that was set back must not stop the chores for as long.
            if due[chore.name] > now + chore.every:
                due[chore.name] = now
            if due[chore.name] <= now and not (chore.by_age and doubt is not None):
                due[chore.name] = now + chore.every
                _do(chore, now)


def _do(chore: Chore, now: datetime) -> None:
    try:
        chore.do(now)
    except Exception:
        log.exception("chore_failed", chore=chore.name)


def _in_session(database: Database, do: Callable[[Any, datetime], Any], now: datetime) -> None:
    with database.begin() as session:
        do(session, now)


def _reconcile_yesterday(money: MoneyServices, zone: ZoneInfo, now: datetime) -> None:
    yesterday = now.astimezone(zone).date() - timedelta(days=1)
    for channel in money.channels:
        try:
            found = reconciliation.reconcile(money, channel, yesterday, now)
        except ProblemError as error:
            log.warning("channel_not_reconciled", channel=channel, day=str(yesterday), code=error.code)
            continue
        tell = log.error if found.differences else log.info
        tell("channel_reconciled", channel=channel, day=str(yesterday), differences=len(found.differences))


def _purge(database: Database, policy: RetentionPolicy, now: datetime) -> None:
    purged = purge_all(database, policy, now=now)
    if purged.anything:
        log.info("photos_erased", **asdict(purged))


def _forget_counters(session: Any, now: datetime) -> None:
    forget_counters(session, now - COUNTERS_KEPT)


def _warn_of_register(session: Any, now: datetime) -> None:
    people = register.warn(session, now=now)
    if people is not None:
        log.warning("filing_comes_near", people=people, filing_due_at=register.FILING_DUE_AT)


def _forget_receipts(session: Any, now: datetime) -> None:
    receipts.forget(session, now - _RECEIPTS_KEPT)


def _forget_removals(session: Any, now: datetime) -> None:
    for gate in gates.find(session):
        prune(session, gate, now - _REMOVALS_KEPT)
