"""Codes that were shown: a virtual card's is proven by its signature, once; what nobody knows is not guessed for long.

A code is used up by the grant that it gave. Until somebody has passed on that grant, the same code only shows itself
again, as a phone does that is held before a scanner; and one that was refused may be shown again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from access.credentials import virtual_card_digest
from access.reasons import Reason
from gate_controller.memory import DoorMemory
from gate_controller.readers import Reading, ReadingResult
from messages import TrustedKey, signed_codes
from messages.signed_codes import BadCodeError, is_current

MOST_UNKNOWN = 10
UNKNOWN_WITHIN_S = 60.0
REFUSED_FOR_S = 60.0
"""Ten unknown codes within a minute, and for a minute none is looked up: 33 random bits of a visitor's ten digits last
for a thousand years so. Codes with a good signature, cards and faces are not held up."""
_MOST_REMEMBERED = 256
"""Codes that were refused a moment ago: far more than are shown at one door within the life of a code."""


class CodeRefusal(StrEnum):
    """Why a code was not even asked about: the reason in the event."""

    FORGED = "code_forged"
    """Not signed by this campus's server, or this door has no key to verify it with."""
    NOT_CURRENT = "code_not_current"
    """Not the code of this moment: older than its life, or of a clock that is ahead of this door's."""
    USED = "code_used"
    """The code, or a later one of the same card, was used at this door."""
    PAYS_ONLY = "code_pays_only"
    """A payment code that a phone made by itself."""
    CLOCK_UNSURE = "code_clock_unsure"
    """This door's clock cannot be trusted, so the age of a code is not known."""
    TOO_MANY = "too_many_codes"
    """Too many unknown codes were shown here; none is looked up for a while."""


@dataclass
class UnknownCodes:
    """Counts the codes that nobody knows, at one door. Times are monotonic seconds."""

    _seen: list[float] = field(default_factory=list)
    _refused_until: float = 0.0

    def count(self, now: float) -> None:
        """Count one."""
        self._seen = [at for at in self._seen if now - at < UNKNOWN_WITHIN_S] + [now]
        if len(self._seen) >= MOST_UNKNOWN:
            self._seen, self._refused_until = [], now + REFUSED_FOR_S

    def are_too_many(self, now: float) -> bool:
        """Return whether codes without a signature are refused at `now`."""
        return now < self._refused_until


class CodeAuthenticator:
    """The codes at one door."""

    def __init__(
        self, trusted: Mapping[str, TrustedKey], *, site: str, credential_key: bytes, memory: DoorMemory
    ) -> None:
        """`trusted`: the senders whose commands this door obeys; the server's staff among them makes the codes."""
        self._trusted = trusted
        self._site = site
        self._credential_key = credential_key
        self._memory = memory
        self._unknown = UnknownCodes()
        self._refused: dict[str, int] = {}
        """The seconds of codes that were shown last and refused, by the digest of their card."""

    def authenticate(
        self, reading: Reading, at: datetime, *, sure: bool, now: float, is_open: Callable[[Reading], bool]
    ) -> Reading | CodeRefusal:
        """Return a code as it may be asked about, a virtual card's as that of a proven card; or why it may not.

        `at` is the wall clock's time and `sure` whether to trust it, `now` the monotonic second. `is_open` tells
        whether a proven card waits for its answer or has a grant nobody has passed on yet.
        """
        if signed_codes.looks_like_one(reading.value):
            proven = self._prove(reading, at, sure=sure, is_open=is_open)
            if proven is not CodeRefusal.FORGED:
                return proven
            self._unknown.count(now)
            return CodeRefusal.TOO_MANY if self._unknown.are_too_many(now) else proven
        if signed_codes.looks_like_payment_code(reading.value):
            return CodeRefusal.PAYS_ONLY
        if self._unknown.are_too_many(now):
            return CodeRefusal.TOO_MANY
        return replace(reading, answer=self._count_unknown(reading, now))

    def follow(self, reading: Reading, digest: str, second: int) -> Reading:
        """Return what was presented after a virtual card, its PIN, as what that card's code stands or falls with."""
        return replace(reading, code_second=second, answer=self._remember_refusal(reading, digest, second))

    def record_use_elsewhere(self, digest: str, second: int, at: datetime) -> None:
        """Take note that another gate let somebody in by this code.

        Only of a current one: a message that is wrong about the time would keep somebody's codes out for long.
        """
        if is_current(second, at):
            self._refused.pop(digest, None)
            self._spend(digest, second)

    def _prove(
        self, reading: Reading, at: datetime, *, sure: bool, is_open: Callable[[Reading], bool]
    ) -> Reading | CodeRefusal:
        try:
            code = signed_codes.verify(reading.value, self._trusted, site=self._site, now=at)
        except BadCodeError:
            return CodeRefusal.FORGED
        if not sure:
            return CodeRefusal.CLOCK_UNSURE
        if not is_current(code.second, at):
            return CodeRefusal.NOT_CURRENT
        digest = virtual_card_digest(self._credential_key, code.handle)
        proven = replace(
            reading,
            value=code.handle,
            kind="virtual",
            authenticated=True,
            code_second=code.second,
            answer=self._remember_refusal(reading, digest, code.second),
        )
        shown_again = self._refused.get(digest) == code.second or is_open(proven)
        if not self._spend(digest, code.second) and not shown_again:
            return CodeRefusal.USED
        return proven

    def _spend(self, digest: str, second: int) -> bool:
        # Apart from the counters of cards that prove a key: no message about a code uses those up.
        return self._memory.spend_counter(f"code {digest}", second)

    def _remember_refusal(self, reading: Reading, digest: str, second: int) -> Callable[[ReadingResult], None]:
        def answer(result: ReadingResult) -> None:
            self._refused.pop(digest, None)
            if not result.granted:
                self._refused[digest] = second
                while len(self._refused) > _MOST_REMEMBERED:
                    self._refused.pop(next(iter(self._refused)))
            reading.answer(result)

        return answer

    def _count_unknown(self, reading: Reading, now: float) -> Callable[[ReadingResult], None]:
        def answer(result: ReadingResult) -> None:
            if result.reason == Reason.UNKNOWN_CREDENTIAL.value:
                self._unknown.count(now)
            reading.answer(result)

        return answer
