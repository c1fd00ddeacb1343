"""The statements that record transfers, built once for each database: to build one anew costs as much as to run it.

What a batch costs on PostgreSQL is round trips. So a batch of any size reads its accounts in one statement, which locks
wallets and rooms too, and writes its lines and balances in one: rows go over as one JSON text and ids as one array, so
that each statement stays the same and is prepared once.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import UserDefinedType

from accounts.ledger.tables import Corrected, JournalTransfer, LedgerAccount, OpenHold, SpendingCounter
from accounts.ledger.transfer import CARRYING
from database import table_of

_ACCOUNTS = table_of(LedgerAccount)
_LINES = table_of(JournalTransfer)
_HOLDS = table_of(OpenHold)
_CORRECTED = table_of(Corrected)
_COUNTERS = table_of(SpendingCounter)

LINE_COLUMNS = tuple(column for column in _LINES.columns if column.name != "serial")

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class LedgerSql:
    """What `posting` runs. `ids` packs what the statements with a parameter `ids` take."""

    ids: Callable[[Iterable[UUID]], Any]
    lines_by_id: Executable
    lock_accounts: Executable
    """All accounts among `ids`; wallets and rooms are locked in the order of their ids, no other account at all."""
    open_holds: Executable
    end_holds: Executable
    new_holds: Executable
    write: Callable[[Connection, Rows, Rows, Rows], None]
    """Adds lines to the journal (columns of `LINE_COLUMNS`), sets wallets and rooms (account, new_balance,
    new_held), and sets counters (columns of `SpendingCounter`)."""
    new_corrected: Executable
    lock_corrected: Executable
    change_corrected: Executable
    read_counters: Executable
    take_a_number: Executable | None
    """Gives the transaction its number before it takes a serial: the sealer waits for transactions by number."""


def _statements(
    among: Callable[[ColumnElement[UUID]], ColumnElement[bool]],
    upsert: Any,
    *,
    ids: Callable[[Iterable[UUID]], Any],
    lines_by_id: Executable,
    write: Callable[[Connection, Rows, Rows, Rows], None],
    take_a_number: Executable | None,
) -> LedgerSql:
    columns = (_ACCOUNTS.c.id, _ACCOUNTS.c.kind, _ACCOUNTS.c.state, _ACCOUNTS.c.balance, _ACCOUNTS.c.held)
    accounts = select(*columns).where(among(_ACCOUNTS.c.id))
    carrying = [kind.value for kind in CARRYING]
    locked = accounts.where(_ACCOUNTS.c.kind.in_(carrying)).order_by(_ACCOUNTS.c.id).with_for_update(of=_ACCOUNTS)
    others = accounts.where(_ACCOUNTS.c.kind.not_in(carrying))
    return LedgerSql(
        ids=ids,
        lines_by_id=lines_by_id,
        lock_accounts=select(locked.cte("locked")).union_all(others),
        open_holds=select(_HOLDS.c.id).where(among(_HOLDS.c.id)).with_for_update(),
        end_holds=delete(_HOLDS).where(among(_HOLDS.c.id)),
        new_holds=insert(_HOLDS),
        write=write,
        new_corrected=upsert(_CORRECTED).on_conflict_do_nothing(),
        lock_corrected=select(_CORRECTED).where(among(_CORRECTED.c.id)).order_by(_CORRECTED.c.id).with_for_update(),
        change_corrected=update(_CORRECTED)
        .where(_CORRECTED.c.id == bindparam("old"))
        .values(amount=bindparam("new_amount")),
        read_counters=select(_COUNTERS.c.account, _COUNTERS.c.window, _COUNTERS.c.spent).where(
            among(_COUNTERS.c.account), _COUNTERS.c.window.in_(bindparam("windows", expanding=True))
        ),
        take_a_number=take_a_number,
    )


# --- SQLite: nothing goes over a wire, so rows go in one by one ------------------------------------------------------

_NEW_LINES = insert(_LINES).inline()
_CHANGE_BALANCES = (
    update(_ACCOUNTS)
    .where(_ACCOUNTS.c.id == bindparam("account"))
    .values(balance=bindparam("new_balance"), held=bindparam("new_held"))
)
_COUNTER = sqlite.insert(_COUNTERS)
_SET_COUNTERS = _COUNTER.on_conflict_do_update(
    index_elements=["account", "window"],
    set_={"spent": _COUNTER.excluded.spent, "touched_at": _COUNTER.excluded.touched_at},
)


def _write_rows(connection: Connection, lines: Rows, balances: Rows, counters: Rows) -> None:
    for statement, rows in ((_NEW_LINES, lines), (_CHANGE_BALANCES, balances), (_SET_COUNTERS, counters)):
        if rows:
            connection.execute(statement, rows)


def _is_among(column: ColumnElement[UUID]) -> ColumnElement[bool]:
    return column.in_(bindparam("ids", expanding=True))


SQLITE = _statements(
    _is_among,
    sqlite.insert,
    ids=list,
    lines_by_id=select(*LINE_COLUMNS).where(_is_among(_LINES.c.id)),
    write=_write_rows,
    take_a_number=None,
)


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> str:
    """What JSON does not know."""
    match value:
        case UUID():
            return str(value)
        case datetime():
            return value.isoformat()
        case bytes():
            return value.hex()
    raise TypeError(f"a ledger's row holds a {type(value).__name__}")


def _as_json(rows: Rows) -> str:
    """Rows as one JSON text; what is None is left out, which the database reads as NULL."""
    full = [{name: value for name, value in row.items() if value is not None} for row in rows]
    return json.dumps(full, separators=(",", ":"), ensure_ascii=False, default=_plain)


class _Ids(UserDefinedType[str]):
    """An array of ids that goes over as one text: the driver would quote each id by itself.

    The parameter itself has the array's type. A cast in the statement would be made again for each row it looks at.
    """

    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **_options: Any) -> str:
        """Return the type's name in PostgreSQL."""
        return "UUID[]"


