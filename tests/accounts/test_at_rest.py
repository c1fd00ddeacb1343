"""What somebody who has the database alone can read or try: no card's number, and no password of six digits."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from pydantic import BaseModel, ConfigDict
from sqlalchemy import text

from access.credentials import card_digest
from accounts import cards, passwords
from accounts.passwords import Hasher, PepperError
from accounts.payments.offline import OfflineItem
from accounts.payments.tables import OfflinePayment
from accounts.payments.wallet import Terminal
from accounts.tables import Card, Password
from accounts.vocabulary import DeviceRole, PasswordPurpose
from campusgate.schema import metadata
from database import Database, migrate, new_id
from database.digests import CredentialKeyMissingError
from database.migrate import SchemaError, upgrade
from tests.databases import CREDENTIAL_KEY
from web.idempotency import RequestKey
from web.idempotency import digest as request_digest

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
UID = "04A1B2C3D4E580"
PEPPER, OTHER = b"p" * 32, b"q" * 32


def every_value(database: Database) -> Iterator[bytes]:
    with database.engine.connect() as connection:
        for table in metadata().sorted_tables:
            for row in connection.execute(table.select()):
                for value in row:
                    yield value if isinstance(value, bytes) else str(value).encode()


def test_no_table_holds_a_cards_number_or_a_digest_that_could_be_guessed_from(campus: Any) -> None:
    person = campus.person()
    campus.passwords(person.id, query="482913")
    cashier, kiosk = campus.as_role("cashier"), campus.as_device(DeviceRole.KIOSK)
    issued = campus.client.post(f"/api/v1/people/{person.id}/cards", json={"uid": UID}, headers=cashier)
    assert issued.status_code == 201
    assert "uid" not in issued.json()
    campus.client.post(f"/api/v1/cards/{issued.json()['id']}/suspend", json={}, headers=cashier)
    headers = kiosk | {"Idempotency-Key": "reissue-once"}
    body = {"number": person.number, "query_password": "482913", "uid": UID}
    campus.client.post("/api/v1/kiosk/reissue", json=body, headers=headers)
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    guessed = hashlib.sha256(b"\0".join((b"POST", b"/api/v1/kiosk/reissue", canonical))).digest()
    stored = list(every_value(campus.database))
    assert not [value for value in stored if UID.encode() in value or bytes.fromhex(UID) in value]
    for digest in (guessed, hashlib.sha256(UID.encode()).digest(), hashlib.sha256(bytes.fromhex(UID)).digest()):
        assert digest not in stored
        assert digest.hex().encode() not in stored


def test_a_card_is_kept_as_the_digest_that_gates_make(campus: Any) -> None:
    campus.card(campus.person(), UID)
    with campus.database.read() as session:
        card = cards.by_uid(session, "04:a1:b2:c3:d4:e5:80")
        assert card.uid_digest == card_digest(CREDENTIAL_KEY, UID)


def test_without_the_sites_key_no_card_is_stored_or_found(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'campusgate.db'}")
    upgrade(database)
    with pytest.raises(CredentialKeyMissingError, match="CAMPUSGATE_CREDENTIAL_KEY"), database.read() as session:
        cards.by_uid(session, UID)
    database.close()


@pytest.fixture
def before(database: Database) -> Database:
    """A database of the revision before, with a card in it as cards were kept then."""
    metadata().drop_all(database.engine)
    configuration = Config()
    configuration.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with database.engine.begin() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0012")
        person, card = new_id(), new_id()
        form = (lambda one: one.hex) if database.is_sqlite else str
        connection.execute(
            text(
                "INSERT INTO people (id, number, name, kind, department, valid_from, state, created_at, updated_at)"
                " VALUES (:id, 'S1', 'made up', 'student', '', :at, 'active', :at, :at)"
            ),
            {"id": form(person), "at": "2026-09-01 08:00:00"},
        )
        connection.execute(
            text(
                "INSERT INTO cards (id, person_id, kind, state, suspended_for_loss, issued_at, uid, code_lease)"
                " VALUES (:id, :person, 'physical', 'active', :no, :at, :uid, 0)"
            ),
            {"id": form(card), "person": form(person), "at": "2026-09-01 08:00:00", "uid": UID, "no": False},
        )
    return database


def test_numbers_that_were_kept_in_clear_become_digests(before: Database) -> None:
    without = Database(before.url)
    with pytest.raises(SchemaError, match="CAMPUSGATE_CREDENTIAL_KEY"):
        upgrade(without)
    without.close()
    upgrade(before)
    with before.read() as session:
        assert cards.by_uid(session, UID).uid_digest == card_digest(CREDENTIAL_KEY, UID)
        assert session.query(Card).count() == 1
    assert UID.encode() not in b"".join(files_of(before)), "nothing is left in pages that are free now"


def files_of(database: Database) -> Iterator[bytes]:
    """The bytes on the disk of every table."""
    if database.is_sqlite:
        database.close()
        path = Path(str(database.url.database))
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        yield path.read_bytes()
        return
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))
        for table in metadata().tables:
            read = text(f"SELECT pg_read_binary_file(pg_relation_filepath('{table}'))")
            yield bytes(connection.scalar(read) or b"")


def test_requests_that_were_kept_before_hold_no_number_and_are_known_when_they_come_again(before: Database) -> None:
    body = json.dumps({"uid": UID}).encode()
    answer = json.dumps({"id": "1", "uid": UID, "state": "active"})
    key, offline = RequestKey("reissue-once", request_digest("POST", "/api/v1/x", body)), new_id()
    item, terminal = OfflineItem(offline, 400, UID, NOW), Terminal(new_id(), new_id(), "north")
    uploaded = hashlib.sha256(item._payload(terminal)).digest()
    asked = {"scope": "person:1", "key": key.key, "digest": key.digest, "answer": answer, "at": NOW}
    paid = {"id": offline, "digest": uploaded, "device_id": terminal.device_id, "merchant_id": terminal.merchant_id}
    paid |= {"amount": 400, "occurred_at": NOW, "received_at": NOW, "state": "paid", "flags": ""}
    with before.engine.begin() as connection:
        connection.execute(metadata().tables["answered_requests"].insert().values(asked))
        connection.execute(metadata().tables["offline_payments"].insert().values(paid))
    upgrade(before)
    with before.begin() as session:
        again = key.answer(session, Answer, lambda: pytest.fail("done again"), scope="person:1", now=NOW)
        assert again.model_dump() == {"id": "1", "state": "active"}
        stored = session.get_one(OfflinePayment, offline).digest
        assert stored == item.earlier_digest(terminal, CREDENTIAL_KEY)
    held = b"".join(files_of(before))
    assert not [one for one in (UID.encode(), uploaded, key.digest) if one in held]


class Answer(BaseModel):
    """What the cashier was told; it has no number any more."""

    model_config = ConfigDict(extra="forbid")

    id: str
    state: str


def test_a_hash_is_of_no_use_without_the_pepper() -> None:
    hasher = Hasher(time_cost=1, memory_kib=8, pepper=PEPPER)
    stored = hasher.hash("482913")
    assert "argon2" not in stored
    assert (hasher.verify("482913", stored), hasher.verify("482914", stored)) == (True, False)
    for wrong in (Hasher(time_cost=1, memory_kib=8), Hasher(time_cost=1, memory_kib=8, pepper=OTHER)):
        with pytest.raises(PepperError, match="CAMPUSGATE_PASSWORD_KEY"):
            wrong.verify("482913", stored)


def test_hashes_of_before_the_pepper_are_sealed_at_once_and_go_on_working(campus: Any) -> None:
    people = [campus.person() for _ in range(3)]
    for person in people:
        campus.passwords(person.id, query="482913", portal="correct horse battery")
    hasher = Hasher(time_cost=1, memory_kib=8, pepper=PEPPER)
    assert passwords.seal_stored(campus.database, hasher) == 6
    assert passwords.seal_stored(campus.database, hasher) == 0
    with campus.database.read() as session:
        stored = session.query(Password).filter_by(person_id=people[0].id, purpose=PasswordPurpose.QUERY).one()
        assert all(one.hash.startswith(passwords.SEALED) for one in session.query(Password))
        assert len(max((one.hash for one in session.query(Password)), key=len)) <= 300
    assert hasher.verify("482913", stored.hash)
    with pytest.raises(PepperError):
        passwords.seal_stored(campus.database, Hasher(time_cost=1, memory_kib=8, pepper=OTHER))
    assert b"$argon2" not in b"".join(files_of(campus.database)), "nothing is left in pages that are free now"


def test_a_new_pepper_takes_over_what_lies_under_the_one_before(campus: Any) -> None:
    people = [campus.person() for _ in range(3)]
    for person in people:
        campus.passwords(person.id, query="482913", portal="correct horse battery")
    passwords.seal_stored(campus.database, Hasher(time_cost=1, memory_kib=8, pepper=PEPPER))
    both = Hasher(time_cost=1, memory_kib=8, pepper=OTHER, earlier_peppers=[PEPPER])
    with campus.database.read() as session:
        stored = session.query(Password).filter_by(purpose=PasswordPurpose.QUERY).first().hash
    assert both.verify("482913", stored), "before it was sealed anew, as at a second server"
    assert passwords.seal_stored(campus.database, both) == 6
    assert passwords.seal_stored(campus.database, both) == 0
    alone = Hasher(time_cost=1, memory_kib=8, pepper=OTHER)
    with campus.database.read() as session:
        hashes = [one.hash for one in session.query(Password).filter_by(purpose=PasswordPurpose.QUERY)]
    assert [alone.verify("482913", one) for one in hashes] == [True] * 3
    with pytest.raises(PepperError):
        Hasher(time_cost=1, memory_kib=8, pepper=PEPPER).verify("482913", hashes[0])
