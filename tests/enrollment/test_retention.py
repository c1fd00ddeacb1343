"""What is erased by itself, what a new model leaves behind."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import select

from accounts.tables import Person
from accounts.vocabulary import PersonState
from database import Database, Sealer
from enrollment import decisions, lifecycle, photos, settling, templates
from enrollment.assessment import Assessment, assess
from enrollment.quality import Checker
from enrollment.rebuild import rebuild
from enrollment.retention import RetentionPolicy, purge, purge_all
from enrollment.tables import Notice, PhotoImage, PhotoState, PhotoThumbnail, TemplateRecord, TemplateState
from models.engine import FaceEngine
from models.face import Face
from models.store import ModelStore
from web.problems import NotFoundError

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def assessment(engine: FaceEngine, portraits: Path) -> Assessment:
    return assess((portraits / "real_00898.jpg").read_bytes(), engine, Checker(engine))


@pytest.fixture
def enrolled(
    database: Database, sealer: Sealer, assessment: Assessment, add_person: Callable[[str], UUID]
) -> tuple[UUID, UUID]:
    """A person with an approved photo: their id and the photo's."""
    person = add_person("2026001")
    with database.begin() as session:
        photo = photos.store(session, sealer, person, assessment, by="test", now=NOW)
        decisions.approve(session, photo, by="test", now=NOW)
    return person, photo.id


def _states(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(TemplateRecord.state)))


def test_pictures_stay_when_the_campus_keeps_them(
    database: Database, sealer: Sealer, enrolled: tuple[UUID, UUID]
) -> None:
    later = NOW + timedelta(days=1)
    with database.begin() as session:
        assert purge(session, RetentionPolicy(keep_pictures=True), now=later).settled == 0
        assert photos.read_picture(session, sealer, enrolled[1]).startswith(b"\xff\xd8")
        assert purge(session, RetentionPolicy(), now=later).settled == 1
        assert purge(session, RetentionPolicy(), now=later).settled == 0


def test_an_old_rejection_is_erased(
    database: Database, sealer: Sealer, assessment: Assessment, add_person: Callable[[str], UUID]
) -> None:
    person = add_person("2026001")
    with database.begin() as session:
        photo = photos.store(session, sealer, person, assessment, by="test", now=NOW)
        decisions.reject(session, photo, ["sharp"], by="test", now=NOW)
    with database.begin() as session:
        assert purge(session, RetentionPolicy(), now=NOW + timedelta(days=29)).rejected == 0
        assert purge(session, RetentionPolicy(), now=NOW + timedelta(days=31)).rejected == 1
        assert session.scalars(select(PhotoImage)).all() == []
    assert _states(database) == [TemplateState.WITHDRAWN]


@pytest.mark.parametrize("how", ["closed", "expired"])
def test_whoever_leaves_is_forgotten(database: Database, enrolled: tuple[UUID, UUID], how: str) -> None:
    with database.begin() as session:
        person = session.get_one(Person, enrolled[0])
        if how == "closed":
            person.state = PersonState.CLOSED
        else:
            person.valid_until = NOW
    with database.begin() as session:
        purged = purge(session, RetentionPolicy(), now=NOW + timedelta(days=8))
        assert purged.people_left == 1
        assert purge(session, RetentionPolicy(), now=NOW + timedelta(days=8)).people_left == 0
    assert _states(database) == [TemplateState.WITHDRAWN]


def test_a_new_model_gets_its_templates_beside_the_old_ones(
    database: Database, sealer: Sealer, enrolled: tuple[UUID, UUID], model_store: ModelStore, engine: FaceEngine
) -> None:
    other = FaceEngine(model_store, embedder="dlib-resnet", threads=1)
    assert rebuild(database, sealer, other, now=lambda: NOW).made == 1
    assert rebuild(database, sealer, other, now=lambda: NOW).made == 0, "what is done is not done again"
    with database.read() as session:
        assert list(templates.load_active(session, sealer, other.model_id)) == [enrolled[0]]
        assert list(templates.load_active(session, sealer, engine.model_id)) == [enrolled[0]]


