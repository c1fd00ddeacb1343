"""What leaves the database so that a rewritten one is found: the copy of the trail, and its head, once a day."""

import json
from dataclasses import dataclass
from datetime import datetime

import httpx
import structlog

from accounts import audit, housekeeping
from accounts.audit.trail_copy import TrailCopy, TrailCopyError
from campusgate.processes.jobs.site_alarm import set_site_alarm
from campusgate.settings import AlarmSettings
from database import Database
from operations.alarms.rules import AlarmKind
from web.webhooks import SignedPosts

log = structlog.get_logger()


class TrailFollower:
    """Lets a copy follow the trail, and raises an alarm while it cannot."""

    def __init__(self, database: Database, copy: TrailCopy) -> None:
        """Take the copy; an alarm from before this start ends with the first success."""
        self._database = database
        self._copy = copy
        self._alarm_may_stand = True

    def follow(self, now: datetime) -> None:
        """Copy what is new in the trail; a copy that does not fit any more is an alarm, and stays as it is."""
        try:
            self._copy.follow(self._database)
        except TrailCopyError as error:
            log.critical("trail_not_copied", error=str(error))
            self._alarm_may_stand = True
            set_site_alarm(self._database, AlarmKind.TRAIL_NOT_COPIED, now, raises=True)
            return
        # The end is written once: each write would take the database's lock, every second.
        if self._alarm_may_stand:
            set_site_alarm(self._database, AlarmKind.TRAIL_NOT_COPIED, now, raises=False)
            self._alarm_may_stand = False


@dataclass(frozen=True, slots=True)
class HeadSender:
    """Sends the trail's head to the campus's webhook, as `{"kind": "audit_head", "head": "SERIAL:DIGEST", "at": …}`."""

    posts: SignedPosts

    def send(self, database: Database, now: datetime) -> None:
        """Post the head; whatever goes wrong is logged, and tomorrow's head covers today's."""
        with database.read() as session:
            serial, digest = audit.head(session)
        body = {"kind": "audit_head", "head": f"{serial}:{digest}", "at": now.isoformat()}
        try:
            answer = self.posts.post(json.dumps(body).encode(), {"Idempotency-Key": f"audit_head:{serial}"})
        except httpx.HTTPError as error:
            log.warning("head_not_sent", error=type(error).__name__)
            return
        if not answer.is_success:
            log.warning("head_not_sent", status=answer.status_code)


def record_journal_head(database: Database, now: datetime) -> None:
    """Write the journal's head into the trail."""
    with database.begin() as session:
        housekeeping.record_journal_head(session, now)


def make_head_sender(settings: AlarmSettings) -> HeadSender | None:
    """Return who sends the head, where the campus has a webhook."""
    if settings.webhook_url is None or settings.webhook_secret is None:
        return None
    return HeadSender(SignedPosts(settings.webhook_url, settings.webhook_secret.get_secret_value().encode()))
