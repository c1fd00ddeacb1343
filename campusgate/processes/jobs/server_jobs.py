"""What the server does by itself, by the thread that does it."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.orm import Session

import accounts.housekeeping
from accounts.audit.trail_copy import TrailCopy
from accounts.ledger import seal_chain
from accounts.ledger.expiry import expire_holds
from accounts.ledger.totals import COUNTERS_KEPT
from accounts.payments import charge_refunds, charges
from accounts.payments.limits import forget_counters
from accounts.payments.services import MoneyServices
from accounts.topup import channel_days, orders, reconciliation, refunds, unsettled
from accounts.topup.notifications import forget_nonces
from campusgate.processes.jobs import trail
from campusgate.processes.jobs.card_dispensers import make_dispenser_jobs
from campusgate.processes.jobs.day_end import close_past_days
from campusgate.processes.jobs.library_fines import make_fine_jobs
from campusgate.processes.jobs.meters import make_meter_jobs
from campusgate.processes.jobs.network_access import make_network_jobs
from campusgate.processes.jobs.room_money import make_room_money_jobs
from campusgate.processes.jobs.schedule import Job
from campusgate.processes.jobs.site_alarm import set_site_alarm
from campusgate.processes.jobs.supply import make_supply_jobs
from campusgate.settings import Settings
from campusgate.wiring.notice_channels import make_notice_channels
from campusgate.wiring.retention import make_retention_policy
from console import shown_once
from database import Database
from directory import template_receipts, zone_passages
from directory.gate_publication import prune
from enrollment import filing, notice_delivery
from enrollment.retention import RetentionPolicy, purge_all
from integrations.library_fines.payments import FineServices
from metering.sessions.heartbeat_order import HeartbeatOrder
from metering.sessions.service import SessionService
from metering.supply.review import SupplyKeeper
from network_access.keeper import NetworkKeeper
from operations import zone_samples
from operations.alarms import pictures
from operations.alarms.rules import AlarmKind
from web import shared_tickets
from web.problems import ProblemError

log = structlog.get_logger()

_RECEIPTS_KEPT = timedelta(days=3 * 365)
"""As long as the impact assessment that they belong to."""
_MOMENTS_KEPT = timedelta(hours=1)
"""Far longer than anybody can use them, whatever the clocks of servers and database say."""
_REMOVALS_KEPT = timedelta(days=30)
"""A gate that was away for longer begins its directory anew."""


def make_server_jobs(
    database: Database,
    money: MoneyServices,
    keeper: SupplyKeeper,
    settings: Settings,
    *,
    network: NetworkKeeper,
    heartbeats: HeartbeatOrder | None = None,
    fines: FineServices | None = None,
) -> dict[str, list[Job]]:
    """Return the server's jobs by the name of their thread: what may take long holds up nothing else."""
    return {
        "housekeeping": make_housekeeping_jobs(database, money, settings),
        "day-end": make_day_end_jobs(database, settings),
        "trail": make_trail_jobs(database, settings),
        "channels": make_channel_jobs(money, settings.time_zone),
        "library-fines": make_fine_jobs(fines),
        "card-dispensers": make_dispenser_jobs(database),
        "meters": make_meter_jobs(database, settings.time_zone, settings.meters.cycle, heartbeats),
        "notices": make_notice_jobs(database, settings),
        "room-money": make_room_money_jobs(money),
        "supply": make_supply_jobs(database, keeper),
        "network-access": make_network_jobs(database, network, timedelta(days=settings.network.kept_days)),
    }


def make_housekeeping_jobs(database: Database, money: MoneyServices, settings: Settings) -> list[Job]:
    """Return what seals, expires and erases."""
    policy = make_retention_policy(settings)
    erase = partial(_erase_alarm_pictures, settings.alarm_pictures.keep)
    return [
        Job("seal the journal", timedelta(seconds=2), partial(seal_chain.seal, database)),
        # Before their holds expire, which they still take from.
        Job("settle silent showers", timedelta(seconds=30), SessionService(money).expire, by_age=True),
        Job("expire holds", timedelta(seconds=30), partial(_in_session, database, expire_holds), by_age=True),
        Job("credit stranded top-ups", timedelta(minutes=1), partial(orders.credit_stranded, money)),
        Job("forget nonces", timedelta(hours=1), partial(_in_session, database, forget_nonces), by_age=True),
        Job("erase photos", timedelta(minutes=1), partial(_purge, database, policy), by_age=True),
        Job("erase pictures of alarms", timedelta(minutes=10), partial(_in_session, database, erase), by_age=True),
        Job("forget tickets", timedelta(hours=1), partial(_in_session, database, _forget_moments), by_age=True),
        Job("forget counters", timedelta(days=1), partial(_in_session, database, _forget_counters), by_age=True),
        Job("tidy the accounts", timedelta(days=1), partial(accounts.housekeeping.tidy, database), by_age=True),
        Job("forget passages", timedelta(hours=1), partial(_in_session, database, zone_passages.forget), by_age=True),
        Job("sample zones", zone_samples.EVERY, partial(_in_session, database, zone_samples.take)),
        Job("forget samples", timedelta(days=1), partial(_in_session, database, zone_samples.forget), by_age=True),
        Job("count people with templates", timedelta(hours=1), partial(_in_session, database, _warn_of_register)),
        Job("forget receipts", timedelta(days=1), partial(_in_session, database, _forget_receipts), by_age=True),
        Job("forget removals", timedelta(days=1), partial(_in_session, database, _forget_removals), by_age=True),
    ]


