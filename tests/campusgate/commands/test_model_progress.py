"""`campusgate templates progress` and `forget`, `campusgate gates model`: a change of models, from the shell."""

import base64
import json
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from access.policy import GatePolicy, Rule
from accounts import people
from accounts.vocabulary import PersonKind
from database import Database, Sealer
from directory import gates
from directory.publisher import Publisher
from enrollment import templates
from models.embedders.registry import DEFAULT_EMBEDDER, EMBEDDERS
from models.template import Template
from tests import command_line
from tests.databases import CREDENTIAL_KEY, begin
from tests.keys import key

KEY = key("templates")
NEW = EMBEDDERS[DEFAULT_EMBEDDER].model_id
OLD = next(kind.model_id for kind in EMBEDDERS.values() if kind.model_id != NEW)

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def campus(tmp_path: Path) -> Run:
    """One person with the old template only, one with both, one gate; the server's settings name the new model."""
    begin(tmp_path)
    url, now, sealer = f"sqlite:///{tmp_path / 'campusgate.db'}", datetime.now(UTC), Sealer(KEY)
    database = Database(url, credential_key=CREDENTIAL_KEY)
    with database.begin() as session:
        gates.add(session, GatePolicy(gate="north", rules=(Rule(group="students"),)), title="N", by="test", now=now)
        for number, models in (("S1", (OLD,)), ("S2", (OLD, NEW))):
            particulars = people.Particulars(
                number=number, name="-", kind=PersonKind.STUDENT, groups=("students",), valid_from=now
            )
            person = people.create(session, particulars, by="test", now=now)
            for model in models:
                vector = np.eye(8, dtype=np.float32)[len(model) % 8]
                templates.store(session, sealer, person.id, Template(model, vector), at=now)
    for model in (OLD, NEW):
        Publisher(database, sealer, model_id=model).publish()
    environment = {
        **os.environ,
        "CAMPUSGATE_DATA_DIR": str(tmp_path),
        "CAMPUSGATE_DATABASE_URL": url,
        "CAMPUSGATE_TEMPLATE_KEY": base64.b64encode(KEY).decode(),
    }

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        done = command_line.run(*arguments, environment=environment | variables)
        Publisher(database, sealer, model_id=NEW).publish()
        return done

    return run


def test_progress_names_who_is_left_and_is_done_when_nobody_is(campus: Run) -> None:
    shown = campus("templates", "progress", "--json")
    told = json.loads(shown.stdout)
    assert (shown.returncode, told["done"], told["models"]) == (1, False, [NEW, OLD])
    assert [(one["model_id"], one["people"]) for one in told["people"]["models"]] == [(NEW, 1), (OLD, 1)]
    (gate,) = told["gates"]
    assert {one["model_id"]: one["people"] for one in gate["matched"]} == {NEW: 1, OLD: 1}
    assert f"1 by {OLD} alone" in campus("templates", "progress").stdout

    refused = campus("templates", "forget", OLD)
    assert refused.returncode == 2
    assert f"1 people are recognised by {OLD} alone" in refused.stderr
    assert campus("templates", "forget", NEW).returncode == 2, "it is in use"
    assert json.loads(campus("templates", "forget", OLD, "--everybody", "--json").stdout)["erased"] == 2
    done = campus("templates", "progress", "--json")
    assert (done.returncode, json.loads(done.stdout)["models"]) == (0, [NEW])


def test_progress_needs_no_weights_and_names_those_that_the_server_lacks(campus: Run, tmp_path: Path) -> None:
    shown = campus("templates", "progress", "--json", CAMPUSGATE_CACHE_DIR=str(tmp_path / "empty"))
    assert json.loads(shown.stdout)["not_made"] == [NEW, OLD]
    shown = campus("templates", "progress", CAMPUSGATE_CACHE_DIR=str(tmp_path / "empty"))
    assert (shown.returncode, shown.stderr) == (1, "")
    assert f"this computer lacks the weights of {OLD}: new photos get no template of it" in shown.stdout


def test_a_gate_gets_a_model_of_its_own_and_gives_it_back(campus: Run) -> None:
    campus("gates", "model", "north", OLD)
    shown = json.loads(campus("gates", "model", "north", "--json").stdout)
    assert (shown["model_id"], shown["is_own_choice"]) == (OLD, True)
    assert [(one["model_id"], one["people"]) for one in shown["matched"]] == [(OLD, 2)]
    assert campus("gates", "model", "north", "--campus").returncode == 0
    assert json.loads(campus("gates", "model", "north", "--json").stdout)["model_id"] == NEW
    for arguments, said in ((("north", "other-1"), "not 'other-1'"), (("south",), "no gate 'south'")):
        refused = campus("gates", "model", *arguments)
        assert (refused.returncode, said in refused.stderr) == (2, True)
