"""The server's database: it answers, has this program's schema, and was used with these keys."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.exc import DBAPIError

from campusgate.doctor.findings import Finding, fault, ok, skip, warn
from campusgate.settings import Settings
from campusgate.wiring.database import message_of, name_of, require_file, require_whole
from campusgate.wiring.key_checks import require_right_key, require_same_keys
from campusgate.wiring.sealer import make_sealer
from database import Database, StorageError
from database.migrate import find_newest, read_revision
from operations import clock_guard

_LINK: Final = "database"
_JUMP: Final = timedelta(minutes=5)
"""As `operations.clock_guard`: above it nothing is erased or closed."""


def check_database(settings: Settings) -> Iterator[Finding]:
    """Examine the configured database, without changing it."""
    database = Database(settings.resolved_database_url, credential_key=settings.key_if_set("credential_key"))
    name = name_of(database)
    try:
        if database.is_sqlite and not settings.resolved_database_url.endswith(":memory:"):
            require_file(database)
            require_whole(database)
        found, newest = read_revision(database), find_newest()
        if found is None:
            yield fault(_LINK, f"{name} answers and holds no campus: start the server, which begins one")
            return
        if found != newest:
            yield fault(
                _LINK,
                f"{name} has schema {found}, this program {newest}: restart the server, which updates an older one",
            )
            return
        yield ok(_LINK, f"{name} answers, its schema {found} is this program's")
        require_right_key(database, make_sealer(settings))
        require_same_keys(database, settings)
        yield ok("keys", "the database was used with these keys before")
        yield _compare_clocks(database)
    except (StorageError, DBAPIError) as error:
        yield fault(_LINK, f"{name}: {message_of(error)}; start it, or mend CAMPUSGATE_DATABASE_URL")
    finally:
        database.close()


def _compare_clocks(database: Database) -> Finding:
    with database.read() as session:
        found = clock_guard.on_record(session)
    if found is None or found[0] is None:
        return skip("clock", "no time is on record yet")
    behind = found[0] - datetime.now(UTC)
    if behind > _JUMP:
        return fault(
            "clock",
            f"this clock is {behind.total_seconds() / 60:.0f} minutes behind the time on record: mend it, or look at "
            "another clock and run `campusgate clock confirm`",
        )
    return ok("clock", "is not behind the time on record")


def check_kernel_clock(*, is_synchronised: bool | None) -> Finding:
    """Return what the kernel says of this machine's clock; None: it does not say."""
    if is_synchronised is None:
        return skip("clock", "whether this clock follows a time server is not known")
    if not is_synchronised:
        return warn("clock", "this clock follows no time server; run: timedatectl set-ntp true")
    return ok("clock", "follows a time server")
