"""Why a pass was granted or not. The codes are a contract: they stand in events, statistics and on the board.

A code is never renamed and never given another meaning; `docs/access.md` lists them all, and a test holds that list.
"""

from enum import StrEnum


class Reason(StrEnum):
    """The one reason of a decision. Everything but `GRANTED` is a refusal."""

    GRANTED = "granted"

    DIRECTORY_MISSING = "directory_missing"
    DIRECTORY_UNREADABLE = "directory_unreadable"

    NOTHING_PRESENTED = "nothing_presented"
    UNKNOWN_FACE = "unknown_face"
    AMBIGUOUS_FACE = "ambiguous_face"
    SPOOF = "spoof"
    MODEL_MISMATCH = "model_mismatch"
    UNKNOWN_CREDENTIAL = "unknown_credential"

    CARD_LOST = "card_lost"
    CARD_SUSPENDED = "card_suspended"
    CARD_INACTIVE = "card_inactive"
    CARD_NOT_AUTHENTICATED = "card_not_authenticated"
    CREDENTIAL_NOT_YET_VALID = "credential_not_yet_valid"
    CREDENTIAL_EXPIRED = "credential_expired"

    SUSPENDED = "suspended"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"

    NOT_ENTITLED = "not_entitled"
    OUTSIDE_SCHEDULE = "outside_schedule"
    CURFEW = "curfew"
    DIRECTORY_STALE = "directory_stale"

    METHOD_NOT_ALLOWED = "method_not_allowed"
    CARD_REQUIRED = "card_required"
    FACE_REQUIRED = "face_required"
    FACE_NOT_CARD_HOLDER = "face_not_card_holder"
    PIN_REQUIRED = "pin_required"
    PIN_WRONG = "pin_wrong"
    PIN_LOCKED = "pin_locked"

    PASSED_BACK = "passed_back"
    ZONE_FULL = "zone_full"
    FIRST_PERSON_AWAITED = "first_person_awaited"
    SECOND_PERSON_AWAITED = "second_person_awaited"


class Notice(StrEnum):
    """What somebody must hear about a grant. A notice never turns a grant into a refusal."""

    LATE_RETURN = "late_return"
    LATE_EXIT = "late_exit"
    PASSED_BACK = "passed_back"
    PASSAGES_UNKNOWN = "passages_unknown"
    OCCUPANCY_UNKNOWN = "occupancy_unknown"
    STALE_DIRECTORY = "stale_directory"
