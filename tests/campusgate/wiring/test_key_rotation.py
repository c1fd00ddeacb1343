"""A new template key: everything the server seals goes under it, stopped and taken up again, and nothing is lost."""

import json
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import pytest
from pydantic import SecretStr
from sqlalchemy import LargeBinary, select

from accounts.tables import Person
from accounts.vocabulary import PersonKind
from campusgate.schema import metadata
from campusgate.settings import Settings, SettingsError
from campusgate.wiring.key_checks import SEALED, require_right_key
from campusgate.wiring.sealer import make_sealer
from database import Database, Sealer, SealingError
from database.resealing import count_outdated, reseal
from directory.publisher import Publisher
from directory.records import PersonRecord
from directory.tables import DirectoryPerson
from enrollment import photos, templates
from enrollment.tables import PhotoImage, PhotoRecord, PhotoState, PhotoThumbnail
from models.template import Template
from tests.keys import key, key_text

KEY, OLDER = SecretStr(key_text("templates")), SecretStr(key_text("older templates"))
NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
MODEL = "model"
OLD = Sealer(key("old templates"))
BOTH = Sealer(key("new templates"), key_number=2, older={1: key("old templates")})
NEW = Sealer(key("new templates"), key_number=2)
PEOPLE = 130
"""More than one batch."""


@pytest.fixture
def people(database: Database) -> list[UUID]:
    """People with a template, a picture, a thumbnail and a place in the directory, all under the old key."""
    random = np.random.default_rng(1)
    with database.begin() as session:
        found = [
            Person(
                number=f"{number:04}",
                name="Somebody",
                kind=PersonKind.STUDENT,
                valid_from=NOW,
                valid_until=None,
                created_at=NOW,
                updated_at=NOW,
            )
            for number in range(PEOPLE)
        ]
        session.add_all(found)
        session.flush()
        for person in found:
            photo = PhotoRecord(person_id=person.id, state=PhotoState.APPROVED, digest="", uploaded_at=NOW)
            session.add(photo)
            session.flush()
            session.add(PhotoImage(photo_id=photo.id, sealed=OLD.seal(b"large", photos.context(photo.id))))
            session.add(
                PhotoThumbnail(photo_id=photo.id, sealed=OLD.seal(b"small", photos.thumbnail_context(photo.id)))
            )
            vector = random.standard_normal(8).astype(np.float32)
            template = Template(MODEL, vector / np.linalg.norm(vector))
            templates.store(session, OLD, person.id, template, at=NOW, photo_id=photo.id)
    Publisher(database, OLD, model_id=MODEL).publish()
    return [person.id for person in found]


def test_a_rotation_that_was_stopped_is_finished_and_the_old_key_is_not_needed(
    database: Database, people: list[UUID]
) -> None:
    class KilledError(Exception):
        pass

    def kill(_done: int, _all: int) -> None:
        raise KilledError

    assert count_outdated(database, BOTH, SEALED) == 4 * PEOPLE
    with pytest.raises(KilledError):
        reseal(database, BOTH, SEALED, progress=kill)
    left = count_outdated(database, BOTH, SEALED)
    assert 0 < left < 4 * PEOPLE
    with database.read() as session:
        assert len(templates.load_active(session, BOTH, MODEL)) == PEOPLE, "meanwhile the server goes on"
    assert reseal(database, BOTH, SEALED) == left
    assert reseal(database, BOTH, SEALED) == 0

    with database.read() as session:
        assert set(templates.load_active(session, NEW, MODEL)) == set(people)
        for photo_id in session.scalars(select(PhotoRecord.id)):
            assert photos.read_picture(session, NEW, photo_id) == b"large"
            assert photos.read_small_picture(session, NEW, photo_id) == b"small"
        for row in session.scalars(select(DirectoryPerson)):
            assert PersonRecord.open(NEW, row.person_id, row.sealed).faces
    require_right_key(database, NEW)


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("wrong", [Sealer(b"w" * 32), Sealer(key("new templates"), key_number=2)])
def test_a_wrong_key_is_noticed_and_changes_nothing(database: Database, wrong: Sealer) -> None:
    with pytest.raises(SettingsError, match=r"templates\.sealed: a value .*CAMPUSGATE_PREVIOUS_TEMPLATE_KEYS"):
        require_right_key(database, wrong)
    if wrong.current_key == 2:
        with pytest.raises(SealingError, match=r"templates\.sealed: a value lies under key 1, which is not configured"):
            reseal(database, wrong, SEALED)
    assert count_outdated(database, OLD, SEALED) == 0


def test_no_sealed_column_is_forgotten() -> None:
    there = {
        f"{table.name}.{column.name}"
        for table in metadata().sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary) and column.name.startswith("sealed")
    }
    under_what_the_server_does_not_keep = {"gate_setup_codes.sealed", "shown_secrets.sealed"}
    assert {column.name for column in SEALED} == there - under_what_the_server_does_not_keep


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"previous_template_keys": {1: OLDER}}, "give the new key the next number"),
        ({"template_key_number": 2, "previous_template_keys": {1: "short"}}, "key 1 is not base64"),
        ({"template_key_number": 2, "previous_template_keys": {300: OLDER}}, "300 is not within 1–255"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        make_sealer(Settings(template_key=KEY, **settings))


def test_the_keys_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    old = key_text("old templates")
    monkeypatch.setenv("CAMPUSGATE_TEMPLATE_KEY", key_text("new templates"))
    monkeypatch.setenv("CAMPUSGATE_TEMPLATE_KEY_NUMBER", "2")
    monkeypatch.setenv("CAMPUSGATE_PREVIOUS_TEMPLATE_KEYS", json.dumps({"1": old}))
    assert make_sealer(Settings()).open(OLD.seal(b"template", b""), b"") == b"template"
    assert old not in repr(Settings())