def test_a_new_model_without_pictures_asks_for_new_photos(
    database: Database, sealer: Sealer, enrolled: tuple[UUID, UUID], model_store: ModelStore
) -> None:
    with database.begin() as session:
        settling.settle(session, now=NOW + timedelta(hours=1))
    other = FaceEngine(model_store, embedder="dlib-resnet", threads=1)
    rebuilt = rebuild(database, sealer, other, now=lambda: NOW)
    assert (rebuilt.made, rebuilt.without_picture) == (0, 1)


class EngineMeanwhile:
    """An engine before whose first answer something else happens."""

    def __init__(self, engine: FaceEngine, meanwhile: Callable[[], None]) -> None:
        self.model_id, self.dimension, self.embed, self.threshold = (
            engine.model_id,
            engine.dimension,
            engine.embed,
            engine.threshold,
        )
        self._engine = engine
        self._meanwhile: Callable[[], None] | None = meanwhile

    def detect(self, image: np.ndarray) -> list[Face]:
        if self._meanwhile is not None:
            self._meanwhile()
            self._meanwhile = None
        return self._engine.detect(image)


def test_photos_withdrawn_while_a_new_model_is_made_get_no_template_and_leave_nothing_to_do(
    database: Database,
    sealer: Sealer,
    assessment: Assessment,
    enrolled: tuple[UUID, UUID],
    *,
    add_person: Callable[[str], UUID],
    model_store: ModelStore,
) -> None:
    other_person = add_person("2026002")
    with database.begin() as session:
        later = photos.store(session, sealer, other_person, assessment, by="test", now=NOW)
        decisions.approve(session, later, by="test", now=NOW)

    def withdraw() -> None:
        """Of two photos one is being embedded, and the other one's picture is not read yet."""
        with database.begin() as session:
            for photo_id in (enrolled[1], later.id):
                photos.withdraw(session, photos.get(session, photo_id), by="test", now=NOW, why="asked for")

    other = EngineMeanwhile(FaceEngine(model_store, embedder="dlib-resnet", threads=1), withdraw)
    rebuilt = rebuild(database, sealer, other, now=lambda: NOW)
    assert (rebuilt.made, rebuilt.faceless, rebuilt.without_picture) == (0, 0, 0)
    assert set(_states(database)) == {TemplateState.WITHDRAWN}


def test_no_step_is_taken_twice(database: Database, enrolled: tuple[UUID, UUID]) -> None:
    with database.begin() as session, pytest.raises(lifecycle.StepError):
        decisions.approve(session, photos.get(session, enrolled[1]), by="test", now=NOW)


def test_nothing_leads_out_of_withdrawal() -> None:
    assert not any(lifecycle.is_possible(PhotoState.WITHDRAWN, state) for state in PhotoState)


def test_small_pictures_outlive_the_large_ones_unless_the_campus_keeps_none(
    database: Database, sealer: Sealer, enrolled: tuple[UUID, UUID]
) -> None:
    later = NOW + timedelta(days=1)
    assert purge_all(database, RetentionPolicy(), now=later).settled == 1
    with database.read() as session:
        assert photos.read_small_picture(session, sealer, enrolled[1]).startswith(b"\xff\xd8")
    assert purge_all(database, RetentionPolicy(keep_thumbnails=False), now=later).settled == 1
    with database.read() as session, pytest.raises(NotFoundError):
        photos.read_small_picture(session, sealer, enrolled[1])


def test_what_was_measured_on_a_withdrawn_photo_goes_with_it(database: Database, enrolled: tuple[UUID, UUID]) -> None:
    with database.begin() as session:
        photo = photos.get(session, enrolled[1])
        photos.withdraw(session, photo, by="test", now=NOW, why="test")
        assert (photo.report, photo.identity) == (None, None)
        assert session.scalars(select(PhotoThumbnail)).all() == []


def test_an_old_message_is_deleted_and_a_large_backlog_in_small_steps(
    database: Database, add_person: Callable[[str], UUID]
) -> None:
    person = add_person("2026001")
    content = {"zh": {"title": "", "body": ""}, "en": {"title": "", "body": ""}}
    with database.begin() as session:
        session.add_all(Notice(person_id=person, at=NOW, kind="test", content=content) for _ in range(450))
    with database.begin() as session:
        assert purge(session, RetentionPolicy(), now=NOW + timedelta(days=366)).notices == 200
    assert purge_all(database, RetentionPolicy(), now=NOW + timedelta(days=366)).notices == 250
