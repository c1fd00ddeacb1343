"""The whole schema: every room's tables in one metadata, and the making of new revisions.

After a change of tables, `python -m campusgate.schema "what changed"` writes the next revision for review.
"""

import sys
import tempfile
from pathlib import Path

from sqlalchemy import MetaData

import accounts.ledger.tables
import accounts.payments.tables
import accounts.people_import.tables
import accounts.tables
import accounts.topup.tables
import card_dispensing.tables
import database.tables
import directory.tables
import enrollment.tables
import integrations.library_fines.tables
import metering.billing.tables
import metering.readings.tables
import metering.rooms.tables
import metering.sessions.tables
import metering.supply.tables
import network_access.tables
import operations.tables
import web.tables
from database import Base, Database
from database.migrate import upgrade, write_revision

ROOMS = (
    accounts.tables,
    accounts.ledger.tables,
    accounts.payments.tables,
    accounts.people_import.tables,
    accounts.topup.tables,
    card_dispensing.tables,
    directory.tables,
    enrollment.tables,
    integrations.library_fines.tables,
    metering.billing.tables,
    metering.readings.tables,
    metering.rooms.tables,
    metering.sessions.tables,
    metering.supply.tables,
    network_access.tables,
    operations.tables,
    web.tables,
    database.tables,
)


def metadata() -> MetaData:
    """Return the tables of all rooms."""
    return Base.metadata


def main() -> None:
    """Write the next revision from the difference between the revisions so far and the tables."""
    if len(sys.argv) != 2:
        sys.exit('usage: python -m campusgate.schema "what changed"')
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'empty.db'}")
        upgrade(database)
        path = write_revision(database, metadata(), sys.argv[1])
        database.close()
    sys.stdout.write(f"{path}: read it, and mend what the comparison cannot know\n")


if __name__ == "__main__":
    main()
