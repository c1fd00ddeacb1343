"""Keys of PostgreSQL's advisory locks, in one place: two purposes with one key would wait for each other for ever."""

from enum import IntEnum, unique


@unique
class AdvisoryLock(IntEnum):
    """What is locked. A database has one space of keys, so each is used for one thing; a key is never changed."""

    MIGRATION = 7_263_017
    AUDIT_ORDER = 7_263_018
    LEADER = 7_263_019
    """Held by whoever leads, as long as it does."""
    ORDER_NONCES = 7_263_020
    READINGS = 7_263_021
    JOURNAL = 7_263_022
