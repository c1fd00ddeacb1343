"""Who passed a gate and the others of its zone: a gate's own log, and its agreement with the server.

`model` is the contract with the server, `log` the passages of one gate, `meta` what is known of the zone beside them,
`store` their file, `sync` the fetching from the server, `standing` what the server says without being asked.
"""

from access.passages.log import PassageLog
from access.passages.model import REMEMBERED, TRUSTED_FOR, PresencePage, ZonePass
from access.passages.standing import Verdict, ZoneStanding
from access.passages.sync import PassageSync

__all__ = [
    "REMEMBERED",
    "TRUSTED_FOR",
    "PassageLog",
    "PassageSync",
    "PresencePage",
    "Verdict",
    "ZonePass",
    "ZoneStanding",
]
