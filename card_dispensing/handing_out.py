"""Handing out a card: look, take one to the reader, read it, have it booked, move it out; else into the bin.

The server's word stands, whatever the process has forgotten: a card moves out of the gate only after it was booked, and
into the bin only after the server has said that nothing is taken. So whatever is found in the middle, after a crash, an
outage of the network or one of the line, is settled by the same steps.
"""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

import structlog

from card_dispensing.contract import Fault, IssueOut, IssueState, Stacker, StatusIn
from card_dispensing.dispenser import CardDispenser, DispenserError, DispenserState, Position
from card_dispensing.server_client import IssueServer, RejectedError, ServerError

log = structlog.get_logger()

TOLD_EVERY_S: Final = 15.0
"""The server is told how the dispenser is at once when that changes, and this often in any case."""
_TAKEN_WITHIN_S: Final = 60.0
"""Of a card in the gate; one that nobody takes stops the next, so somebody must look."""
_LEFT_ANYHOW: Final = {Fault.NO_ANSWER, Fault.MOVED_BY_HAND}
"""After these a card that is not at the reader any more has left by the gate."""


class CardIssuer:
    """Brings the dispenser and the server together, turn by turn."""

    def __init__(
        self, dispenser: CardDispenser, server: IssueServer, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Do nothing yet."""
        self._dispenser = dispenser
        self._server = server
        self._monotonic = monotonic
        self._is_ready = False
        self._told: tuple[StatusIn, float] | None = None
        self._in_gate_since: float | None = None
        self._left: UUID | None = None
        """The issue whose card this process saw leave."""

    def turn(self) -> None:
        """Do what is to be done now; what cannot be done now is tried at the next turn."""
        try:
            self._turn()
        except ServerError as error:
            log.warning("server_not_reached", why=str(error))
            self._told = None

    def _turn(self) -> None:
        try:
            if not self._is_ready:
                self._dispenser.start()
            state = self._dispenser.read_state()
            self._is_ready = True
        except DispenserError as error:
            self._note(error)
            self._refuse(error.fault)
            return
        issue = self._server.fetch_issue()
        left = Fault.CARD_IN_GATE if self._is_left_in_gate(state, is_free=issue is None) else None
        self._tell(StatusIn(stacker=state.stacker, is_bin_full=state.is_bin_full, fault=left))
        try:
            if issue is None:
                if state.position is Position.READER:
                    self._dispenser.discard()
            elif issue.state is IssueState.WAITING:
                self._dispense(issue, state)
            else:
                self._settle(issue, state)
        except DispenserError as error:
            self._note(error)
            self._tell(StatusIn(stacker=state.stacker, is_bin_full=state.is_bin_full, fault=error.fault))

    def _is_left_in_gate(self, state: DispenserState, *, is_free: bool) -> bool:
        """Whether an earlier card stands in the gate for longer than somebody needs to take it."""
        if state.position is not Position.GATE or not is_free:
            self._in_gate_since = None
            return False
        now = self._monotonic()
        if self._in_gate_since is None:
            self._in_gate_since = now
        return now - self._in_gate_since >= _TAKEN_WITHIN_S

    def _dispense(self, issue: IssueOut, state: DispenserState) -> None:
        if state.position is Position.READER:
            self._dispenser.discard()
            state = self._dispenser.read_state()
        if (fault := _find_unfit(state)) is not None:
            self._end(issue, IssueState.FAILED, fault)
            return
        try:
            self._server.begin(issue.id)
        except RejectedError as error:
            log.info("issue_not_wanted", issue=str(issue.id), code=error.code)
            return
        try:
            self._dispenser.take_card()
            uid = self._dispenser.read_uid()
        except DispenserError as error:
            self._give_up(issue, error.fault)
            raise
        self._book_and_hand_out(issue, uid)

    def _settle(self, issue: IssueOut, state: DispenserState) -> None:
        """Bring what was found in the middle to its end."""
        log.info("issue_found_open", issue=str(issue.id), state=issue.state.value, card=state.position.value)
        if issue.state is not IssueState.BOOKED:
            self._give_up(issue, Fault.INTERRUPTED)
        elif state.position is Position.NONE:
            # Later on it may have been taken out through the opened machine as well.
            has_left = issue.may_hand_out or issue.id == self._left
            self._end(issue, IssueState.HANDED_OUT if has_left else IssueState.UNCLEAR)
        elif not issue.may_hand_out:
            self._give_up(issue, Fault.TOO_LATE)
        elif state.position is Position.GATE:
            self._hand_out(issue)
        else:
            try:
                uid = self._dispenser.read_uid()
            except DispenserError as error:
                self._give_up(issue, error.fault)
                raise
            self._book_and_hand_out(issue, uid, is_booked=True)

    def _book_and_hand_out(self, issue: IssueOut, uid: str, *, is_booked: bool = False) -> None:
        try:
            self._server.book(issue.id, uid)
        except RejectedError as error:
            log.info("card_not_booked", issue=str(issue.id), code=error.code)
            self._give_up(issue, Fault.OTHER_CARD if is_booked else None)
            return
        self._hand_out(issue)

    def _hand_out(self, issue: IssueOut) -> None:
        try:
            self._dispenser.hand_out()
        except DispenserError as error:
            # Where even this is not answered it stays booked, and the next turn looks again.
            position = self._dispenser.read_state().position
            if position is Position.READER or error.fault not in _LEFT_ANYHOW:
                self._give_up(issue, error.fault)
                raise
            log.warning("card_left_anyhow", issue=str(issue.id), fault=error.fault.value)
        self._left = issue.id
        self._end(issue, IssueState.HANDED_OUT)

    def _give_up(self, issue: IssueOut, fault: Fault | None) -> None:
        """Have nothing taken, then move the card into the bin."""
        if not self._end(issue, IssueState.FAILED, fault):
            return
        if self._dispenser.read_state().position is not Position.NONE:
            self._dispenser.discard()

    def _refuse(self, fault: Fault) -> None:
        """Let nobody wait for a dispenser that does not answer; what is booked is settled when it does."""
        self._tell(StatusIn(fault=fault))
        issue = self._server.fetch_issue()
        if issue is not None and issue.state is not IssueState.BOOKED:
            self._end(issue, IssueState.FAILED, fault)

    def _end(self, issue: IssueOut, outcome: IssueState, fault: Fault | None = None) -> bool:
        """Tell the server how it ended; return whether it takes that."""
        try:
            self._server.end(issue.id, outcome, fault)
        except RejectedError as error:
            log.error("issue_not_ended", issue=str(issue.id), outcome=outcome.value, code=error.code)
            return False
        log.info("issue_ended", issue=str(issue.id), outcome=outcome.value, fault=fault and fault.value)
        return True

    def _note(self, error: DispenserError) -> None:
        log.warning("dispenser_fault", fault=error.fault.value, why=str(error))
        self._is_ready = False

    def _tell(self, status: StatusIn) -> None:
        now = self._monotonic()
        if self._told is None or self._told[0] != status or now - self._told[1] >= TOLD_EVERY_S:
            self._server.send_status(status)
            self._told = status, now


def _find_unfit(state: DispenserState) -> Fault | None:
    """Return why no card can be handed out now."""
    if state.position is not Position.NONE:
        return Fault.CARD_IN_GATE
    if state.stacker is Stacker.EMPTY:
        return Fault.NO_CARDS
    return Fault.BIN_FULL if state.is_bin_full else None
