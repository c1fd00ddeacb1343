"""The words of network access that are stored and sent."""

from enum import StrEnum


class NetworkService(StrEnum):
    """What somebody logs in to."""

    COMPUTER_ROOM = "computer_room"
    INTERNET = "internet"


class NetworkSessionState(StrEnum):
    """Where a session is in its life."""

    RUNNING = "running"
    ENDED = "ended"


class LoginRefusal(StrEnum):
    """Why nobody is let in."""

    WRONG = "wrong"
    """Number and password do not belong together; which of them is wrong is not said."""
    LOCKED = "locked"
    FIRST_PASSWORD = "first_password"  # noqa: S105 - a word, no password
    TOO_MANY_TRIES = "too_many_tries"
    NO_PASSWORD = "no_password"  # noqa: S105
    """What came was no password in clear (PAP): a digest of one cannot be compared with ours."""
    NOT_IN_USE = "not_in_use"
    NOT_FOR_KIND = "not_for_kind"
    TOO_MANY_SESSIONS = "too_many_sessions"
    NO_TIME = "no_time"
    """The free minutes of the month are used up."""
    NO_CREDIT = "no_credit"


class DisconnectReason(StrEnum):
    """Why a session is ended from here."""

    NOT_IN_USE = "not_in_use"
    NOT_FOR_KIND = "not_for_kind"
    NOT_OFFERED = "not_offered"
    """The campus has ended the service."""
    TIME_OVER = "time_over"
    """The time is over that free minutes, money or the longest session cover."""
    TOO_MANY_SESSIONS = "too_many_sessions"
    BY_HOLDER = "by_holder"
    BY_STAFF = "by_staff"


DISCONNECTS_FOR_GOOD = frozenset(
    {DisconnectReason.TOO_MANY_SESSIONS, DisconnectReason.BY_HOLDER, DisconnectReason.BY_STAFF}
)
"""Reasons that stay; the others hold for as long as they are true: whoever tops up in time goes on."""


class DisconnectOutcome(StrEnum):
    """What became of the last Disconnect-Request."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN_SESSION = "unknown_session"
    """There is no such session any more where it ran."""
    NO_ANSWER = "no_answer"
    """Nobody answered, or the secret is another one: a wrong secret is answered with silence."""
    NO_ADDRESS = "no_address"
    """The settings do not say where the device is that has the session."""


SILENT = "silent"
"""The end of a session that nothing was heard of any more."""
RESTARTED = "restarted"
"""The end of a session whose device began anew, and knows nothing of it."""
REPLACED = "replaced"
"""The end of a session in whose place another one began."""
GONE = "gone"
"""The end of a session that its device said it does not know."""
ENDED_UNHEARD = frozenset({SILENT, RESTARTED, REPLACED, GONE})
"""Ends that nobody reported: a session that is heard of again goes on."""
