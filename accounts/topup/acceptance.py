"""Accepting a difference of a bill by hand, with a note that says why: its day is settled then, and the alarm ends.

No money moves. Who accepts stands in the audit trail, and nobody accepts a difference of their own top-up.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from accounts import audit
from accounts.payments.services import MoneyServices
from accounts.people.authority import Acting, require_another
from accounts.topup import accepted_differences, reconciliation
from accounts.topup.reconciliation import Difference, DifferenceKind
from accounts.topup.tables import AcceptedDifference, TopUpOrder, TopUpRefund
from web.problems import NotFoundError

AUDIT = "channel.difference_accepted"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One difference of a channel's day, as whoever accepts it saw it, and why it is accepted."""

    channel: str
    day: date
    difference: Difference
    note: str

    @property
    def id(self) -> UUID:
        """The same for the same difference."""
        one = self.difference
        return accepted_differences.id_of(self.channel, self.day, one.kind, one.id, ours=one.ours, theirs=one.theirs)


def accept(services: MoneyServices, wanted: Acceptance, me: Acting, *, by: str, now: datetime) -> None:
    """Accept a difference that stands; accepting it again changes nothing.

    Raises:
        ChannelNotConnectedError, ChannelFailedError: as `reconciliation.reconcile`.
        NotFoundError: it does not stand any more, or is another by now.
        OwnAccountError: it is about the top-up of whoever accepts it.
    """
    bill = services.channel(wanted.channel).bill(wanted.day)
    found = reconciliation.judge(services, wanted.channel, wanted.day, bill, now)
    if wanted.difference in found.accepted:
        return
    if wanted.difference not in found.differences:
        raise NotFoundError("this difference does not stand any more: compare the day again")
    one = wanted.difference
    with services.database.begin() as session:
        refund = session.get(TopUpRefund, one.id)
        order = session.get(TopUpOrder, one.id if refund is None else refund.order_id)
        require_another(me, None if order is None else order.person_id)
        if session.get(AcceptedDifference, wanted.id, with_for_update=True) is None:
            session.add(
                AcceptedDifference(
                    id=wanted.id,
                    channel=wanted.channel,
                    day=wanted.day,
                    kind=DifferenceKind(one.kind).value,
                    about=one.id,
                    ours=one.ours,
                    theirs=one.theirs,
                    note=wanted.note,
                    accepted_by=by,
                    accepted_at=now,
                )
            )
            details: dict[str, audit.Scalar | list[str]] = {
                "channel": wanted.channel,
                "day": str(wanted.day),
                "kind": one.kind.value,
                "about": str(one.id),
                "ours": one.ours,
                "theirs": one.theirs,
                "note": wanted.note,
            }
            audit.record(session, actor=by, action=AUDIT, subject=f"channel:{wanted.channel}", now=now, details=details)
    # Once more: what is left of the day is written down, and ends the alarm where nothing is.
    reconciliation.judge(services, wanted.channel, wanted.day, bill, now)
