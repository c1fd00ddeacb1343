"""A campus whose database is of the version that knew one face model: its gates go on as if nothing had happened."""

import json
from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import select, text, update

from access.replica import Replica, SyncError
from database import Database
from database.migrate import _configure, upgrade
from directory.list_tables import SharedModel
from directory.publisher import Publisher
from directory.records import PersonRecord, _context
from directory.tables import DirectoryPerson, DirectoryState
from tests.directory.conftest import MODEL, Campus
from tests.directory.test_gate_models import NEW, Gate

BEFORE = "0028"


@pytest.fixture
def of_the_version_before(campus: Campus) -> Iterator[Campus]:
    """Three people with templates of one model, published to one gate; the database then goes back a version."""
    campus.gate("main")
    for seed in range(3):
        campus.person("students", face=seed, card=f"04AABB{seed:02}")
    campus.publisher.publish()
    yield campus
    upgrade(campus.database)
    with campus.database.engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))


def downgrade(database: Database) -> None:
    with database.engine.begin() as connection:
        command.stamp(_configure(connection), "head")
        command.downgrade(_configure(connection), BEFORE)


def go_back(campus: Campus) -> None:
    """Bring schema and records to what the version before wrote."""
    with campus.database.begin() as session:
        for row in session.scalars(select(DirectoryPerson)):
            record = PersonRecord.open(campus.sealer, row.person_id, row.sealed)
            entry = record.entry.model_copy(update={"templates": record.faces.get(MODEL, ())})
            before = {"entry": json.loads(entry.to_json()), "grants": {}}
            row.sealed = campus.sealer.seal(json.dumps(before).encode(), _context(row.person_id))
    downgrade(campus.database)
    with campus.database.engine.begin() as connection:
        connection.execute(text("UPDATE directory_state SET model_id = :model"), {"model": MODEL})


def known(replica: Replica) -> dict[str, int]:
    return {model: len(set(gallery.person_ids)) for model, gallery in replica.galleries().items()}


def test_after_the_upgrade_every_gate_knows_whom_it_knew(of_the_version_before: Campus) -> None:
    campus = of_the_version_before
    old_edge = campus.replica()
    sync = campus.sync(old_edge)
    sync.run_once()
    digest = old_edge.digest
    go_back(campus)
    upgrade(campus.database)
    with pytest.raises(SyncError, match="directory_not_published"):
        sync.run_once()  # records of the version before are nothing to be given out
    assert known(old_edge) == {MODEL: 3}

    moving = Publisher(campus.database, campus.sealer, model_id=NEW, clock=campus.clock)
    moving.publish()
    with campus.database.read() as session:
        assert session.get_one(DirectoryState, 1).models == [NEW, MODEL], "the model so far stays in use"
        assert [(one.model_id, one.people) for one in session.scalars(select(SharedModel))] == [(MODEL, 3)]
    assert campus.page(old_edge).changes == (), "an edge of the version before sees no change"
    sync.run_once()
    assert (old_edge.digest, sync.status.rebuilds) == (digest, 0)
    revision = old_edge.revision

    with campus.database.begin() as session:
        session.execute(update(DirectoryState).values(seq=0))
    moving.publish()
    sync.run_once()
    assert (old_edge.digest, old_edge.revision) == (digest, revision)


def test_an_edge_brought_up_to_date_takes_over_its_replica_and_asks_for_both_models(
    of_the_version_before: Campus,
) -> None:
    campus = of_the_version_before
    go_back(campus)
    upgrade(campus.database)
    moving = Publisher(campus.database, campus.sealer, model_id=NEW, clock=campus.clock)
    moving.publish()
    north = Gate(campus, MODEL, NEW)
    assert {model: len(people) for model, people in north.follow(moving).items()} == {MODEL: 3}
    assert north.replica.model_id == NEW


def test_a_database_that_never_published_is_upgraded_too(database: Database) -> None:
    downgrade(database)
    upgrade(database)
    with database.engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
