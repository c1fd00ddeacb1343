"""`campusgate faces calibrate` from the shell: made-up people in a real database, and real faces where they are."""

import base64
import json
import os
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from access.policy import GatePolicy, Rule
from accounts import people
from accounts.vocabulary import PersonKind
from campusgate.calibration.study import Passages, study
from campusgate.settings.edge_policy_file import read_policy
from database import Database, Sealer, new_id
from directory import gates
from directory.publisher import Publisher
from edge.gallery import threshold_for
from enrollment import templates
from enrollment.photo import decode
from messages import Event
from models.calibration import CALIBRATIONS, fmr_for_search
from models.embedders.registry import DEFAULT_EMBEDDER, EMBEDDERS
from models.engine import FaceEngine
from models.template import Template
from operations import event_store
from tests import command_line
from tests.databases import CREDENTIAL_KEY, begin
from tests.keys import key

KEY = key("templates")
MODEL = EMBEDDERS[DEFAULT_EMBEDDER].model_id
NOBODY = np.zeros(0)


def crowd(count: int, seed: int = 1, templates: int = 1, spread: float = 1.0) -> list[np.ndarray]:
    """Made-up people with a common face, so that strangers are as alike as real ones are."""
    generator = np.random.default_rng(seed)
    common, own = generator.standard_normal(320), generator.standard_normal((count, 1, 320))
    looks = generator.standard_normal((count, templates, 320))
    vectors = (common + spread * 2 * own + 0.35 * looks).astype(np.float32)
    return list(vectors / np.linalg.norm(vectors, axis=2, keepdims=True))


def campus(folder: Path, vectors: Sequence[np.ndarray], events: Sequence[dict[str, object]] = ()) -> Path:
    """A server's database with one gate, and people with active templates who may pass it."""
    begin(folder)
    database, now = Database(f"sqlite:///{folder / 'campusgate.db'}", credential_key=CREDENTIAL_KEY), datetime.now(UTC)
    sealer = Sealer(KEY)
    with database.begin() as session:
        gates.add(session, GatePolicy(gate="north", rules=(Rule(group="students"),)), title="N", by="test", now=now)
        for number, own in enumerate(vectors):
            particulars = people.Particulars(
                number=f"S{number}", name="-", kind=PersonKind.STUDENT, groups=("students",), valid_from=now
            )
            person = people.create(session, particulars, by="test", now=now)
            for vector in own:
                templates.store(session, sealer, person.id, Template(MODEL, vector), at=now)
        made = [
            Event(id=new_id(), gate="north", at=now - timedelta(hours=1), source="edge", **event) for event in events
        ]
        event_store.record(session, made, received_at=now)
    Publisher(database, sealer, model_id=MODEL).publish()
    database.close()
    return folder


