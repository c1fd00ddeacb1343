"""The journal played again from its first line: what balances, holds, corrections and counters must be. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from accounts.ledger.transfer import CARRYING, MOVING, RESOLVING, AccountKind, Action, Entry

Value = int | str | None
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is stored and does not follow from the journal. Amounts are fen; None is nothing at all."""

    what: str
    id: str
    """Of the account, the transfer or the row that it is about."""
    expected: Value
    found: Value

    def __str__(self) -> str:
        """Say it in one line."""
        found, expected = ("nothing" if one is None else one for one in (self.found, self.expected))
        return f"{self.what} of {self.id}: {found} is stored, {expected} is right"


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold that is not resolved."""

    debit: UUID
    credit: UUID
    amount: int
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept beside the journal, and must follow from it: fen by id."""

    carried: Mapping[UUID, tuple[int, int]]
    """Balance and held of the accounts that carry them."""
    open_holds: Mapping[UUID, Hold]
    corrected: Mapping[UUID, int]
    counters: Mapping[tuple[UUID, str], int]
    """Counters of windows long past are cleared away; those that are there must be right."""
    kinds: Mapping[UUID, str] = field(default_factory=dict)
    """The kind of every account, where accounts are checked too."""
    originals: frozenset[UUID] | None = None
    """The transfers that were corrected; None: any may be."""
    counted_since: datetime | None = None
    """A counter that a line since then touched must be there."""


@dataclass(slots=True)
class _Original:
    debit: UUID
    amount: int
    windows: tuple[str, ...]


class Replay:
    """Takes the lines in the order of their serials, and remembers only what later lines can refer to."""

    def __init__(self, kept: Kept) -> None:
        """Take what the lines will be compared with."""
        self._kept = kept
        self._found: list[Difference] = []
        self._balances: defaultdict[UUID, int] = defaultdict(int)
        self._holds: dict[UUID, tuple[Hold, tuple[str, ...]]] = {}
        self._originals: dict[UUID, _Original] = {}
        self._corrected: defaultdict[UUID, int] = defaultdict(int)
        self._counters: defaultdict[tuple[UUID, str], int] = defaultdict(int)
        self._recent: set[tuple[UUID, str]] = set()

    def add(self, entry: Entry) -> None:
        """Follow one line."""
        if entry.action in MOVING:
            self._balances[entry.debit] -= entry.amount
            self._balances[entry.credit] += entry.amount
        self._compare_stated(entry)
        if entry.action in RESOLVING:
            self._resolve(entry)
        if entry.action is Action.HOLD:
            hold = Hold(entry.debit, entry.credit, entry.amount, entry.expires_at)
            self._holds[entry.id] = hold, entry.windows
        if entry.corrects is not None:
            self._correct(entry, entry.corrects)
        if entry.action in (Action.TRANSFER, Action.HOLD):
            self._count(entry.debit, entry.windows, entry.amount, entry.recorded_at)
        if entry.action in MOVING and (self._kept.originals is None or entry.id in self._kept.originals):
            self._originals[entry.id] = _Original(entry.debit, entry.amount, entry.windows)

    def differences(self) -> list[Difference]:
        """Compare what the journal says with what is kept, and return every difference, those of its lines first."""
        kept, found = self._kept, list(self._found)
        if rest := sum(self._balances.values()):
            found.append(Difference("sum of all balances", "the journal", 0, rest))
        held: defaultdict[UUID, int] = defaultdict(int)
        for hold, _windows in self._holds.values():
            held[hold.debit] += hold.amount
        for one, (balance, reserved) in kept.carried.items():
            if balance != self._balances[one]:
                found.append(Difference("balance", str(one), self._balances[one], balance))
            if reserved != held[one]:
                found.append(Difference("held amount", str(one), held[one], reserved))
            owes = kept.kinds.get(one, AccountKind.WALLET) == AccountKind.ROOM
            if held[one] < 0 or (held[one] > self._balances[one] and not owes):
                what = "least balance for what is held"
                found.append(Difference(what, str(one), held[one], self._balances[one]))
        found += self._compare_holds()
        found += _compare("corrected amount", kept.corrected, self._corrected, str)
        wanted = {key: self._counters[key] for key in self._recent.union(kept.counters)}
        return found + _compare("counter", kept.counters, wanted, lambda key: f"{key[0]} in {key[1]}")

    def _compare_stated(self, entry: Entry) -> None:
        for account, stated in ((entry.debit, entry.debit_balance), (entry.credit, entry.credit_balance)):
            if stated is not None and stated != self._balances[account]:
                what = f"balance of {account} after the transfer"
                self._found.append(Difference(what, str(entry.id), self._balances[account], stated))
            kind = self._kept.kinds.get(account)
            if self._kept.kinds and kind is None:
                self._found.append(Difference("account", str(account), f"that of transfer {entry.id}", None))
            elif kind is not None and (kind in CARRYING) != (stated is not None):
                right = "one that carries a balance" if stated is not None else "one that carries none"
                self._found.append(Difference("kind", str(account), right, kind))

    def _resolve(self, entry: Entry) -> None:
        hold, windows = self._holds.pop(entry.resolves, (None, ())) if entry.resolves else (None, ())
        if hold is None:
            self._found.append(Difference("open hold that is resolved", str(entry.id), str(entry.resolves), None))
            return
        if entry.amount > hold.amount:
            self._found.append(Difference("most to be taken of a hold", str(entry.id), hold.amount, entry.amount))
        used = entry.amount if entry.action is Action.POST else 0
        self._count(hold.debit, windows, used - hold.amount, entry.recorded_at)

    def _correct(self, entry: Entry, original_id: UUID) -> None:
        original = self._originals.get(original_id)
        self._corrected[original_id] += entry.amount
        if original is None or self._corrected[original_id] > original.amount:
            most = None if original is None else original.amount
            self._found.append(
                Difference("most to be taken back", str(original_id), most, self._corrected[original_id])
            )
            return
        self._count(original.debit, original.windows, -entry.amount, entry.recorded_at, least=0)

    def _count(
        self, account: UUID, windows: Iterable[str], amount: int, at: datetime, *, least: int | None = None
    ) -> None:
        since = self._kept.counted_since
        for window in windows:
            key = account, window
            recent = since is not None and at >= since
            if not recent and key not in self._kept.counters:
                continue
            total = self._counters[key] + amount
            self._counters[key] = total if least is None else max(least, total)
            if recent:
                self._recent.add(key)

    def _compare_holds(self) -> list[Difference]:
        played = {one: hold for one, (hold, _windows) in self._holds.items()}
        stored = self._kept.open_holds
        return [
            Difference("open hold", str(one), _in_words(played.get(one)), _in_words(stored.get(one)))
            for one in sorted({*played, *stored})
            if played.get(one) != stored.get(one)
        ]


def _in_words(hold: Hold | None) -> str | None:
    if hold is None:
        return None
    until = hold.expires_at.isoformat() if hold.expires_at is not None else "for ever"
    return f"{hold.amount} fen of {hold.debit} for {hold.credit} until {until}"


def _compare(
    what: str, stored: Mapping[_Key, int], right: Mapping[_Key, int], name: Callable[[_Key], str]
) -> list[Difference]:
    return [
        Difference(what, name(key), right.get(key), stored.get(key))
        for key in sorted({*stored, *right}, key=str)
        if stored.get(key, 0) != right.get(key, 0)
    ]
