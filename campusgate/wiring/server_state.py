"""How the server stands, asked of its parts."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from campusgate.processes.server.assembly import Server
from campusgate.wiring.settings_in_force import list_settings
from console.server_facts import ServerFacts, ServerState
from database import DatabaseBusyError, StorageError


def make_server_facts(server: Server) -> ServerFacts:
    """Return what the pages may know of the server, which begins now."""
    started_at = datetime.now(UTC)
    return ServerFacts(list_settings(server.settings), lambda: find_state(server, started_at))


def find_state(server: Server, started_at: datetime) -> ServerState:
    """Ask every part how it stands."""
    doubt = server.clock.doubt()
    return ServerState(
        started_at=started_at,
        is_broker_there=server.connections.events.connected,
        can_order=server.connections.orders.connected,
        contested=server.connections.contested(),
        storage_fault=server.storage.fault(datetime.now(UTC)),
        clock_doubt=None if doubt is None else doubt.value,
        is_sqlite=server.database.is_sqlite,
        database_bytes=_size(server),
        free_bytes=_free(server.settings.data_dir),
        record_free_bytes=_free(server.settings.resolved_record_dir),
        events_waiting=server.ingest.backlog,
    )


def _size(server: Server) -> int | None:
    sizes = {
        True: "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        False: "SELECT pg_database_size(current_database())",
    }
    try:
        with server.database.read() as session:
            found: int | None = session.scalar(text(sizes[server.database.is_sqlite]))
            return found
    except (SQLAlchemyError, DatabaseBusyError, StorageError):
        return None


def _free(folder: Path) -> int | None:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
