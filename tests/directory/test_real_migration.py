"""A gate in the middle of a change of models, with real photographs: whoever may pass gets in, and nobody else.

From the database over the real synchronisation into the replica, and from photographs through the edge's recognition,
vote and decision.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from access.decision import FaceResult
from access.passages import PassageLog
from access.reasons import Reason
from access.replica import DirectorySync, Replica
from accounts.vocabulary import PersonState
from directory.publisher import Publisher
from edge.camera import Frame
from edge.decider import Decider
from edge.engines import Engines
from edge.gallery import SearchSource, same_person_for, threshold_for
from edge.recognition import Recogniser, RecognitionPolicy
from edge.selection import FaceLimits
from edge.vote import IdentificationOutcome
from enrollment import templates
from enrollment.photo import decode
from messages import SystemClock
from models.embedders.registry import EMBEDDERS, make_embedder
from models.engine import FaceEngine
from models.store import ModelInstallError, ModelStore
from models.template import Template
from tests.databases import ON_SQLITE
from tests.directory.conftest import Campus

OLD, NEW = "mobilefacenet+dlib-resnet", "mobilefacenet+sface"
ENROLLED, STRANGERS = 12, 12
FRAMES = 6
"""Photographs of one person, one after the other as if they were frames: they differ far more than frames do."""


@pytest.fixture(scope="module")
def engines(model_store: ModelStore) -> dict[str, FaceEngine]:
    try:
        model_store.install(sorted({model for name in (OLD, NEW) for model in EMBEDDERS[name].models}))
    except ModelInstallError as error:
        pytest.skip(f"the embedders cannot be fetched here: {error}")
    first = FaceEngine(model_store, embedder=NEW, threads=1)
    return {NEW: first, OLD: first.with_embedder(make_embedder(model_store, OLD, threads=1))}


@pytest.fixture(scope="module")
def photographs() -> list[list[Path]]:
    """The photographs of people of whom there are four or more, one person after the other."""
    data = os.environ.get("CAMPUSGATE_DATA")
    if not data or not (Path(data) / "lfw").is_dir():
        pytest.skip("CAMPUSGATE_DATA names no folder of research data")
    people = [sorted(folder.glob("*.jpg")) for folder in sorted((Path(data) / "lfw").iterdir())]
    several = [pictures for pictures in people if len(pictures) >= 4]
    return several[:: len(several) // (ENROLLED + STRANGERS)][: ENROLLED + STRANGERS]


class Gate:
    """The edge of one gate, from its replica to its decision; nobody is let in but by `pass_by`."""

    def __init__(self, campus: Campus, engines: dict[str, FaceEngine]) -> None:
        first, other = engines[NEW], engines[OLD]
        self.engines = Engines(first, {other.model_id: lambda: other})
        self.replica = Replica(campus.folder / "edge.db", campus.sealer, gate="main", models=self.engines.runnable)
        campus.replicas.append(self.replica)
        self.sync = DirectorySync(
            "http://testserver",
            "main",
            campus.token("main"),
            self.replica,
            client=campus.client,
            models=lambda: self.engines.runnable,
        )
        self.searches = SearchSource(self.replica, self.engines, threshold=lambda model: threshold_for(model, 0.01))
        self.decider = Decider(self.replica, PassageLog.in_memory(), SystemClock())
        self.limits = FaceLimits(least_eye_distance=18, most_yaw=60)

    def refresh(self) -> list[str]:
        """Follow the server; return the models that are run now."""
        self.sync.run_once()
        self.searches.refresh()
        return sorted(gallery.model_id for gallery in self.searches.current.galleries)

    def pass_by(self, pictures: Sequence[Path]) -> tuple[UUID | None, Reason]:
        """Let one person stand before the camera; return who got in, or why nobody did."""
        recogniser = Recogniser(self.engines.first, RecognitionPolicy(limits=self.limits), same_person=same_person_for)
        for frame in frames(pictures):
            found = recogniser.recognise(frame, self.searches.current).identification
            if found is not None and found.outcome is IdentificationOutcome.PERSON:
                decision = self.decider.decide_face(FaceResult.MATCHED, found.person_id, model_id=found.model_id)
                return (found.person_id if decision.granted else None), decision.reason
        return None, self.decider.decide_face(FaceResult.UNKNOWN).reason


def frames(pictures: Sequence[Path]) -> Iterator[Frame]:
    for number in range(FRAMES):
        yield Frame(decode(pictures[number % len(pictures)].read_bytes()).image, number * 0.1, number)


def enrol(campus: Campus, person: UUID, picture: Path, *engines: FaceEngine) -> None:
    image = decode(picture.read_bytes()).image
    for engine in engines:
        vector = engine.embed(image, engine.detect(image)[:1], thorough=True)[0]
        with campus.database.begin() as session:
            template = Template(engine.model_id, np.asarray(vector))
            templates.store(session, campus.sealer, person, template, at=campus.clock.now)


@ON_SQLITE
def test_in_the_middle_of_a_change_everybody_who_may_gets_in_and_nobody_else(
    campus: Campus, engines: dict[str, FaceEngine], photographs: list[list[Path]]
) -> None:
    old, new = engines[OLD], engines[NEW]
    campus.gate("main", "students")
    enrolled, strangers = photographs[:ENROLLED], photographs[ENROLLED:]
    has = [(old,), (new,), (old, new)] * (ENROLLED // 3)
    people = [campus.person("staff" if number == 9 else "students") for number in range(ENROLLED)]
    for person, pictures, own in zip(people, enrolled, has, strict=True):
        enrol(campus, person, pictures[0], *own)
    with campus.database.begin() as session:
        templates.withdraw(session, people[6], at=campus.clock.now)
    campus.set_state(people[10], PersonState.SUSPENDED)
    campus.set_state(people[11], PersonState.CLOSED)
    refused = {9, 6, 10, 11}
    publisher = Publisher(campus.database, campus.sealer, model_id=old.model_id, clock=campus.clock)
    publisher.publish()
    publisher = Publisher(campus.database, campus.sealer, model_id=new.model_id, clock=campus.clock)
    publisher.publish()
    gate = Gate(campus, engines)

    def let_in() -> dict[int, tuple[UUID | None, Reason]]:
        return {number: gate.pass_by(pictures[1:]) for number, pictures in enumerate(enrolled)}

    def check(passed: dict[int, tuple[UUID | None, Reason]]) -> None:
        assert {number for number, (person, _) in passed.items() if person is not None} == (
            set(range(ENROLLED)) - refused
        )
        assert all(person in {people[number], None} for number, (person, _) in passed.items())
        assert passed[10][1] is Reason.SUSPENDED
        assert {passed[number][1] for number in refused - {10}} == {Reason.UNKNOWN_FACE}
        assert {gate.pass_by(pictures) for pictures in strangers} == {(None, Reason.UNKNOWN_FACE)}

    assert gate.refresh() == sorted((old.model_id, new.model_id))
    check(let_in())
    with campus.database.begin() as session:
        for number in (2, 3):  # of both models, and of the old one alone
            templates.withdraw(session, people[number], at=campus.clock.now)
    refused |= {2, 3}
    for number in (0, 9):
        enrol(campus, people[number], enrolled[number][0], new)
    publisher.publish()
    assert gate.refresh() == [new.model_id], "once nobody has only an old template, the new model runs alone"
    check(let_in())
