"""What the process at a card dispenser and the server say to each other."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints


class Stacker(StrEnum):
    """How many cards wait in the dispenser."""

    EMPTY = "empty"
    FEW = "few"
    ENOUGH = "enough"


class Fault(StrEnum):
    """Why a card is not handed out."""

    NO_ANSWER = "dispenser_no_answer"
    """Nothing, or nothing that can be understood, comes over the line: whether a card moved is not known."""
    JAM = "card_jam"
    NO_CARDS = "no_cards"
    BIN_FULL = "card_bin_full"
    MOVED_BY_HAND = "card_moved_by_hand"
    CARD_MISSING = "card_missing"
    """No card is where one should be."""
    CARD_IN_GATE = "card_in_gate"
    """An earlier card was not taken."""
    UNREADABLE = "card_unreadable"
    OTHER_CARD = "other_card"
    """Not the card that was booked lies at the reader."""
    DEFECT = "dispenser_defect"
    INTERRUPTED = "interrupted"
    """The process at the dispenser ended in the middle."""
    TOO_LATE = "issue_too_late"
    """Whoever asked for the card has gone by now."""


class IssueState(StrEnum):
    """Where the issue of a card is; `handed_out` and `failed` are its ends, and a person ends what is `unclear`."""

    WAITING = "waiting"
    PREPARING = "preparing"
    BOOKED = "booked"
    UNCLEAR = "unclear"
    """It was booked, and long afterwards the card is not in the machine any more: nobody saw where it went."""
    HANDED_OUT = "handed_out"
    FAILED = "failed"


class StatusIn(BaseModel):
    """The dispenser as its process sees it. Without `stacker` it does not say."""

    model_config = ConfigDict(extra="forbid")

    stacker: Stacker | None = None
    is_bin_full: bool = False
    fault: Fault | None = None


class IssueOut(BaseModel):
    """The card that this dispenser is to hand out."""

    id: UUID
    state: IssueState
    may_hand_out: bool
    """Whether whoever asked for it may be expected to stand there still."""


class NextIssue(BaseModel):
    """What is to be done now; None: nothing."""

    issue: IssueOut | None


class CardIn(BaseModel):
    """The card at the reader."""

    model_config = ConfigDict(extra="forbid")

    uid: Annotated[str, StringConstraints(max_length=40)]


class EndIn(BaseModel):
    """How it ended: the card has left by the gate, or is gone, or is kept inside until this is answered."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal[IssueState.HANDED_OUT, IssueState.UNCLEAR, IssueState.FAILED]
    fault: Fault | None = None
