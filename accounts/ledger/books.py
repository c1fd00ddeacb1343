"""The invariants of the books, checked against the journal alone: what an auditor would add up by hand."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.ledger.posting import entry_of
from accounts.ledger.statements import LINE_COLUMNS
from accounts.ledger.tables import Corrected, JournalTransfer, LedgerAccount, OpenHold, SpendingCounter, table_of
from accounts.ledger.transfer import MOVING, RESOLVING, AccountKind, Action, Entry

_LINES = table_of(JournalTransfer)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept beside the journal, and must follow from it: fen by id."""

    wallets: Mapping[UUID, tuple[int, int]]
    """Balance and held."""
    open_holds: Mapping[UUID, int]
    corrected: Mapping[UUID, int]
    counters: Mapping[tuple[UUID, str], int]
    """Counters of windows long past are cleared away; those that are there must be right."""


def check_books(session: Session) -> list[str]:
    """Replay the whole journal and return every way in which the books differ from it; empty when they are right.

    It reads the journal for a while: run it on a snapshot (a backup, or REPEATABLE READ) where transfers go on.
    """
    query = select(_LINES.c.serial, *LINE_COLUMNS).order_by(_LINES.c.serial)
    return faults((entry_of(row) for row in session.execute(query)), _kept(session))


def faults(journal: Iterable[Entry], kept: Kept) -> list[str]:
    """Return every way in which `kept` differs from what the journal's lines add up to. Pure."""
    replay = _Replay()
    for entry in journal:
        replay.take(entry)
    replay.compare(kept)
    return replay.faults


def _kept(session: Session) -> Kept:
    accounts = session.execute(select(table_of(LedgerAccount)).where(LedgerAccount.kind == AccountKind.WALLET))
    counters = session.execute(select(table_of(SpendingCounter)))
    return Kept(
        wallets={row.id: (row.balance, row.held) for row in accounts},
        open_holds={row.id: row.amount for row in session.execute(select(table_of(OpenHold)))},
        corrected={row.id: row.amount for row in session.execute(select(table_of(Corrected))) if row.amount},
        counters={(row.account, row.window): row.spent for row in counters},
    )


class _Replay:
    def __init__(self) -> None:
        self.faults: list[str] = []
        self.lines: dict[UUID, Entry] = {}
        self.balances: defaultdict[UUID, int] = defaultdict(int)
        self.open_holds: dict[UUID, Entry] = {}
        self.corrected: defaultdict[UUID, int] = defaultdict(int)
        self.counters: defaultdict[tuple[UUID, str], int] = defaultdict(int)

    def take(self, entry: Entry) -> None:
        self.lines[entry.id] = entry
        if entry.action in MOVING:
            self._move(entry)
        if entry.action in RESOLVING:
            self._resolve(entry)
        if entry.action is Action.HOLD:
            self.open_holds[entry.id] = entry
        if entry.corrects is not None:
            self._correct(entry, entry.corrects)
        if entry.action in (Action.TRANSFER, Action.HOLD):
            for window in entry.windows:
                self.counters[entry.debit, window] += entry.amount

    def _move(self, entry: Entry) -> None:
        self.balances[entry.debit] -= entry.amount
        self.balances[entry.credit] += entry.amount
        for account, stated in ((entry.debit, entry.debit_balance), (entry.credit, entry.credit_balance)):
            if stated is not None and stated != self.balances[account]:
                self.faults.append(f"{entry.id} states {stated} fen for {account}, {self.balances[account]} are right")

    def _resolve(self, entry: Entry) -> None:
        hold = None if entry.resolves is None else self.open_holds.pop(entry.resolves, None)
        if hold is None:
            self.faults.append(f"{entry.id} resolves {entry.resolves}, which is no open hold")
            return
        if entry.amount > hold.amount:
            self.faults.append(f"{entry.id} takes {entry.amount} fen of a hold of {hold.amount}")
        used = entry.amount if entry.action is Action.POST else 0
        for window in hold.windows:
            self.counters[hold.debit, window] += used - hold.amount

    def _correct(self, entry: Entry, original_id: UUID) -> None:
        original = self.lines.get(original_id)
        self.corrected[original_id] += entry.amount
        if original is None or self.corrected[original_id] > original.amount:
            self.faults.append(f"{entry.id} takes back more than {original_id} moved")
            return
        for window in original.windows:
            key = original.debit, window
            self.counters[key] = max(0, self.counters[key] - entry.amount)

    def compare(self, kept: Kept) -> None:
        """Compare what the journal says with what is kept."""
        if sum(self.balances.values()) != 0:
            self.faults.append("the balances do not add up to nothing")
        held: defaultdict[UUID, int] = defaultdict(int)
        for hold in self.open_holds.values():
            held[hold.debit] += hold.amount
        for wallet, (balance, reserved) in kept.wallets.items():
            if balance != self.balances[wallet]:
                self.faults.append(f"wallet {wallet} has {balance} fen, the journal says {self.balances[wallet]}")
            if reserved != held[wallet]:
                self.faults.append(f"wallet {wallet} holds {reserved} fen, its open holds are {held[wallet]}")
            if not 0 <= reserved <= balance:
                self.faults.append(f"wallet {wallet} is overdrawn: {balance} fen, {reserved} held")
        self._same("open holds", kept.open_holds, {key: hold.amount for key, hold in self.open_holds.items()})
        self._same("corrected amounts", kept.corrected, dict(self.corrected))
        self._same("counters", kept.counters, {key: self.counters[key] for key in kept.counters})

    def _same(self, what: str, stored: object, replayed: object) -> None:
        if stored != replayed:
            self.faults.append(f"{what} differ from the journal: {stored} instead of {replayed}")
