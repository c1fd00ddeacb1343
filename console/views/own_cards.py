"""A person's own cards as their pages show them: what each may do now, and what follows from a reported loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from accounts import cards
from accounts.cards import loss
from accounts.cards.loss import Loss
from accounts.tables import Card
from accounts.vocabulary import CardKind, CardState


@dataclass(frozen=True, slots=True)
class OwnCards:
    """The cards in use, and the loss that is reported."""

    physical: Card | None
    virtual: Sequence[Card]
    loss: Loss | None

    @property
    def usable_virtual(self) -> Card | None:
        """A virtual card that makes codes now."""
        return next((card for card in self.virtual if card.state is CardState.ACTIVE), None)

    def is_reissue_possible(self, now: datetime) -> bool:
        """Whether a new card is issued for the lost one already."""
        return self.loss is not None and self.loss.reissue_possible_at <= now


def find_own_cards(session: Session, person_id: UUID) -> OwnCards:
    """Return what a person's pages show of their cards."""
    found = cards.of_person(session, person_id)
    report = loss.open_loss(session, person_id)
    return OwnCards(
        physical=next((card for card in found if card.kind is CardKind.PHYSICAL), None),
        virtual=[card for card in found if card.kind is CardKind.VIRTUAL],
        loss=None if report is None else loss.describe(report),
    )
