"""E-mail, submitted at the campus's own mail server."""

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage

TIMEOUT_S = 10.0


class MailRefusedError(Exception):
    """The server took the mail for nobody, or not for everybody; the message says so and names no address."""


class MailServerError(Exception):
    """The server cannot be reached, or refuses to talk; nothing was submitted."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is submitted. With `starttls` nothing is said before the line is encrypted."""

    host: str
    port: int = 587
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    starttls: bool = True
    timeout_s: float = TIMEOUT_S

    def submit(self, message: EmailMessage) -> None:
        """Submit `message` for everyone it names (RFC 6409).

        Raises:
            MailRefusedError: not every recipient was taken.
            MailServerError: the server cannot be used at all.
        """
        try:
            with smtplib.SMTP(self.host, self.port, timeout=self.timeout_s) as smtp:
                if self.starttls:
                    smtp.starttls(context=ssl.create_default_context())
                if self.username is not None:
                    smtp.login(self.username, self.password or "")
                refused = smtp.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            raise MailRefusedError(f"the mail server refused {len(error.recipients)} recipients") from error
        except (smtplib.SMTPException, OSError) as error:
            raise MailServerError(f"the mail server did not take it: {type(error).__name__}") from error
        if refused:
            raise MailRefusedError(f"the mail server refused {len(refused)} recipients")
