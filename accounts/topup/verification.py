"""What orders, refunds, charges, cash and subsidies say, compared with the journal's lines, in both directions.

The journal says that money moved, these rows and the audit trail say why. A line without its reason, a reason without
its line, and two that speak of different amounts are differences. Read them in one snapshot with the journal.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from accounts.ledger.chart import named_account
from accounts.ledger.replay import Difference
from accounts.ledger.tables import JournalTransfer, LedgerAccount
from accounts.ledger.transfer import CARRYING, AccountKind, AccountState, Action
from accounts.payment_channels import channel_refunds
from accounts.payments.offline_states import OfflineState
from accounts.payments.tables import Charge, ChargeRefund, Merchant, OfflinePayment
from accounts.tables import AuditEntry, Person
from accounts.topup.orders import STRANDED
from accounts.topup.refunds import posting_id
from accounts.topup.tables import TopUpOrder, TopUpRefund
from accounts.vocabulary import PersonState
from database import table_of

_LINES = table_of(JournalTransfer)
_GIVEN_BACK = (*channel_refunds.OPEN, "paid")
_CREDITED = ("credited", "stranded", "returning", "returned")
_SETTLED = {"top_up", "top_up_refund", "charge", "refund"}
_BY_HAND = ("cash_in", "cash_out")


@dataclass(frozen=True, slots=True)
class _Moved:
    """What a line moves; `credit` None: whoever."""

    debit: UUID | None
    credit: UUID | None
    amount: int

    def __str__(self) -> str:
        return f"{self.amount} fen from {self.debit or 'anybody'} to {self.credit or 'anybody'}"


def check_reasons(session: Session) -> list[Difference]:
    """Return every difference between the journal and what was asked, paid in, refunded and granted."""
    lines = {row.id: row for row in session.execute(_lines_with_reasons())}
    return [
        *_orders(session, lines),
        *_charges(session, lines),
        *_offline(session),
        *_by_hand(session, lines),
        *_subsidies(session, lines.values()),
        *_wallets(session),
        *_other_accounts(session),
    ]


def _lines_with_reasons() -> Any:
    purposes = (*_SETTLED, *_BY_HAND, "subsidy")
    columns = (_LINES.c.id, _LINES.c.action, _LINES.c.purpose, _LINES.c.debit, _LINES.c.credit, _LINES.c.amount)
    return select(*columns, _LINES.c.details).where(_LINES.c.purpose.in_(purposes))


def _orders(session: Session, lines: Mapping[UUID, Row[Any]]) -> Iterator[Difference]:
    orders = {one.id: one for one in session.scalars(select(TopUpOrder))}
    given_back: defaultdict[UUID, int] = defaultdict(int)
    known = set(orders)
    for refund in session.scalars(select(TopUpRefund)):
        if refund.state in _GIVEN_BACK:
            given_back[refund.order_id] += refund.amount
        known |= {refund.id, posting_id(refund.id)}
        order = orders.get(refund.order_id)
        channel = None if order is None else named_account(AccountKind.CHANNEL, order.channel)
        right = _Moved(None, channel, refund.amount) if refund.state == "paid" else None
        yield from _same("top-up refund", posting_id(refund.id), right, lines)
    for order in orders.values():
        right = None
        if order.state in _CREDITED:
            right = _Moved(named_account(AccountKind.CHANNEL, order.channel), None, order.amount)
        yield from _same("top-up order", order.id, right, lines, to=(order.person_id, _suspense()))
        if order.refunding != given_back[order.id]:
            yield Difference(
                "amount given back of a top-up order", str(order.id), given_back[order.id], order.refunding
            )
    yield from _unexplained(session, lines, {"top_up", "top_up_refund"}, known)


def _suspense() -> UUID:
    return named_account(AccountKind.SUSPENSE, STRANDED)


def _charges(session: Session, lines: Mapping[UUID, Row[Any]]) -> Iterator[Difference]:
    charges = {one.id: one for one in session.scalars(select(Charge))}
    given_back: defaultdict[UUID, int] = defaultdict(int)
    known = set(charges)
    for refund in session.scalars(select(ChargeRefund)):
        known.add(refund.id)
        if refund.state in _GIVEN_BACK:
            given_back[refund.charge_id] += refund.amount
        charge = charges.get(refund.charge_id)
        merchant = None if charge is None else charge.merchant_id
        yield from _same(
            "charge refund", refund.id, _Moved(merchant, None, refund.amount) if refund.state == "paid" else None, lines
        )
    for charge in charges.values():
        channel = named_account(AccountKind.CHANNEL, charge.channel)
        right = _Moved(channel, charge.merchant_id, charge.amount) if charge.state == "paid" else None
        yield from _same("charge", charge.id, right, lines)
        if charge.refunding != given_back[charge.id]:
            yield Difference("amount given back of a charge", str(charge.id), given_back[charge.id], charge.refunding)
    yield from _unexplained(session, lines, {"charge", "refund"}, known)


def _same(
    what: str, line_id: UUID, right: _Moved | None, lines: Mapping[UUID, Row[Any]], *, to: tuple[UUID, ...] = ()
) -> Iterator[Difference]:
    line = lines.get(line_id)
    moved = line is not None and line.action in (Action.TRANSFER, Action.POST)
    found = _Moved(line.debit, line.credit, line.amount) if moved and line is not None else None
    if right is None and found is None:
        return
    if right is not None and found is not None and right.amount == found.amount:
        sides = (right.debit in (None, found.debit), right.credit in (None, found.credit))
        if all(sides) and (not to or found.credit in to):
            return
    yield Difference(f"{what} in the journal", str(line_id), _text_of(right), _text_of(found))


def _unexplained(
    session: Session, lines: Mapping[UUID, Row[Any]], purposes: set[str], known: set[UUID]
) -> Iterator[Difference]:
    """A channel's money that moved although nothing was ordered."""
    channels = set(session.scalars(select(LedgerAccount.id).where(LedgerAccount.kind == AccountKind.CHANNEL)))
    for line in lines.values():
        if line.purpose in purposes and line.id not in known and channels & {line.debit, line.credit}:
            found = _Moved(line.debit, line.credit, line.amount)
            yield Difference(f"{line.purpose} that nobody ordered", str(line.id), None, str(found))


