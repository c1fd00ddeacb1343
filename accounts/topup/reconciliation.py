"""Our books against a channel's daily bill: zero differences, or a list of them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.ledger.posting import find
from accounts.payment_channels.channel import BillKind, BillLine
from accounts.payments import charges
from accounts.payments.services import MoneyServices
from accounts.payments.tables import Charge, ChargeRefund
from accounts.topup import accepted_differences, channel_days, orders
from accounts.topup.refunds import posting_id
from accounts.topup.tables import TopUpOrder, TopUpRefund
from web.problems import ProblemError

log = structlog.get_logger()

_REVERSED_WITHIN = timedelta(minutes=10)
"""A charge that nobody paid is reversed after a minute, and again every five seconds until that is answered."""


class DifferenceKind(StrEnum):
    """How the two sides differ."""

    NOT_IN_OUR_BOOKS = "not_in_our_books"
    NOT_IN_THE_BILL = "not_in_the_bill"
    AMOUNT = "amount"
    BILLED_TWICE = "billed_twice"


@dataclass(frozen=True, slots=True)
class Booked:
    """What our books say of one id: fen, in or out."""

    id: UUID
    kind: BillKind
    amount: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One id on which the sides differ; None where a side knows nothing of it."""

    kind: DifferenceKind
    id: UUID
    ours: int | None
    theirs: int | None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A day of one channel: sums in fen, payments less refunds; `accepted` are differences that somebody settled."""

    channel: str
    day: date
    lines: int
    ours: int
    theirs: int
    differences: tuple[Difference, ...]
    accepted: tuple[Difference, ...] = ()


def compare(ours: Iterable[Booked], bill: Iterable[BillLine], beside: Iterable[BillLine] = ()) -> list[Difference]:
    """Return every id on which the books and the bill differ, in the order of the ids. Pure.

    A payment that the books never had, and that the bill itself gives back, is no difference: its payer paid in the
    moment that the charge was reversed. Around midnight one of the two stands in the bill of another day.

    Args:
        ours: what our books say of the day.
        bill: the lines of the day.
        beside: the lines of the days before and after that our books do not have.
    """
    bill = list(bill)
    booked = {(one.id, one.kind): one.amount for one in ours}
    found: list[Difference] = []
    seen: set[tuple[UUID, BillKind]] = set()
    for line in bill:
        key = line.id, line.kind
        mine = booked.get(key)
        if key in seen:
            found.append(Difference(DifferenceKind.BILLED_TWICE, line.id, mine, line.amount))
        elif mine is None:
            found.append(Difference(DifferenceKind.NOT_IN_OUR_BOOKS, line.id, None, line.amount))
        elif mine != line.amount:
            found.append(Difference(DifferenceKind.AMOUNT, line.id, mine, line.amount))
        seen.add(key)
    undone = _find_undone([*(line for line in bill if (line.id, line.kind) not in booked), *beside])
    found = [one for one in found if one.kind is not DifferenceKind.NOT_IN_OUR_BOOKS or one.id not in undone]
    found += [
        Difference(DifferenceKind.NOT_IN_THE_BILL, one, amount, None)
        for (one, kind), amount in booked.items()
        if (one, kind) not in seen
    ]
    return sorted(found, key=lambda difference: (difference.id, difference.kind))


def _find_undone(strangers: Iterable[BillLine]) -> set[UUID]:
    """Return the ids of payments that the same lines give back whole, and of those refunds."""
    balances: Counter[UUID] = Counter()
    ids: defaultdict[UUID, list[BillLine]] = defaultdict(list)
    for line in strangers:
        order_id = line.order_id or line.id
        balances[order_id] += _signed(line.kind, line.amount)
        ids[order_id].append(line)
    whole = [
        lines
        for order_id, lines in ids.items()
        if balances[order_id] == 0 and {line.kind for line in lines} == set(BillKind)
    ]
    return {line.id for lines in whole for line in lines}


def reconcile(services: MoneyServices, channel_name: str, day: date, now: datetime) -> Reconciliation:
    """Fetch the bill of `day`, ask again for what only the channel knows to be paid, and compare.

    Raises:
        ChannelNotConnectedError: there is no such channel.
        ChannelFailedError: the channel gives no bill.
    """
    return judge(services, channel_name, day, services.channel(channel_name).bill(day), now)


def judge(
    services: MoneyServices, channel_name: str, day: date, bill: Sequence[BillLine], now: datetime
) -> Reconciliation:
    """Ask again for what only the bill of `day` knows to be paid, compare, and note how the day stands.

    Raises:
        ChannelNotConnectedError: there is no such channel.
    """
    for one in compare(_book(services, channel_name, day), bill):
        if one.kind is DifferenceKind.NOT_IN_OUR_BOOKS:
            _ask_again(services, one.id, now)
    today = now.astimezone(services.accounts.zone).date()
    booked = _book(services, channel_name, day)
    differences = compare(booked, bill)
    unknown = {one.id for one in differences if one.kind is DifferenceKind.NOT_IN_OUR_BOOKS}
    if kinds := {line.kind for line in bill if line.id in unknown}:
        differences = compare(booked, bill, _look_beside(services, channel_name, day, kinds, today))
    differences, accepted = _split(services, channel_name, day, differences)
    if day < today:
        waiting = _count_waiting(services, day, bill, differences) if day + timedelta(days=1) >= today else 0
        with services.database.begin() as session:
            channel_days.record(session, channel_name, day, differences=len(differences), waiting=waiting, now=now)
    return Reconciliation(
        channel=channel_name,
        day=day,
        lines=len(bill),
        ours=sum(_signed(one.kind, one.amount) for one in booked),
        theirs=sum(_signed(line.kind, line.amount) for line in bill),
        differences=tuple(differences),
        accepted=tuple(accepted),
    )


def _split(
    services: MoneyServices, channel: str, day: date, differences: Iterable[Difference]
) -> tuple[list[Difference], list[Difference]]:
    """Return the differences that are open, and those that somebody accepted."""
    with services.database.read() as session:
        known = {one.id for one in accepted_differences.find(session, channel, day)}
    parts: tuple[list[Difference], list[Difference]] = [], []
    for one in differences:
        settled = accepted_differences.id_of(channel, day, one.kind, one.id, ours=one.ours, theirs=one.theirs) in known
        parts[settled].append(one)
    return parts


def _signed(kind: BillKind, amount: int) -> int:
    return amount if kind is BillKind.PAYMENT else -amount


def _book(services: MoneyServices, channel: str, day: date) -> list[Booked]:
    zone = services.accounts.zone
    begins = datetime.combine(day, time(), zone)
    ends = datetime.combine(day + timedelta(days=1), time(), zone)
    with services.database.read() as session:
        return _booked(session, channel, begins, ends)


def _look_beside(
    services: MoneyServices, channel: str, day: date, kinds: Collection[BillKind], today: date
) -> list[BillLine]:
    """Return what our books do not have of the day after, where refunds of payments stand, and of the day before."""
    days = [day + timedelta(days=1)] if BillKind.PAYMENT in kinds else []
    days += [day - timedelta(days=1)] if BillKind.REFUND in kinds else []
    found: list[BillLine] = []
    for one in days:
        if one >= today:
            continue
        try:
            bill = services.channel(channel).bill(one)
        except ProblemError as error:
            # Without it a line stays a difference, and is looked at again.
            log.info("bill_beside_missing", channel=channel, day=str(one), code=error.code)
            continue
        booked = {(known.id, known.kind) for known in _book(services, channel, one)}
        found += [line for line in bill if (line.id, line.kind) not in booked]
    return found


def _count_waiting(
    services: MoneyServices, day: date, bill: Iterable[BillLine], differences: Iterable[Difference]
) -> int:
    """Count the payments of the day's last minutes that the bill of the next day may give back."""
    ends = datetime.combine(day + timedelta(days=1), time(), services.accounts.zone)
    late = {line.id for line in bill if line.kind is BillKind.PAYMENT and line.at >= ends - _REVERSED_WITHIN}
    return sum(one.kind is DifferenceKind.NOT_IN_OUR_BOOKS and one.id in late for one in differences)


