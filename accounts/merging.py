"""Merging two accounts of one person: one stays, what belongs to the other moves to it, and the other is closed.

The closed account stays for its history and says where it went. Its number, groups and passwords are not taken over.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy.orm import Session

from accounts import audit, cards, people
from accounts.cards import loss
from accounts.cards.card_states import CardAction
from accounts.ledger import chart, posting
from accounts.ledger.transfer import Transfer
from accounts.people import authority, changes
from accounts.people.authority import Acting
from accounts.people.merge_parts import Foreseen, MergeMove, MergeObstacle, MergePart
from accounts.people.notices import AccountNotice, Notify
from accounts.tables import Card, Person
from accounts.vocabulary import CardKind, PersonState, Role
from web.problems import ProblemError

PURPOSE = "merge"
"""Of the transfer that moves what was in the wallet."""


class MergeRefusedError(ProblemError):
    """Something stands in the way; `obstacles` says what."""

    code = "merge_refused"
    status = 409
    title = "These two accounts cannot be merged now"


def foresee(session: Session, keep_id: UUID, gone_id: UUID, parts: Sequence[MergePart], *, now: datetime) -> Foreseen:
    """Say what a merge would move, and what stands in its way; changes nothing.

    Raises:
        NotFoundError: there is no such person.
    """
    return _foresee(session, people.get(session, keep_id), people.get(session, gone_id), parts, now)


def merge(
    session: Session,
    acting: Acting,
    keep_id: UUID,
    gone_id: UUID,
    parts: Sequence[MergePart],
    *,
    notify: Notify,
    now: datetime,
) -> Foreseen:
    """Merge the account `gone_id` into `keep_id`, and return what was moved. Sign-ins of both end; they are told.

    Raises:
        NotFoundError: there is no such person.
        authority.OwnAccountError, authority.AdminRequiredError: whoever acts may not.
        MergeRefusedError: something stands in the way.
    """
    by = audit.person_actor(acting.person_id)
    locked = {one: people.get(session, one, lock=True) for one in sorted({keep_id, gone_id})}
    keep, gone = locked[keep_id], locked[gone_id]
    for person in (keep, gone):
        authority.require(session, acting, person.id)
    foreseen = _foresee(session, keep, gone, parts, now)
    if foreseen.obstacles:
        raise MergeRefusedError(obstacles=sorted(one.value for one in foreseen.obstacles))
    _move_cards(session, keep, gone, by, now)
    _move_money(session, keep, gone, now)
    for part in parts:
        part.move(session, keep, gone, by=by, now=now)
    gone.merged_into = keep.id
    people.set_state(session, gone, PersonState.CLOSED, by=by, now=now, reason="merged")
    changes.record(session, keep.id)
    details: dict[str, audit.Scalar | list[str]] = {"merged": str(gone.id)}
    audit.record(session, actor=by, action="person.merge", subject=f"person:{keep.id}", now=now, details=details)
    notify(session, keep.id, AccountNotice.ACCOUNTS_MERGED, now=now)
    return foreseen


def _foresee(session: Session, keep: Person, gone: Person, parts: Sequence[MergePart], now: datetime) -> Foreseen:
    if keep.id == gone.id:
        return Foreseen(frozenset({MergeObstacle.SAME_ACCOUNT}))
    found = [_of_accounts(session, keep, gone), *(part.foresee(session, keep, gone, now=now) for part in parts)]
    moves = {move: number for one in found for move, number in one.moves.items() if number}
    return Foreseen(frozenset().union(*(one.obstacles for one in found)), moves)


def _of_accounts(session: Session, keep: Person, gone: Person) -> Foreseen:
    obstacles = set()
    states = {keep.state, gone.state}
    if PersonState.CLOSED in states:
        obstacles.add(MergeObstacle.CLOSED)
    if PersonState.SUSPENDED in states:
        obstacles.add(MergeObstacle.SUSPENDED)
    if gone.roles != {Role.HOLDER}:
        obstacles.add(MergeObstacle.HAS_ROLES)
    if any(loss.open_loss(session, one.id) is not None for one in (keep, gone)):
        obstacles.add(MergeObstacle.LOSS_OPEN)
    wallet = chart.account(session, gone.id)
    if wallet.held:
        obstacles.add(MergeObstacle.MONEY_HELD)
    moving, ending = _sort_cards(session, keep, gone)
    return Foreseen(
        frozenset(obstacles),
        {
            MergeMove.MONEY: wallet.balance,
            MergeMove.CARDS_MOVED: len(moving),
            MergeMove.CARDS_ENDED: len(ending),
        },
    )


def _sort_cards(session: Session, keep: Person, gone: Person, *, lock: bool = False) -> tuple[list[Card], list[Card]]:
    """Return the cards that move, and those for which the account that stays has one already."""
    there = {_place(card) for card in cards.of_person(session, keep.id, lock=lock)}
    live = cards.of_person(session, gone.id, lock=lock)
    return [card for card in live if _place(card) not in there], [card for card in live if _place(card) in there]


def _place(card: Card) -> tuple[CardKind, str | None]:
    """Return what a person has one card of: plastic, and one at each channel."""
    return card.kind, card.channel.value if card.channel is not None else None


def _move_cards(session: Session, keep: Person, gone: Person, by: str, now: datetime) -> None:
    moving, ending = _sort_cards(session, keep, gone, lock=True)
    for card in moving:
        card.person_id = keep.id
        session.flush()
        cards.note(session, card, "merge", by=by, now=now)
    for card in ending:
        cards.apply(session, card, CardAction.RETURN, by=by, now=now, note_text="merge")


def _move_money(session: Session, keep: Person, gone: Person, now: datetime) -> None:
    balance = chart.account(session, gone.id).balance
    if not balance:
        return
    transfer = Transfer(
        # An account is merged once: the id follows from it.
        id=uuid5(NAMESPACE_OID, f"merge:{gone.id}"),
        purpose=PURPOSE,
        debit=gone.id,
        credit=keep.id,
        amount=balance,
    )
    (outcome,) = posting.record(session, [transfer], now)
    if outcome.refusal is not None:
        raise MergeRefusedError(outcome.refusal.message, obstacles=[MergeObstacle.MONEY_HELD.value])
