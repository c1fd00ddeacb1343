"""By e-mail, through the campus's own mail server."""

from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime

from operations.notices.port import Notice, NoticeNotSentError
from web.mail import MailRefusedError, MailServer, MailServerError


class MailNotifier:
    """Sends each notice as a short message."""

    def __init__(
        self,
        server: MailServer,
        sender: str,
        recipients: Sequence[str],
        *,
        channel: str = "mail",
    ) -> None:
        """Take the server and the addresses; `channel` tells several lists of recipients apart."""
        self.channel = channel
        self._server = server
        self._sender = sender
        self._recipients = list(recipients)

    def send(self, notice: Notice) -> None:
        """Hand `notice` in.

        Raises:
            NoticeNotSentError: the mail server did not take it for every recipient.
        """
        try:
            self._server.submit(self._message(notice))
        except (MailRefusedError, MailServerError) as error:
            raise NoticeNotSentError(str(error)) from error

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
