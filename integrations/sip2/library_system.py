"""A library's own system, asked by SIP2 about fines: here the campus is the self-check (SC), the library the ACS.

Each question has a connection of its own: sign-in (93) where one is set, then patron information (63) or fee paid (37).
"""

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from integrations.library_fines.library_system import Fines, LibraryAwayError, OutcomeUnknownError, ReportedPayment
from integrations.sip2.answers import write_amount, write_time
from integrations.sip2.conversation import Conversation
from integrations.sip2.frames import Message

_ANSWERED_WITHIN_S: Final = 8.0
"""Of a whole conversation: somebody stands before a kiosk and waits for it."""
_CHINESE: Final = "019"
_ABOUT_FINES: Final = "   Y      "
"""The summary that is asked for with 63: the fourth of ten is fine items."""
_FINE_ITEMS: Final = slice(47, 51)
"""Of the fixed fields of 64: how many fines there are; blank where the library does not count."""
_LONGEST_NAME: Final = 60
"""Characters of a fee identifier; more are a text for people."""
_AMOUNT: Final = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class LibraryOptions:
    """How a library's system is reached, and what it expects in its fields."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    terminal_password: str = field(default="", repr=False)
    """Field AC."""
    institution: str = ""
    """Field AO."""
    location: str = ""
    """Field CP."""
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    line_end: bytes = b"\r"
    has_error_detection: bool = True
    currency: str = "CNY"
    fee_type: str = "01"
    payment_type: str = "00"
    names_fines: bool = False
    """Its fine items (AV) are names that it takes back as the fee's (CG), and not texts for people."""
    answered_within_s: float = _ANSWERED_WITHIN_S


class Sip2LibrarySystem:
    """Implements `LibrarySystem`."""

    def __init__(self, options: LibraryOptions, clock: Callable[[], datetime]) -> None:
        """Take how it is reached and the campus's time; ask nobody."""
        self._options, self._clock = options, clock

    def find_fines(self, patron: str) -> Fines:
        """Ask for a patron's information; see `LibrarySystem.find_fines`."""
        fixed = f"{_CHINESE}{write_time(self._clock())}{_ABOUT_FINES}"
        with self._open() as conversation:
            answer = conversation.ask(Message("63", fixed, (*self._of_patron(patron), ("AD", ""))), "64")
        if answer.get("AA") not in {"", patron}:
            raise LibraryAwayError("the answer is of another patron")
        if answer.get("BL") == "N":
            return Fines(0, is_known=False)
        items = answer.get_all("AV")
        is_named = self._options.names_fines and len(items) == 1 and len(items[0]) <= _LONGEST_NAME
        return Fines(self._read_amount(answer), items, name=items[0] if is_named else None)

    def report_payment(self, patron: str, payment: ReportedPayment) -> bool:
        """Report a fee paid under the payment's id (BK); see `LibrarySystem.report_payment`."""
        options = self._options
        fixed = f"{write_time(self._clock())}{options.fee_type}{options.payment_type}{options.currency}"
        fields = [("BV", write_amount(payment.fen)), *self._of_patron(patron)]
        if payment.item is not None:
            fields.append(("CG", payment.item))
        fields.append(("BK", payment.id.hex))
        with self._open() as conversation:
            try:
                answer = conversation.ask(Message("37", fixed, tuple(fields)), "38")
            except LibraryAwayError as error:
                raise OutcomeUnknownError from error
        if answer.get("BK") not in {"", payment.id.hex}:
            raise OutcomeUnknownError from LibraryAwayError("the answer is of another payment")
        return answer.fixed[0] == "Y"

    def check(self) -> str:
        """Sign in and ask for the state (99)."""
        with self._open() as conversation:
            answer = conversation.ask(Message("99", "00802.00"), "98")
        if answer.fixed[0] != "Y":
            raise LibraryAwayError("it answers that it is off line")
        return "answers, and lets this server in"

    @contextmanager
    def _open(self) -> Iterator[Conversation]:
        options = self._options
        until_s = time.monotonic() + options.answered_within_s
        try:
            connection = socket.create_connection((options.host, options.port), timeout=options.answered_within_s)
        except OSError as error:
            raise LibraryAwayError(f"nobody answers at {options.host}:{options.port}") from error
        with connection:
            if options.tls is not None:
                try:
                    connection = options.tls.wrap_socket(connection, server_hostname=options.host)
                except OSError as error:
                    raise LibraryAwayError("no TLS with who answers there") from error
            with connection:
                conversation = Conversation(
                    connection,
                    until_s=until_s,
                    encoding=options.encoding,
                    line_end=options.line_end,
                    has_error_detection=options.has_error_detection,
                )
                self._sign_in(conversation)
                yield conversation

    def _sign_in(self, conversation: Conversation) -> None:
        options = self._options
        if not options.login:
            return
        fields = [("CN", options.login), ("CO", options.password)]
        if options.location:
            fields.append(("CP", options.location))
        if conversation.ask(Message("93", "00", tuple(fields)), "94").fixed != "1":
            raise LibraryAwayError("it refuses the login")

    def _of_patron(self, patron: str) -> tuple[tuple[str, str], ...]:
        options = self._options
        return (("AO", options.institution), ("AA", patron), ("AC", options.terminal_password))

    def _read_amount(self, answer: Message) -> int:
        """Return fen; an amount that is missing is none only where no fines are counted either."""
        said = answer.get("BV").strip()
        if not said:
            counted = answer.fixed[_FINE_ITEMS].strip()
            if counted.strip("0") or answer.get_all("AV"):
                raise LibraryAwayError("it says that there are fines, and not how much is owed (BV)")
            return 0
        if answer.get("BH").strip() not in {"", self._options.currency}:
            raise LibraryAwayError("it says what is owed in another currency (BH)")
        if not _AMOUNT.fullmatch(said):
            raise LibraryAwayError("what is owed (BV) is no amount")
        return int(Decimal(said) * 100)