def _booked(session: Session, channel: str, begins: datetime, ends: datetime) -> list[Booked]:
    """What was paid and given back within a day, as far as the ledger's journal agrees."""
    payments = session.execute(
        select(TopUpOrder.id).where(
            TopUpOrder.channel == channel, TopUpOrder.paid_at >= begins, TopUpOrder.paid_at < ends
        )
    ).all()
    taken = session.execute(
        select(Charge.id).where(
            Charge.channel == channel, Charge.state == "paid", Charge.settled_at >= begins, Charge.settled_at < ends
        )
    ).all()
    refunds = session.execute(
        select(TopUpRefund.id)
        .join(TopUpOrder, TopUpOrder.id == TopUpRefund.order_id)
        .where(TopUpOrder.channel == channel, TopUpRefund.paid_at >= begins, TopUpRefund.paid_at < ends)
    ).all()
    given_back = session.execute(
        select(ChargeRefund.id)
        .join(Charge, Charge.id == ChargeRefund.charge_id)
        .where(
            Charge.channel == channel,
            ChargeRefund.state == "paid",
            ChargeRefund.settled_at >= begins,
            ChargeRefund.settled_at < ends,
        )
    ).all()
    wanted = [(row.id, row.id, BillKind.PAYMENT) for row in (*payments, *taken)]
    wanted += [(row.id, posting_id(row.id), BillKind.REFUND) for row in refunds]
    wanted += [(row.id, row.id, BillKind.REFUND) for row in given_back]
    lines = [(one, kind, find(session, line)) for one, line, kind in wanted]
    return [Booked(one, kind, entry.amount) for one, kind, entry in lines if entry is not None]


def _ask_again(services: MoneyServices, order_id: UUID, now: datetime) -> None:
    with services.database.read() as session:
        top_up, charge = session.get(TopUpOrder, order_id), session.get(Charge, order_id)
    owner = top_up or charge
    if owner is None:
        return
    try:
        word = services.channel(owner.channel).query(order_id)
        if top_up is not None:
            orders.settle(services, word, now)
        else:
            charges.settle(services, word, now)
    except ProblemError as error:
        # What cannot be settled stays in the list of differences.
        log.warning("difference_not_settled", order=str(order_id), code=error.code)
