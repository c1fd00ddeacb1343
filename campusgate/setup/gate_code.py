"""At the server: a gate is added where there is none, its broker users are made, and a code for its computer."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from access.gate_setup import make_server_key
from access.policy import GatePolicy
from accounts import audit
from campusgate.settings import Settings
from campusgate.setup.account import as_account
from campusgate.setup.broker_users import add_gate_users, reload_broker
from campusgate.setup.files import SetupError, Writer
from campusgate.setup.places import Places
from database import Database
from directory import gate_setup, gates
from directory.tables import GateRecord


@dataclass(frozen=True, slots=True)
class MadeCode:
    """A code, and what became of the broker."""

    code: str
    until: datetime
    gate_added: bool
    broker_told: bool


def make_gate_code(
    open_database: Callable[[], AbstractContextManager[Database]],
    settings: Settings,
    places: Places,
    policy: GatePolicy,
    *,
    title: str,
    lasts: timedelta,
    again: bool,
) -> MadeCode:
    """Make a code for the computer of the gate that `policy` names, and the gate with that policy where there is none.

    `open_database` is called in the name of the processes' account, the broker's files are written in the caller's.

    Raises:
        SetupError: a computer keeps the gate already and `again` is not said, or Mosquitto's files cannot be written.
    """
    public_key = make_server_key(settings.require_key("token_secret")).public_key().public_bytes_raw()
    writer, now, name = Writer(places, []), datetime.now(UTC), policy.gate
    with as_account(places), open_database() as database, database.read() as session:
        is_kept, is_new = gate_setup.is_set_up(session, name), session.get(GateRecord, name) is None
    if is_kept and not again:
        raise SetupError(
            f"a computer keeps the gate {name} already; with --again it gets new passwords, and the present computer "
            "is cut off from the broker at once"
        )
    users = add_gate_users(writer, settings.site, name)
    with as_account(places), open_database() as database, database.begin() as session:
        if is_new:
            gates.add(session, policy, title=title, by=audit.SYSTEM, now=now)
        code = gate_setup.make_code(session, name, users, public_key=public_key, by=audit.SYSTEM, now=now, lasts=lasts)
    return MadeCode(str(code), now + lasts, gate_added=is_new, broker_told=reload_broker(writer))
