"""By e-mail, through the campus's own mail server."""

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime

from operations.notices.port import Notice, NoticeNotSentError

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. With `starttls` nothing is said before the line is encrypted."""

    host: str
    port: int = 587
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    starttls: bool = True


class MailNotifier:
    """Sends each notice as a short message."""

    def __init__(
        self,
        server: MailServer,
        sender: str,
        recipients: Sequence[str],
        *,
        channel: str = "mail",
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Take the server and the addresses; `channel` tells several lists of recipients apart."""
        self.channel = channel
        self._server = server
        self._sender = sender
        self._recipients = list(recipients)
        self._timeout_s = timeout_s

    def send(self, notice: Notice) -> None:
        """Hand `notice` in.

        Raises:
            NoticeNotSentError: the mail server did not take it for every recipient.
        """
        try:
            with smtplib.SMTP(self._server.host, self._server.port, timeout=self._timeout_s) as smtp:
                if self._server.starttls:
                    smtp.starttls(context=ssl.create_default_context())
                if self._server.username is not None:
                    smtp.login(self._server.username, self._server.password or "")
                refused = smtp.send_message(self._message(notice))
        except (smtplib.SMTPException, OSError) as error:
            raise NoticeNotSentError(f"the mail server did not take it: {type(error).__name__}") from error
        if refused:
            raise NoticeNotSentError(f"the mail server refused {len(refused)} of {len(self._recipients)} recipients")

    def _message(self, notice: Notice) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = f"[campusgate] {notice.headline}"
        message["From"] = self._sender
        message["To"] = ", ".join(self._recipients)
        message["Date"] = format_datetime(notice.raised_at)
        # Copies of one alarm's notices stand together in the reader's list.
        message["Message-ID"] = f"<{notice.alarm_id}.{int(notice.escalated)}@campusgate>"
        message.set_content(
            f"{notice.headline}\n\nsince {notice.raised_at:%Y-%m-%d %H:%M:%S} UTC, {notice.count} time(s)\n"
            f"alarm {notice.alarm_id}\n"
        )
        return message
