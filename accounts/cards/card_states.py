"""The life of a card as a pure state machine. `docs/accounts.md` shows it as a table."""

from enum import StrEnum

from accounts.vocabulary import CardState
from web.problems import ProblemError


class CardAction(StrEnum):
    """What can happen to a card after its issue."""

    SUSPEND = "suspend"
    REPORT_LOST = "report_lost"
    RELEASE = "release"
    REPLACE = "replace"
    RETURN = "return"


class CardTransitionError(ProblemError):
    """The card's state does not allow this."""

    code = "card_state_conflict"
    status = 409
    title = "The card's state does not allow this"


ENDED = (CardState.REPLACED, CardState.RETURNED)
"""Nothing leads out of these."""

TRANSITIONS: dict[tuple[CardState, CardAction], CardState] = {
    (CardState.ACTIVE, CardAction.SUSPEND): CardState.SUSPENDED,
    (CardState.ACTIVE, CardAction.REPORT_LOST): CardState.LOST,
    (CardState.SUSPENDED, CardAction.REPORT_LOST): CardState.LOST,
    (CardState.SUSPENDED, CardAction.RELEASE): CardState.ACTIVE,
    (CardState.LOST, CardAction.RELEASE): CardState.ACTIVE,
    (CardState.ACTIVE, CardAction.RETURN): CardState.RETURNED,
    (CardState.SUSPENDED, CardAction.RETURN): CardState.RETURNED,
    (CardState.LOST, CardAction.REPLACE): CardState.REPLACED,
}
"""A lost card is found or replaced, never returned: that would be a way around the wait and the fee."""


def after(state: CardState, action: CardAction) -> CardState:
    """Return the state that `action` leads to.

    Raises:
        CardTransitionError: the state does not allow the action; `state` and `action` are members of the problem.
    """
    try:
        return TRANSITIONS[state, action]
    except KeyError:
        raise CardTransitionError(
            f"a card that is {state} cannot take the step {action}", state=state.value, action=action.value
        ) from None
