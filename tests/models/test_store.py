"""The store: what it installs is whole, checked and said; what is broken is named with its mend."""

import hashlib
import json
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from models.catalogue import CATALOGUE, CatalogueEntry, UnknownModelError, entry
from models.convert import CONVERTERS
from models.convert.converters import Converter
from models.store import (
    ModelCorruptedError,
    ModelInstallError,
    ModelMissingError,
    ModelStore,
    State,
)

WEIGHTS = b"weights " * 40_000
NOWHERE = "https://localhost:1/models"


def make_entry(name: str = "plain", content: bytes = WEIGHTS, **changes) -> CatalogueEntry:
    """A model that is used as it comes, to be had from a mirror only."""
    return replace(
        entry("yunet"),
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        sources=(f"{NOWHERE}/{name}.onnx",),
        default=True,
        **changes,
    )


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "plain.onnx").write_bytes(WEIGHTS)
    (folder / "other.onnx").write_bytes(b"other")
    return folder


@pytest.fixture
def make_store(tmp_path: Path, mirror: Path) -> Callable[..., ModelStore]:
    """Makes a store over one cache directory, for the given entries."""

    def make(*entries: CatalogueEntry, mirror: Path | None = mirror) -> ModelStore:
        return ModelStore(tmp_path / "cache", mirror, entries=entries or (make_entry(),))

    return make


def files(tmp_path: Path) -> list[str]:
    """Return the names of all files of the store, hidden ones included."""
    folder = tmp_path / "cache" / "models"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_installed_model_is_handed_out_with_a_manifest(make_store, tmp_path: Path) -> None:
    store = make_store()
    assert store.install() == (store.path("plain"),)
    assert store.path("plain").read_bytes() == WEIGHTS
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    assert files(tmp_path) == [f"plain-1-{digest[:16]}.onnx", "plain.json"]
    manifest = json.loads((tmp_path / "cache" / "models" / "plain.json").read_text())
    assert manifest["source"] == "mirror:plain.onnx"
    assert manifest["source_sha256"] == manifest["sha256"] == digest


def test_a_missing_model_is_named_with_its_mend(make_store) -> None:
    with pytest.raises(ModelMissingError, match=r"model plain is not installed; run: campusgate models install plain"):
        make_store().path("plain")


def test_an_unknown_model_is_refused_everywhere(make_store) -> None:
    store = make_store()
    for use in (store.path, lambda name: store.install([name]), lambda name: store.verify([name])):
        with pytest.raises(UnknownModelError, match=r"no model 'none'; there are plain"):
            use("none")


@pytest.mark.parametrize("damage", ["bit", "cut", "empty"])
def test_a_corrupted_file_is_named_and_mended_by_installing_again(make_store, damage: str) -> None:
    store = make_store()
    path = store.install()[0]
    damaged = {"bit": b"W" + WEIGHTS[1:], "cut": WEIGHTS[:-1], "empty": b""}[damage]
    path.write_bytes(damaged)

    with pytest.raises(
        ModelCorruptedError, match=r"the model plain is corrupted; run: campusgate models install plain"
    ):
        store.path("plain")
    assert [status.state for status in store.verify()] == [State.CORRUPTED]

    store.install()
    assert store.path("plain").read_bytes() == WEIGHTS
    assert [status.state for status in store.verify()] == [State.INSTALLED]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "plain"}'])
def test_a_broken_manifest_is_named_and_mended(make_store, tmp_path: Path, content: str) -> None:
    store = make_store()
    store.install()
    (tmp_path / "cache" / "models" / "plain.json").write_text(content)
    with pytest.raises(ModelCorruptedError, match="plain"):
        store.path("plain")
    store.install()
    assert store.path("plain").read_bytes() == WEIGHTS


def test_a_manifest_cannot_lead_out_of_the_store(make_store, tmp_path: Path) -> None:
    store = make_store()
    store.install()
    path = tmp_path / "cache" / "models" / "plain.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"file": "../../mirror/plain.onnx"}))
    with pytest.raises(ModelCorruptedError):
        store.path("plain")


def test_a_file_that_was_removed_counts_as_missing(make_store) -> None:
    store = make_store()
    store.install()[0].unlink()
    with pytest.raises(ModelMissingError):
        store.path("plain")


def test_installing_again_asks_no_source(make_store) -> None:
    make_store().install()
    store = make_store(mirror=None)
    told = []
    store.install(progress=lambda *news: told.append(news))
    assert told == [("plain", "installed", 0, None)]


def test_a_wrong_file_leaves_nothing_and_every_source_is_named(make_store, mirror: Path, tmp_path: Path) -> None:
    (mirror / "plain.onnx").write_bytes(b"rotten")
    with pytest.raises(ModelInstallError) as caught:
        make_store().install()
    message = str(caught.value)
    assert message.startswith("the model plain could not be installed: no source gave the file:")
    assert f"mirror {mirror / 'plain.onnx'}: its SHA-256 is" in message
    assert f"{NOWHERE}/plain.onnx: " in message
    assert files(tmp_path) == []


