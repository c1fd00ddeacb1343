"""The statements that record transfers, built once for each database: to build one anew costs as much as to run it.

A batch is one statement on PostgreSQL, whatever its size: rows go over as one JSON text and ids as one array, so that
the statement stays the same, is prepared once, and takes one round trip.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Executable, Uuid, any_, bindparam, delete, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from accounts.ledger.tables import Corrected, JournalTransfer, LedgerAccount, OpenHold, SpendingCounter, table_of
from accounts.ledger.transfer import AccountKind

_ACCOUNTS = table_of(LedgerAccount)
_LINES = table_of(JournalTransfer)
_HOLDS = table_of(OpenHold)
_CORRECTED = table_of(Corrected)
_COUNTERS = table_of(SpendingCounter)

LINE_COLUMNS = tuple(column for column in _LINES.columns if column.name != "serial")

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Statements:
    """What `posting` runs. Those that take `ids` take a list of them; `rows` packs rows for the two bulk ones."""

    lines_by_id: Executable
    lock_wallets: Executable
    other_accounts: Executable
    open_holds: Executable
    end_holds: Executable
    new_holds: Executable
    new_lines: Executable
    change_wallets: Executable
    new_corrected: Executable
    lock_corrected: Executable
    change_corrected: Executable
    read_counters: Executable
    set_counters: Executable
    rows: Callable[[Rows], Any]
    take_a_number: Executable | None
    """Gives the transaction its number before it takes a serial: the sealer waits for transactions by number."""


def _statements(
    among: Callable[[ColumnElement[UUID]], ColumnElement[bool]],
    upsert: Any,
    *,
    new_lines: Executable,
    change_wallets: Executable,
    rows: Callable[[Rows], Any],
    take_a_number: Executable | None,
) -> Statements:
    columns = (_ACCOUNTS.c.id, _ACCOUNTS.c.kind, _ACCOUNTS.c.state, _ACCOUNTS.c.balance, _ACCOUNTS.c.held)
    accounts = select(*columns).where(among(_ACCOUNTS.c.id))
    counters = upsert(_COUNTERS)
    taken = {"spent": counters.excluded.spent, "touched_at": counters.excluded.touched_at}
    return Statements(
        lines_by_id=select(*LINE_COLUMNS).where(among(_LINES.c.id)),
        lock_wallets=accounts.where(_ACCOUNTS.c.kind == AccountKind.WALLET.value)
        .order_by(_ACCOUNTS.c.id)
        .with_for_update(),
        other_accounts=accounts.where(_ACCOUNTS.c.kind != AccountKind.WALLET.value),
        open_holds=select(_HOLDS.c.id).where(among(_HOLDS.c.id)).with_for_update(),
        end_holds=delete(_HOLDS).where(among(_HOLDS.c.id)),
        new_holds=insert(_HOLDS),
        new_lines=new_lines,
        change_wallets=change_wallets,
        new_corrected=upsert(_CORRECTED).on_conflict_do_nothing(),
        lock_corrected=select(_CORRECTED).where(among(_CORRECTED.c.id)).order_by(_CORRECTED.c.id).with_for_update(),
        change_corrected=update(_CORRECTED)
        .where(_CORRECTED.c.id == bindparam("old"))
        .values(amount=bindparam("new_amount")),
        read_counters=select(_COUNTERS.c.account, _COUNTERS.c.window, _COUNTERS.c.spent).where(
            among(_COUNTERS.c.account), _COUNTERS.c.window.in_(bindparam("windows", expanding=True))
        ),
        set_counters=counters.on_conflict_do_update(index_elements=["account", "window"], set_=taken),
        rows=rows,
        take_a_number=take_a_number,
    )


def _plain(value: Any) -> Any:
    match value:
        case bytes():
            return value.hex()
        case datetime():
            return value.isoformat()
        case UUID():
            return str(value)
    return value


def _as_json(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    plain = [{name: _plain(value) for name, value in row.items()} for row in rows]
    return {"rows": json.dumps(plain, separators=(",", ":"), ensure_ascii=False)}


def _line_type(name: str) -> str:
    """The type of a journal's column within a JSON row."""
    if name in ("id", "debit", "credit", "resolves", "corrects"):
        return "uuid"
    if name in ("amount", "debit_balance", "credit_balance"):
        return "bigint"
    return "timestamptz" if name.endswith("_at") else "text"


def _new_lines_from_json() -> Executable:
    names = [column.name for column in LINE_COLUMNS]
    values = ", ".join("decode(r.digest, 'hex')" if name == "digest" else f"r.{name}" for name in names)
    types = ", ".join(f"{name} {_line_type(name)}" for name in names)
    return text(
        f"INSERT INTO {_LINES.name} ({', '.join(names)}) "  # noqa: S608 - names of our own columns
        f"SELECT {values} FROM json_to_recordset(CAST(:rows AS json)) AS r({types})"
    )


SQLITE = _statements(
    lambda column: column.in_(bindparam("ids", expanding=True)),
    sqlite.insert,
    new_lines=insert(_LINES).inline(),
    change_wallets=update(_ACCOUNTS)
    .where(_ACCOUNTS.c.id == bindparam("wallet"))
    .values(balance=bindparam("new_balance"), held=bindparam("new_held")),
    rows=lambda rows: rows,
    take_a_number=None,
)

POSTGRESQL = _statements(
    lambda column: column == any_(bindparam("ids", type_=ARRAY(Uuid()))),
    postgresql.insert,
    new_lines=_new_lines_from_json(),
    change_wallets=text(
        f"UPDATE {_ACCOUNTS.name} AS a SET balance = r.new_balance, held = r.new_held "  # noqa: S608 - our own table
        "FROM json_to_recordset(CAST(:rows AS json)) AS r(wallet uuid, new_balance bigint, new_held bigint) "
        "WHERE a.id = r.wallet"
    ),
    rows=_as_json,
    take_a_number=text("SELECT pg_current_xact_id()"),
)
