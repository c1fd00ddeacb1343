"""Templates at rest: sealed, bound to their model, erased when withdrawn, and every change told to the directories."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import select

from accounts.people import changes
from database import Database, Sealer, SealingError, new_id
from enrollment import templates
from enrollment.tables import PhotoRecord, PhotoState, TemplateRecord, TemplateState
from models.template import Template

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
MODEL = "mobilefacenet-1"


def _template(seed: int, model_id: str = MODEL) -> Template:
    vector = np.random.default_rng(seed).normal(size=192)
    return Template(model_id, (vector / np.linalg.norm(vector)).astype(np.float32))


def _changed(database: Database) -> list[UUID]:
    with database.read() as session:
        return [change.person_id for change in changes.since(session, 0)]


def _photo(database: Database, person_id: UUID) -> UUID:
    with database.begin() as session:
        photo = PhotoRecord(
            id=new_id(), person_id=person_id, state=PhotoState.IN_REVIEW, digest="0" * 64, uploaded_at=NOW
        )
        session.add(photo)
    return photo.id


def test_a_stored_template_comes_back_by_person(
    database: Database, sealer: Sealer, add_person: Callable[[str], UUID]
) -> None:
    first, second = add_person("2026001"), add_person("2026002")
    with database.begin() as session:
        templates.store(session, sealer, first, _template(1), at=NOW)
        templates.store(session, sealer, first, _template(2), at=NOW)
        templates.store(session, sealer, second, _template(3), at=NOW)
        templates.store(session, sealer, second, _template(4, "dlib-resnet-1"), at=NOW)
    with database.read() as session:
        everyone = templates.load_active(session, sealer, MODEL)
        one = templates.load_active(session, sealer, MODEL, [second])
        none = templates.load_active(session, sealer, MODEL, [])
    assert set(everyone) == {first, second}
    assert [
        round(template.similarity(_template(seed)), 2) for seed, template in zip((1, 2), everyone[first], strict=True)
    ] == [1, 1]
    assert list(one) == [second]
    assert one[second][0].similarity(_template(3)) > 0.999
    assert none == {}
    assert {first, second} <= set(_changed(database))


def test_more_people_than_a_query_takes(database: Database, sealer: Sealer, add_person: Callable[[str], UUID]) -> None:
    wanted = add_person("2026001")
    with database.begin() as session:
        templates.store(session, sealer, wanted, _template(1), at=NOW)
    with database.read() as session:
        found = templates.load_active(session, sealer, MODEL, [new_id() for _ in range(1200)] + [wanted])
    assert list(found) == [wanted]


def test_the_vector_is_not_stored_in_the_clear(
    database: Database, sealer: Sealer, add_person: Callable[[str], UUID]
) -> None:
    person = add_person("2026001")
    with database.begin() as session:
        templates.store(session, sealer, person, _template(1), at=NOW)
    with database.read() as session:
        sealed = session.scalars(select(TemplateRecord.sealed)).one()
    assert sealed is not None
    assert _template(1).vector.astype("<f2").tobytes()[:16] not in sealed


def test_another_key_does_not_open_it(database: Database, sealer: Sealer, add_person: Callable[[str], UUID]) -> None:
    person = add_person("2026001")
    with database.begin() as session:
        templates.store(session, sealer, person, _template(1), at=NOW)
    with database.read() as session, pytest.raises(SealingError):
        templates.load_active(session, Sealer(bytes(32)), MODEL)


def test_a_template_moved_to_another_row_does_not_open(
    database: Database, sealer: Sealer, add_person: Callable[[str], UUID]
) -> None:
    first, second = add_person("2026001"), add_person("2026002")
    with database.begin() as session:
        templates.store(session, sealer, first, _template(1), at=NOW)
        templates.store(session, sealer, second, _template(2), at=NOW)
    with database.begin() as session:
        rows = session.scalars(select(TemplateRecord)).all()
        rows[0].sealed, rows[1].sealed = rows[1].sealed, rows[0].sealed
    with database.read() as session, pytest.raises(SealingError):
        templates.load_active(session, sealer, MODEL)


def test_withdrawing_erases_the_vector_and_tells_the_directories(
    database: Database, sealer: Sealer, add_person: Callable[[str], UUID]
) -> None:
    first, second = add_person("2026001"), add_person("2026002")
    with database.begin() as session:
        for person in (first, second):
            templates.store(session, sealer, person, _template(1), at=NOW)
    before = len(_changed(database))
    with database.begin() as session:
        assert templates.withdraw(session, first, at=NOW) == 1
        assert templates.withdraw(session, first, at=NOW) == 0
    with database.read() as session:
        assert list(templates.load_active(session, sealer, MODEL)) == [second]
        erased = session.scalars(select(TemplateRecord).where(TemplateRecord.person_id == first)).one()
    assert erased.sealed is None
    assert erased.state == TemplateState.WITHDRAWN
    assert _changed(database)[before:] == [first]


def test_a_candidate_opens_nothing_until_it_is_activated(
    database: Database, sealer: Sealer, add_person: Callable[[str], UUID]
) -> None:
    person = add_person("2026001")
    photo = _photo(database, person)
    before = len(_changed(database))
    with database.begin() as session:
        templates.store(session, sealer, person, _template(1), at=NOW, photo_id=photo, state=TemplateState.CANDIDATE)
    with database.read() as session:
        assert templates.load_active(session, sealer, MODEL) == {}
        assert list(templates.load_active_and_candidates(session, sealer, MODEL)) == [person]
    assert len(_changed(database)) == before
    with database.begin() as session:
        assert templates.activate(session, photo) == 1
    with database.read() as session:
        assert list(templates.load_active(session, sealer, MODEL)) == [person]
    assert _changed(database)[before:] == [person]


def test_a_new_photo_replaces_the_templates_of_the_others(
    database: Database, sealer: Sealer, add_person: Callable[[str], UUID]
) -> None:
    person = add_person("2026001")
    old, new = _photo(database, person), _photo(database, person)
    with database.begin() as session:
        templates.store(session, sealer, person, _template(1), at=NOW)
        templates.store(session, sealer, person, _template(2), at=NOW, photo_id=old)
        templates.store(session, sealer, person, _template(3), at=NOW, photo_id=new)
        assert templates.withdraw(session, person, at=NOW, keep_photo_id=new) == 2
    with database.read() as session:
        (kept,) = templates.load_active(session, sealer, MODEL)[person]
    assert kept.similarity(_template(3)) > 0.999