def _lines_one_by_one() -> Executable:
    """Look up each line in the index: a plan that was made for a young journal would read all of a grown one."""
    wanted = func.unnest(bindparam("ids", type_=_Ids())).table_valued("id", name="wanted").render_derived()
    line = select(*LINE_COLUMNS).where(_LINES.c.id == wanted.c.id).limit(1).lateral("line")
    return select(line).select_from(wanted.join(line, true()))


def _as_array(ids: Iterable[UUID]) -> str:
    return "{" + ",".join(map(str, ids)) + "}"


def _line_type(name: str) -> str:
    """The type of a journal's column within a JSON row."""
    if name in ("id", "debit", "credit", "resolves", "corrects"):
        return "uuid"
    if name in ("amount", "debit_balance", "credit_balance"):
        return "bigint"
    return "timestamptz" if name.endswith("_at") else "text"


def _write_from_json() -> Executable:
    names = [column.name for column in LINE_COLUMNS]
    values = ", ".join("decode(r.digest, 'hex')" if name == "digest" else f"r.{name}" for name in names)
    types = ", ".join(f"{name} {_line_type(name)}" for name in names)
    return text(
        f"WITH written AS (INSERT INTO {_LINES.name} ({', '.join(names)}) "  # noqa: S608 - names of our own columns
        f"SELECT {values} FROM json_to_recordset(CAST(:lines AS json)) AS r({types})), "
        f'counted AS (INSERT INTO {_COUNTERS.name} (account, "window", spent, touched_at) '
        'SELECT r.account, r."window", r.spent, r.touched_at FROM json_to_recordset(CAST(:counters AS json)) '
        'AS r(account uuid, "window" text, spent bigint, touched_at timestamptz) '
        'ON CONFLICT (account, "window") DO UPDATE SET spent = excluded.spent, touched_at = excluded.touched_at) '
        f"UPDATE {_ACCOUNTS.name} AS a SET balance = r.new_balance, held = r.new_held "
        "FROM json_to_recordset(CAST(:balances AS json)) AS r(account uuid, new_balance bigint, new_held bigint) "
        "WHERE a.id = r.account"
    )


_WRITE = _write_from_json()


def _write_at_once(connection: Connection, lines: Rows, balances: Rows, counters: Rows) -> None:
    values = {"lines": _as_json(lines), "balances": _as_json(balances), "counters": _as_json(counters)}
    connection.execute(_WRITE, values)


POSTGRESQL = _statements(
    # Not `= ANY (ids)`: of a prepared statement, that compares each row it looks at with each id.
    lambda column: column.in_(select(func.unnest(bindparam("ids", type_=_Ids())))),
    postgresql.insert,
    ids=_as_array,
    lines_by_id=_lines_one_by_one(),
    write=_write_at_once,
    take_a_number=text("SELECT pg_current_xact_id()"),
)
