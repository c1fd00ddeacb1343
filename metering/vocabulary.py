"""The words of metering that are stored and sent: utilities, sessions, readings, orders to meters."""

from enum import StrEnum


class Utility(StrEnum):
    """What is counted. Water is counted in millilitres, electricity in watt-hours."""

    COLD_WATER = "cold_water"
    HOT_WATER = "hot_water"
    ELECTRICITY = "electricity"


class SessionState(StrEnum):
    """Where a session is in its life; `settled` and `expired` end it, and a late record still finds it."""

    REFUSED = "refused"
    AUTHORISED = "authorised"
    RUNNING = "running"
    SETTLED = "settled"
    EXPIRED = "expired"
    IN_REVIEW = "in_review"


class StopReason(StrEnum):
    """Why a session ended, as the device says it: a hint, never a reason to bill otherwise."""

    LOCAL = "local"
    MONEY_LIMIT = "money_limit"
    VOLUME_LIMIT = "volume_limit"
    TIME_LIMIT = "time_limit"
    IDLE = "idle"
    NO_FLOW = "no_flow"
    PAUSED_TOO_LONG = "paused_too_long"
    VALVE_STUCK = "valve_stuck"
    METER_FAULT = "meter_fault"
    METER_SILENT = "meter_silent"
    POWER_LOST = "power_lost"
    REBOOT = "reboot"
    REMOTE = "remote"
    EMERGENCY = "emergency"


class SessionRefusal(StrEnum):
    """Why no session begins."""

    NO_CREDIT = "no_credit"
    CARD_BLOCKED = "card_blocked"
    UNKNOWN_CREDENTIAL = "unknown_credential"
    ALREADY_IN_SESSION = "already_in_session"
    NOT_AT_THIS_TIME = "not_at_this_time"
    NOT_AT_THIS_PLACE = "not_at_this_place"
    DAY_LIMIT_REACHED = "day_limit_reached"
    PASSWORD_REQUIRED = "password_required"  # noqa: S105 - a code, no secret
    SERVER_UNAVAILABLE = "server_unavailable"


class ReadingSource(StrEnum):
    """Where a reading comes from."""

    CYCLE = "cycle"
    FROZEN = "frozen"
    REQUESTED = "requested"
    PERSON = "person"
    INTERPOLATED = "interpolated"


class ReadingQuality(StrEnum):
    """How far a reading is to be believed; only `good` and `estimated` ones are billed."""

    GOOD = "good"
    ESTIMATED = "estimated"
    DOUBTFUL = "doubtful"


class MeterAction(StrEnum):
    """What a meter may be told. `arm` lets the resident close the supply, `close` closes it without them."""

    TRIP = "trip"
    ARM = "arm"
    CLOSE = "close"
    KEEP_ON = "keep_on"
    KEEP_OFF = "keep_off"
    READ = "read"
    SET_CLOCK = "set_clock"


class SupplyState(StrEnum):
    """What a meter's relay does: `armed` is open and may be closed by the resident's button."""

    ON = "on"
    ARMED = "armed"
    OFF = "off"
    UNKNOWN = "unknown"


class TripReason(StrEnum):
    """Why a room has no supply; each reason has its own rule of how it ends and who may lift it."""

    NO_CREDIT = "no_credit"
    CURFEW = "curfew"
    OVERLOAD = "overload"
    MALICIOUS_LOAD = "malicious_load"
    STAFF = "staff"
    REPLACEMENT = "replacement"
    VACANT = "vacant"
