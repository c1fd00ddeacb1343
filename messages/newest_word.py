"""Which word of a process's availability is the newest: a will may come long after the process is back.

A broker says a will when it misses the connection, and of several brokers each in its own time. So each word carries
the number of the connection that it is about, which grows over the life of a process.
"""

from collections import deque
from collections.abc import Callable

from messages.status import Availability, ProcessStatus, ShowerAvailability

Word = Availability | ShowerAvailability

_FORMER_KEPT = 8


class NewestWord:
    """The newest word of one process at one gate. For one thread."""

    def __init__(self) -> None:
        self._newest: Word | None = None
        self._former: deque[object] = deque(maxlen=_FORMER_KEPT)

    def takes(self, word: Word) -> bool:
        """Return whether `word` is no older than the newest, and keep it if so.

        Of one boot the connection's number tells; a former boot cannot be gone anew. Of what senders without numbers
        say, that alone is known.
        """
        newest = self._newest
        if newest is not None and word.boot_id == newest.boot_id:
            if word.connection is not None and newest.connection is not None and word.connection < newest.connection:
                return False
        elif newest is not None:
            if word.boot_id in self._former and word.status is not ProcessStatus.ONLINE:
                return False
            self._former.append(newest.boot_id)
        self._newest = word
        return True


def newest_only(handle: Callable[[Availability, bool], None]) -> Callable[[Availability, bool], None]:
    """Return a handler that passes on to `handle` what is no older than what it was given before."""
    newest = NewestWord()

    def handle_newest(word: Availability, retained: bool) -> None:
        if newest.takes(word):
            handle(word, retained)

    return handle_newest
