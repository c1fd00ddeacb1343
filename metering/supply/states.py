"""Where orders to meters and requests for a room's supply are in their lives."""

from enum import StrEnum


class MeterOrderState(StrEnum):
    """Where an order is. `sent` is the meter's acknowledgement; `done` is what its relay then showed."""

    WAITING = "waiting"
    TAKEN = "taken"
    """Handed to the reading process, and never handed out again."""
    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    SILENT = "silent"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    """Another order took its place before it was handed out."""


UNDER_WAY = (MeterOrderState.WAITING, MeterOrderState.TAKEN, MeterOrderState.SENT)


class RequestAction(StrEnum):
    """What is asked for: cut off, end a cut-off; `apply` is a resident's written request to end one."""

    TRIP = "trip"
    ARM = "arm"
    APPLY = "apply"


class RequestState(StrEnum):
    """Where a request is."""

    WAITING = "waiting"
    DONE = "done"
    CANCELLED = "cancelled"
    VOID = "void"
    """Nobody confirmed it in time."""