def test_one_failure_does_not_keep_the_others_from_being_installed(make_store, mirror: Path) -> None:
    (mirror / "plain.onnx").unlink()
    store = make_store(make_entry(), make_entry("other", b"other"))
    with pytest.raises(ModelInstallError, match="plain") as caught:
        store.install()
    assert "other" not in str(caught.value)
    assert store.path("other").read_bytes() == b"other"


def test_a_model_without_a_licence_note_cannot_be_installed(make_store, tmp_path: Path) -> None:
    with pytest.raises(ModelInstallError, match="licence"):
        make_store(make_entry(licence=None)).install()
    assert files(tmp_path) == []


def test_a_model_without_a_known_digest_needs_the_users(make_store) -> None:
    unknown = replace(make_entry(), sha256=None)
    store = make_store(unknown)
    with pytest.raises(ModelInstallError, match="--sha256"):
        store.install()
    with pytest.raises(ModelInstallError, match="its SHA-256 is"):
        store.install(sha256={"plain": "0" * 64})
    store.install(sha256={"plain": hashlib.sha256(WEIGHTS).hexdigest().upper()})
    assert store.path("plain").read_bytes() == WEIGHTS


def test_the_users_digest_does_not_replace_a_known_one(make_store, mirror: Path) -> None:
    (mirror / "plain.onnx").write_bytes(b"rotten")
    with pytest.raises(ModelInstallError, match="the catalogue knows another SHA-256"):
        make_store().install(sha256={"plain": hashlib.sha256(b"rotten").hexdigest()})


def test_a_source_that_cannot_be_converted_leaves_nothing(make_store, tmp_path: Path) -> None:
    with pytest.raises(ModelInstallError, match=r"plain could not be installed: .*dlib"):
        make_store(make_entry(format="dlib")).install()
    assert files(tmp_path) == []


def test_a_model_converted_by_an_older_release_is_converted_again(
    make_store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = make_store()
    store.install()
    monkeypatch.setattr("models.store.CONVERTERS", {**CONVERTERS, "onnx": Converter(".onnx", 99, None)})
    assert [status.state for status in store.list()] == [State.OUTDATED]
    with pytest.raises(ModelMissingError, match=r"converted by another release; run: campusgate models install plain"):
        store.path("plain")
    store.install()
    assert store.path("plain").read_bytes() == WEIGHTS


def test_a_new_release_of_a_model_replaces_the_old_file(make_store, mirror: Path, tmp_path: Path) -> None:
    make_store().install()
    newer = b"newer weights"
    (mirror / "plain.onnx").write_bytes(newer)
    store = make_store(make_entry(content=newer, version=2))
    store.install()
    assert store.path("plain").read_bytes() == newer
    assert len(files(tmp_path)) == 2


def test_models_whose_names_begin_alike_do_not_remove_each_other(make_store, mirror: Path) -> None:
    (mirror / "plain-2.onnx").write_bytes(b"second")
    store = make_store(make_entry(), make_entry("plain-2", b"second"))
    store.install(["plain-2"])
    store.install(["plain"])
    assert [status.state for status in store.verify()] == [State.INSTALLED, State.INSTALLED]


def test_a_full_disk_is_said_and_leaves_nothing(make_store, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, hard))
    try:
        with pytest.raises(ModelInstallError, match=r"plain could not be written to .*File too large"):
            make_store().install()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)
    assert files(tmp_path) == []


def test_a_store_that_cannot_be_written_is_said(tmp_path: Path, mirror: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(ModelInstallError, match="could not be written"):
        ModelStore(tmp_path / "cache", mirror, entries=(make_entry(),)).install()


def test_several_may_install_at_once(make_store) -> None:
    failures = []

    def install() -> None:
        try:
            store = make_store()
            for _ in range(5):
                store.install()
                assert store.path("plain").read_bytes() == WEIGHTS
        except Exception as error:  # noqa: BLE001 - reported below
            failures.append(error)

    threads = [threading.Thread(target=install) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_verification_covers_what_is_installed_and_what_should_be(make_store) -> None:
    optional = replace(make_entry("other", b"other"), default=False)
    store = make_store(make_entry(), optional)
    assert [(status.entry.name, status.state) for status in store.verify()] == [("plain", State.MISSING)]
    store.install(["other"])
    assert [(status.entry.name, status.state) for status in store.verify()] == [
        ("plain", State.MISSING),
        ("other", State.INSTALLED),
    ]
    assert [status.source for status in store.list()] == [None, "mirror:other.onnx"]


def test_every_default_model_can_be_installed(model_store: ModelStore) -> None:
    states = {status.entry.name: status.state for status in model_store.verify()}
    for model in CATALOGUE:
        if model.default:
            assert states[model.name] is State.INSTALLED


def test_a_start_with_installed_models_loads_no_converter() -> None:
    """A gate's start should not pay for libraries that only a conversion needs."""
    heavy = ("onnx", "tflite2onnx", "onnxruntime", "cv2")
    program = f"import sys, models.store; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
