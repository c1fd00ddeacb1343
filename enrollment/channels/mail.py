"""By e-mail, to the address that the university gives to everyone."""

from email.errors import MessageError
from email.message import EmailMessage
from email.utils import format_datetime

from enrollment.channels.port import ChannelDownError, Letter, LetterRefusedError
from web.mail import MailRefusedError, MailServer, MailServerError


class MailChannel:
    """Sends each notice as a short message, Chinese first."""

    name = "mail"

    def __init__(self, server: MailServer, sender: str, address: str) -> None:
        """Take the server, the sender, and the form of an address: `{number}@student.example.edu`.

        Raises:
            ValueError: the form has no `{number}`.
        """
        if "{number}" not in address:
            raise ValueError(f"{address!r} is no form of an address: it holds {{number}}")
        self._server = server
        self._sender = sender
        self._address = address

    def send(self, letter: Letter) -> None:
        """Hand `letter` in.

        Raises:
            ChannelDownError, LetterRefusedError: the server is not there, or does not know the address.
        """
        try:
            self._server.submit(self._message(letter))
        except (MailRefusedError, MessageError, ValueError) as error:
            raise LetterRefusedError(str(error)) from error
        except MailServerError as error:
            raise ChannelDownError(str(error)) from error

    def _message(self, letter: Letter) -> EmailMessage:
        zh, en = letter.content["zh"], letter.content["en"]
        message = EmailMessage()
        message["Subject"] = f"{zh['title']} · {en['title']}"
        message["From"] = self._sender
        message["To"] = self._address.replace("{number}", letter.number)
        message["Date"] = format_datetime(letter.at)
        message["Message-ID"] = f"<{letter.notice_id}@campusgate>"
        message.set_content(f"{zh['body']}\n\n{en['body']}\n")
        return message