def make_day_end_jobs(database: Database, settings: Settings) -> list[Job]:
    """Return what proves the books right and closes days; a replay of the journal may take minutes."""
    copy = TrailCopy(settings.resolved_record_dir)
    day_end = partial(close_past_days, database, settings.time_zone, copy)
    return [Job("close past days", timedelta(minutes=10), day_end, by_age=True, takes_long=True)]


def make_trail_jobs(database: Database, settings: Settings) -> list[Job]:
    """Return what leaves the database, in their order; other disks may be slow."""
    follower = trail.TrailFollower(database, TrailCopy(settings.resolved_record_dir))
    jobs = [
        Job("note the journal's head", timedelta(hours=1), partial(trail.record_journal_head, database)),
        Job("copy the trail", timedelta(seconds=1), follower.follow),
    ]
    if (sender := trail.make_head_sender(settings.alarms)) is not None:
        jobs.append(Job("send the trail's head", timedelta(days=1), partial(sender.send, database)))
    return jobs


def make_channel_jobs(money: MoneyServices, zone: ZoneInfo) -> list[Job]:
    """Return what waits for the payment channels' answers; a channel may be slow."""
    return [
        # First, for what is asked then is answered with the newest keys.
        Job("renew channels' keys", timedelta(hours=1), partial(_renew_keys, money)),
        Job("ask after top-ups", timedelta(minutes=1), partial(orders.resolve_pending, money)),
        Job("ask after charges", timedelta(seconds=5), partial(charges.resolve_pending, money)),
        Job("ask after top-up refunds", timedelta(minutes=1), partial(refunds.resolve_refunds, money)),
        Job("ask after charge refunds", timedelta(minutes=1), partial(charge_refunds.resolve_refunds, money)),
        Job("watch money at channels", timedelta(minutes=1), partial(_watch_channels, money)),
        Job("reconcile bills", timedelta(hours=6), partial(_reconcile_days, money, zone)),
    ]


def make_notice_jobs(database: Database, settings: Settings) -> list[Job]:
    """Return what brings notices to people; a mail server may be slow."""
    channels = make_notice_channels(settings)
    if not channels:
        return []
    return [Job("send notices", timedelta(seconds=10), partial(notice_delivery.deliver, database, channels))]


def _in_session(database: Database, do: Callable[[Session, datetime], Any], now: datetime) -> None:
    with database.begin() as session:
        do(session, now)


def _renew_keys(money: MoneyServices, now: datetime) -> None:
    for name, channel in money.channels.items():
        try:
            channel.renew_keys(now)
        except ProblemError as error:
            log.warning("channel_keys_not_renewed", channel=name, code=error.code)


def _watch_channels(money: MoneyServices, now: datetime) -> None:
    with money.database.read() as session:
        why = unsettled.find(session, now)
    set_site_alarm(money.database, AlarmKind.CHANNEL_MONEY, now, raises=why is not None, reason=why)


def _reconcile_days(money: MoneyServices, zone: ZoneInfo, now: datetime) -> None:
    yesterday = now.astimezone(zone).date() - timedelta(days=1)
    for channel in money.channels:
        with money.database.read() as session:
            days = channel_days.list_to_compare(session, channel, yesterday)
        for day in days:
            _reconcile(money, channel, day, now)


def _reconcile(money: MoneyServices, channel: str, day: date, now: datetime) -> None:
    try:
        found = reconciliation.reconcile(money, channel, day, now)
    except ProblemError as error:
        log.warning("channel_not_reconciled", channel=channel, day=str(day), code=error.code)
        return
    write = log.error if found.differences else log.info
    write("channel_reconciled", channel=channel, day=str(day), differences=len(found.differences))


def _purge(database: Database, policy: RetentionPolicy, now: datetime) -> None:
    purged = purge_all(database, policy, now=now)
    if purged.anything:
        log.info("photos_erased", **asdict(purged))


def _forget_moments(session: Session, now: datetime) -> None:
    """Delete what several servers kept for a minute and nobody came for."""
    shared_tickets.forget(session, now - _MOMENTS_KEPT)
    shown_once.forget(session, now - _MOMENTS_KEPT)


def _forget_counters(session: Session, now: datetime) -> None:
    forget_counters(session, now - COUNTERS_KEPT)


def _warn_of_register(session: Session, now: datetime) -> None:
    people = filing.warn_administrators(session, now=now)
    if people is not None:
        log.warning("filing_comes_near", people=people, filing_due_at=filing.FILING_DUE_AT)


def _erase_alarm_pictures(keep: timedelta, session: Session, now: datetime) -> None:
    if erased := pictures.forget(session, now - keep):
        log.info("alarm_pictures_erased", pictures=erased)


def _forget_receipts(session: Session, now: datetime) -> None:
    template_receipts.forget(session, now - _RECEIPTS_KEPT)


def _forget_removals(session: Session, now: datetime) -> None:
    prune(session, now - _REMOVALS_KEPT)
