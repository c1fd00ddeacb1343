"""`campusgate gates` from the shell, as the engineer at the IT centre uses it."""

import json
import os
from functools import partial
from pathlib import Path

import pytest

from tests import command_line, databases
from tests.keys import key_text


@pytest.fixture
def gates(tmp_path: Path):
    databases.begin(tmp_path)
    environment = {**os.environ, "CAMPUSGATE_DATA_DIR": str(tmp_path), "CAMPUSGATE_TEMPLATE_KEY": key_text("templates")}

    return partial(command_line.run, "gates", environment=environment)


def test_a_gate_is_added_opened_to_a_group_and_listed(gates) -> None:
    assert gates("add", "north", "--group", "students").returncode == 0
    assert gates("allow", "north", "teachers").returncode == 0
    listed = json.loads(gates("list", "--json").stdout)
    assert [(one["name"], one["groups"]) for one in listed] == [("north", ["students", "teachers"])]


def test_a_policy_is_printed_edited_and_given_back(gates, tmp_path: Path) -> None:
    gates("add", "north")
    policy = json.loads(gates("policy", "north").stdout)
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy | {"accepts_bare_uid": False}))
    assert gates("policy", "north", str(file)).returncode == 0
    assert json.loads(gates("policy", "north").stdout)["accepts_bare_uid"] is False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "north"), "already"),
        (("add", "Not A Name"), "gate"),
        (("add", "shower", "--kind", "wet_room", "--mode", "face_or_card"), "never has a camera"),
        (("allow", "north", "students", "--schedule", "nights"), "no schedule named nights"),
        (("allow", "south", "students"), "no gate 'south'"),
        (("policy", "north", "/nowhere.json"), "cannot be read"),
        (("why", "north", "1"), "nobody with the number 1"),
        (("why", "north", "1", "--shown", "smile"), "choose one of"),
    ],
)
def test_bad_input_is_one_line_that_says_what_is_wrong(gates, arguments, said: str) -> None:
    gates("add", "north")
    result = gates(*arguments)
    assert result.returncode == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
