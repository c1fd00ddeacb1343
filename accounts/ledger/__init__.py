"""The double-entry ledger: integer fen, append-only transfers, holds that resolve once, a sealed journal."""

from accounts.ledger.chart import (
    Account,
    AccountError,
    account,
    find_account,
    named_account,
    open_account,
    open_named,
    set_state,
)
from accounts.ledger.posting import TransferRaceError, find, record
from accounts.ledger.transfer import (
    AccountKind,
    AccountState,
    Action,
    Cap,
    Entry,
    PostingResult,
    Refusal,
    RefusalCode,
    Transfer,
    TransferRefusedError,
)
from accounts.ledger.writer import LedgerWriter, WriterClosedError

__all__ = [
    "Account",
    "AccountError",
    "AccountKind",
    "AccountState",
    "Action",
    "Cap",
    "Entry",
    "LedgerWriter",
    "PostingResult",
    "Refusal",
    "RefusalCode",
    "Transfer",
    "TransferRaceError",
    "TransferRefusedError",
    "WriterClosedError",
    "account",
    "find",
    "find_account",
    "named_account",
    "open_account",
    "open_named",
    "record",
    "set_state",
]