@pytest.fixture
def calibrate(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    environment = {
        **os.environ,
        "CAMPUSGATE_DATA_DIR": str(tmp_path),
        "CAMPUSGATE_DATABASE_URL": f"sqlite:///{tmp_path / 'campusgate.db'}",
        "CAMPUSGATE_TEMPLATE_KEY": base64.b64encode(KEY).decode(),
    }

    return partial(command_line.run, "faces", "calibrate", environment=environment)


def passage(score: float, second: float, model: str = MODEL) -> dict[str, object]:
    details = {"score": score, "second": second, "model": model}
    return {"kind": "face_granted", "granted": True, "details": details}


def test_a_campus_gets_its_own_threshold_a_page_and_a_policy_file_that_the_edge_takes(calibrate, tmp_path) -> None:
    campus(tmp_path, crowd(120, templates=2), [passage(0.8, 0.5)] * 5 + [passage(0.9, 0.99, model="older-1")])
    page, policy = tmp_path / "north.html", tmp_path / "gate.toml"
    policy.write_text("fpir = 0.5\ncommand_ttl_ms = 2000\n\n[recognition.vote]\nneeded = 2\n")
    for _ in range(2):
        result = calibrate("north", "--fpir", "0.003", "--plot", str(page), "--policy", str(policy), "--json")
        assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert (answer["people_searched"], answer["people_compared"], answer["mated"]) == (120, 120, 240)
    assert (answer["passages"], answer["pairs"], answer["basis"]) == (5, 120 * 119, "extrapolated")
    wanted = next(row for row in answer["rates"] if row["fpir"] == 0.003)
    assert wanted["estimate"]["low"] <= wanted["estimate"]["threshold"] <= wanted["estimate"]["high"]
    assert wanted["chosen"] == answer["threshold"] >= wanted["model"]
    assert wanted["mated_missed"]["of"] == 240

    tuned = read_policy(policy)
    assert (tuned.fpir, tuned.command_ttl_ms, tuned.recognition.vote.needed) == (0.003, 2000, 2)
    at_the_gate = threshold_for(MODEL, tuned.fpir, tuned.calibration)
    assert at_the_gate(120) == pytest.approx(answer["threshold"], abs=0.01)
    assert at_the_gate(3000) > at_the_gate(120)

    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 2
    assert f"{answer['threshold']:.3f}" in text
    assert "S0" not in text


def test_a_campus_of_one_person_is_told_the_model_s_threshold_and_why(calibrate, tmp_path) -> None:
    campus(tmp_path, crowd(1))
    result = calibrate("north")
    assert result.returncode == 0, result.stderr
    assert "too few people" in result.stdout
    answer = json.loads(calibrate("north", "--people", "5000", "--json").stdout)
    assert (answer["basis"], answer["people_searched"]) == ("model", 5000)
    assert answer["threshold"] == pytest.approx(CALIBRATIONS[MODEL].threshold(fmr_for_search(0.01, 5000)))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("south",), "no gate 'south'"),
        (("north", "--fpir", "1.5"), "between 0 and 1"),
        (("north", "--policy", "/nowhere/gate.toml"), "cannot be written"),
        (("north", "--plot", "/nowhere/gate.html"), "cannot be written"),
    ],
)
def test_bad_input_is_one_line(calibrate, tmp_path, arguments, said) -> None:
    campus(tmp_path, crowd(1))
    result = calibrate(*arguments)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert said in result.stderr


def test_what_was_measured_on_the_campus_may_be_more_lenient_than_the_model_and_a_guess_may_not() -> None:
    nothing = Passages(NOBODY, NOBODY, NOBODY)
    unlike = crowd(400, spread=1.6)
    measured = study(unlike, NOBODY, nothing, model_id=MODEL, size=30, fpir=0.01)
    assert measured.basis == "templates"
    assert measured.wanted.chosen < measured.wanted.model
    guessed = study(unlike, NOBODY, nothing, model_id=MODEL, size=30_000, fpir=0.001)
    assert guessed.basis == "extrapolated"
    assert guessed.wanted.chosen == guessed.wanted.model


def test_passages_that_show_more_false_matches_raise_every_threshold() -> None:
    strangers = np.clip(np.random.default_rng(1).normal(0.6, 0.08, 5000), -1, 1)
    vectors = crowd(200)
    without = study(vectors, NOBODY, Passages(NOBODY, NOBODY, NOBODY), model_id=MODEL, size=200, fpir=0.01)
    found = study(vectors, NOBODY, Passages(NOBODY, strangers, NOBODY), model_id=MODEL, size=200, fpir=0.01)
    assert found.basis == "passages"
    assert found.wanted.chosen == pytest.approx(np.quantile(strangers, 0.99), abs=1e-3)
    assert found.wanted.chosen > without.wanted.chosen
    assert all(one.chosen >= other.chosen for one, other in zip(found.rows, without.rows, strict=True))
    assert found.wanted.passages_false.value == pytest.approx(0.01, abs=1e-3)


def test_real_faces_give_a_threshold_near_the_one_measured_on_millions_of_pairs(engine: FaceEngine) -> None:
    data = os.environ.get("CAMPUSGATE_DATA")
    if not data or not (Path(data) / "lfw").is_dir():
        pytest.skip("CAMPUSGATE_DATA names no folder with lfw")
    photos = [next(iter(sorted(folder.glob("*.jpg")))) for folder in sorted((Path(data) / "lfw").iterdir())[::75]]
    vectors = []
    for photo in photos:
        image = decode(photo).image
        vectors += [engine.embed(image, engine.detect(image)[:1], thorough=True)]
    found = study(vectors, NOBODY, Passages(NOBODY, NOBODY, NOBODY), model_id=MODEL, size=len(vectors), fpir=0.1)
    assert len(vectors) > 40
    assert found.wanted.estimate is not None
    assert found.wanted.estimate.low < found.wanted.model < found.wanted.estimate.high
