"""Subsidies in bulk: one list, each person credited once, whatever happens on the way and however often it is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import audit
from accounts.ledger.chart import open_named
from accounts.ledger.posting import record
from accounts.ledger.tables import LedgerAccount
from accounts.ledger.transfer import AccountKind, PostingResult, Transfer
from accounts.payments import offline
from accounts.payments.services import MoneyServices
from accounts.people.authority import Acting, require_another
from web.problems import ProblemError

_NOBODY = UUID(int=0)

PIECE = 500
"""People credited in one transaction; a list that breaks off is sent again and goes on where it stopped."""


class RepeatedPersonError(ProblemError):
    """A person stands in the list twice."""

    code = "person_repeated"
    status = 422
    title = "A person stands in the list twice"


@dataclass(frozen=True, slots=True)
class Grant:
    """What one person gets, in fen."""

    person_id: UUID
    amount: int


@dataclass(frozen=True, slots=True)
class GrantResult:
    """What became of it: `reason` is the ledger's where it was refused."""

    person_id: UUID
    amount: int
    credited: bool
    reason: str | None = None


def require_payable(acting: Acting, grants: Sequence[Grant]) -> None:
    """Check that nobody stands in a list twice, and that whoever pays it does not stand in it.

    Raises:
        RepeatedPersonError, OwnAccountError: see there.
    """
    people = [grant.person_id for grant in grants]
    if len(set(people)) != len(people):
        raise RepeatedPersonError
    for person_id in people:
        require_another(acting, person_id)


def pay(
    services: MoneyServices, batch_id: UUID, fund: str, grants: Sequence[Grant], *, by: str, now: datetime
) -> list[GrantResult]:
    """Credit a list from the subsidy account `fund`; a person stands in it once. One result for each, in order."""
    results: list[GrantResult] = []
    for start in range(0, len(grants), PIECE):
        piece = grants[start : start + PIECE]
        results += _credit(services, batch_id, fund, piece, by=by, now=now)
    for one in results:
        if one.credited:
            offline.collect_unpaid(services, one.person_id, now)
    return results


def transfer_id(batch_id: UUID, person_id: UUID) -> UUID:
    """Return the id of a person's line in a batch; always the same, so it is credited once."""
    return uuid5(batch_id, str(person_id))


def _credit(
    services: MoneyServices, batch_id: UUID, fund: str, grants: Sequence[Grant], *, by: str, now: datetime
) -> list[GrantResult]:
    def work(session: Session, _now: datetime) -> list[PostingResult]:
        account = open_named(session, AccountKind.SUBSIDY, fund, now)
        wallets = set(
            session.scalars(
                select(LedgerAccount.id).where(
                    LedgerAccount.kind == AccountKind.WALLET, LedgerAccount.id.in_([one.person_id for one in grants])
                )
            )
        )
        transfers = [
            Transfer(
                transfer_id(batch_id, grant.person_id),
                "subsidy",
                account,
                # What is no wallet is refused as unknown: a subsidy goes to people.
                grant.person_id if grant.person_id in wallets else _NOBODY,
                grant.amount,
                details={"batch": str(batch_id)},
            )
            for grant in grants
        ]
        outcomes = record(session, transfers, now)
        fresh = [outcome for outcome in outcomes if outcome.entry is not None and not outcome.replayed]
        if fresh:
            details: dict[str, audit.Scalar | list[str]] = {
                "fund": fund,
                "people": len(fresh),
                "amount": sum(outcome.require().amount for outcome in fresh),
            }
            audit.record(session, actor=by, action="subsidy", subject=f"batch:{batch_id}", now=now, details=details)
        return outcomes

    outcomes = services.writer.run(work)
    return [
        GrantResult(
            grant.person_id,
            grant.amount,
            outcome.entry is not None,
            None if outcome.refusal is None else outcome.refusal.code.value,
        )
        for grant, outcome in zip(grants, outcomes, strict=True)
    ]
