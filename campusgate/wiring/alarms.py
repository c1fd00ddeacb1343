"""From settings to the watch over the gates, and who is notified of alarms."""

from datetime import timedelta

from campusgate.settings import AlarmSettings
from campusgate.wiring.notice_channels import make_mail_server
from database import Database
from operations.alarms.conditions import Limits
from operations.alarms.escalation import Route
from operations.alarms.rules import AlarmKind, Severity
from operations.alarms.watch import AlarmWatch, Escalation
from operations.board import Board
from operations.clock_guard import ClockGuard
from operations.connections import ServerConnections
from operations.notices.in_app import InAppNotifier
from operations.notices.mail import MailNotifier
from operations.notices.webhook import WebhookNotifier
from web.storage_probe import StorageProbe

_SOONEST = timedelta(microseconds=1)
"""The pages show every alarm at once; a notice says that nobody acknowledged it."""


def make_watch(
    settings: AlarmSettings,
    database: Database,
    board: Board,
    connections: ServerConnections,
    *,
    clock: ClockGuard,
    storage: StorageProbe,
) -> AlarmWatch:
    """Return the watch over the alarms, both connections and the storage, with every channel that is configured."""
    late = settings.escalate_after
    escalations = [Escalation(Route("in_app", max(late, _SOONEST)), InAppNotifier(board))]
    if settings.webhook_url is not None and settings.webhook_secret is not None:
        secret = settings.webhook_secret.get_secret_value().encode()
        notifier = WebhookNotifier(settings.webhook_url, secret)
        escalations.append(Escalation(Route(notifier.channel, settings.webhook_after), notifier))
    if (mail := settings.mail) is not None:
        server = make_mail_server(mail)
        by_mail = MailNotifier(server, mail.sender, mail.recipients)
        escalations.append(Escalation(Route(by_mail.channel, late, least=Severity.MAJOR), by_mail))
        if mail.wardens:
            to_wardens = MailNotifier(server, mail.sender, mail.wardens, channel="wardens")
            route = Route(to_wardens.channel, timedelta(0), kinds=frozenset({AlarmKind.CURFEW}))
            escalations.append(Escalation(route, to_wardens))
    limits = Limits(offline_after=settings.offline_after, lag_after=settings.lag_after)
    return AlarmWatch(
        database,
        board,
        lambda: connections.events.connected,
        limits,
        escalations,
        orders_there=lambda: connections.orders.connected,
        contested=connections.contested,
        clock_doubt=clock.doubt,
        storage=storage.fault,
    )
