"""Money that leaves the campus is compared with the journal once more: a balance may have been changed by hand."""

from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.ledger.chart import summed_balance
from accounts.ledger.tables import LedgerAccount
from web.problems import ProblemError

log = structlog.get_logger()


class BalanceDiffersError(ProblemError):
    """The wallet's balance is not what the journal adds up to; nothing is paid out until somebody has looked."""

    code = "balance_differs"
    status = 409
    title = "The balance does not follow from the journal: nothing can be paid out"


def require_right_balance(session: Session, wallet: UUID) -> None:
    """Check a wallet in the transaction that has just taken money from it, and so holds its lock.

    Raises:
        BalanceDiffersError: see there; the caller's transaction must be rolled back.
    """
    stored = session.scalar(select(LedgerAccount.balance).where(LedgerAccount.id == wallet))
    right = summed_balance(session, wallet)
    if stored is not None and stored != right:
        log.critical("balance_differs", account=str(wallet), expected=right, found=stored)
        raise BalanceDiffersError("run `campusgate audit verify`")