def _offline(session: Session) -> Iterator[Difference]:
    query = (
        select(OfflinePayment, _LINES.c.debit, _LINES.c.credit, _LINES.c.amount)
        .outerjoin(_LINES, _LINES.c.id == OfflinePayment.id)
        .where(OfflinePayment.state == OfflineState.PAID)
    )
    for payment, debit, credit, amount in session.execute(query):
        found = None if amount is None else _Moved(debit, credit, amount)
        right = _Moved(payment.person_id, payment.merchant_id, payment.amount)
        if found != right:
            yield Difference("offline payment in the journal", str(payment.id), str(right), _text_of(found))


def _by_hand(session: Session, lines: Mapping[UUID, Row[Any]]) -> Iterator[Difference]:
    """Cash: the trail has a line for each, with the transfer's id and amount."""
    recorded: dict[UUID, int] = {}
    for entry in session.scalars(select(AuditEntry).where(AuditEntry.action.in_(_BY_HAND))):
        details = json.loads(entry.details)
        recorded[UUID(details["transfer"])] = int(details["amount"])
    cash = {line.id: line.amount for line in lines.values() if line.purpose in _BY_HAND}
    for one in sorted({*recorded, *cash}):
        if recorded.get(one) != cash.get(one):
            yield Difference("cash in the journal", str(one), recorded.get(one), cash.get(one))


def _subsidies(session: Session, lines: Iterable[Row[Any]]) -> Iterator[Difference]:
    """Each piece of a batch has a line in the trail, with how many people and how much."""
    recorded: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for entry in session.scalars(select(AuditEntry).where(AuditEntry.action == "subsidy")):
        details = json.loads(entry.details)
        recorded[entry.subject.removeprefix("batch:")][0] += int(details["people"])
        recorded[entry.subject.removeprefix("batch:")][1] += int(details["amount"])
    paid: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        batch = json.loads(line.details or "{}").get("batch") if line.purpose == "subsidy" else None
        if batch is not None:
            paid[batch][0] += 1
            paid[batch][1] += line.amount
    for batch in sorted({*recorded, *paid}):
        for what, right, found in zip(("people", "fen"), recorded[batch], paid[batch], strict=True):
            if right != found:
                yield Difference(f"{what} of a subsidy", f"batch {batch}", right, found)


def _wallets(session: Session) -> Iterator[Difference]:
    """A wallet's state follows from its person's."""
    query = select(LedgerAccount.id, LedgerAccount.kind, LedgerAccount.state, LedgerAccount.balance, Person.state)
    query = query.join(Person, Person.id == LedgerAccount.id)
    allowed = {
        PersonState.ACTIVE: (AccountState.ACTIVE,),
        PersonState.SUSPENDED: (AccountState.SUSPENDED,),
        PersonState.CLOSED: (AccountState.SUSPENDED, AccountState.CLOSED),
    }
    for account, kind, state, balance, person in session.execute(query):
        if kind != AccountKind.WALLET:
            yield Difference("kind", str(account), AccountKind.WALLET.value, kind)
        elif state not in allowed[person]:
            yield Difference("state of the wallet", str(account), allowed[person][0].value, state)
        elif state == AccountState.CLOSED and balance:
            yield Difference("balance of a closed wallet", str(account), 0, balance)
    without = select(Person.id).outerjoin(LedgerAccount, LedgerAccount.id == Person.id)
    for person_id in session.scalars(without.where(LedgerAccount.id.is_(None))):
        yield Difference("wallet", str(person_id), "one", None)


def _other_accounts(session: Session) -> Iterator[Difference]:
    """A campus account's id follows from its kind and name; a merchant's account has the merchant's id."""
    query = select(LedgerAccount.id, LedgerAccount.kind, LedgerAccount.name, Merchant.id)
    query = query.outerjoin(Merchant, Merchant.id == LedgerAccount.id).where(LedgerAccount.kind.not_in(CARRYING))
    for account, kind, name, merchant in session.execute(query):
        if kind == AccountKind.MERCHANT:
            if merchant is None:
                yield Difference("merchant of an account", str(account), "one", None)
        elif account != named_account(AccountKind(kind), name):
            yield Difference("kind and name", str(account), "those its id was made of", f"{kind} {name}")


def _text_of(value: object) -> str | None:
    return None if value is None else str(value)
