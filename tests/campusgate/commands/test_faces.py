"""`campusgate faces compare`, as a user runs it."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.store import ModelStore
from tests import command_line


def compare(*arguments: object) -> subprocess.CompletedProcess[str]:
    return command_line.run("faces", "compare", *arguments)


@pytest.mark.parametrize(("other", "same"), [("wang-again", True), ("stranger", False)])
def test_it_tells_one_person_from_two(
    model_store: ModelStore, photographs: dict[str, Path], other: str, same: bool
) -> None:
    result = compare(photographs["wang"], photographs[other], "--json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert set(answer) == {"model", "similarity", "threshold", "same_person"}
    assert answer["same_person"] is same
    assert (answer["similarity"] >= answer["threshold"]) is same


def test_what_cannot_be_compared_is_named_in_one_line(
    model_store: ModelStore, photographs: dict[str, Path], tmp_path: Path
) -> None:
    text, empty, wall, absent = (tmp_path / name for name in ("text.jpg", "empty.jpg", "wall.png", "absent.jpg"))
    text.write_text("no picture")
    empty.touch()
    Image.fromarray(np.full((300, 300, 3), 200, np.uint8)).save(wall)
    for bad, reason in ((text, "image"), (empty, "empty"), (wall, "no face"), (absent, "no file")):
        result = compare(photographs["wang"], bad, "--json")
        assert result.returncode == 2
        assert result.stdout == ""
        assert result.stderr.count("\n") == 1
        assert bad.name in result.stderr
        assert reason in result.stderr
