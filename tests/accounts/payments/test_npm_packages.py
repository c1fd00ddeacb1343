"""Tests that need a package of npm are skipped by name where it cannot be had, and nothing is raised."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import npm_packages
from tests.ports import free_port
from tests.waiting import PATIENCE_S

_WELL = "#!/bin/sh\necho v20.11.0\n"


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache without packages."""
    monkeypatch.setenv("CAMPUSGATE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(npm_packages, "_tried", {})
    return tmp_path / "cache" / "npm"


@pytest.fixture
def tools(empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def write(folder: Path, programs: Mapping[str, str]) -> None:
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)


def skipped() -> str:
    with pytest.raises(pytest.skip.Exception) as skip:
        npm_packages.modules_of("left-pad", "1.3.0")
    return str(skip.value)


@pytest.mark.parametrize(
    ("programs", "says"),
    [
        ({"node": "#!/bin/sh\necho 'libnode.so: cannot open' >&2\nexit 127\n"}, "node does not run here: libnode.so"),
        ({"node": "#!/bin/sh\nkill -9 $$\n"}, "node does not run here: it ended with -9"),
        ({"node": "\x7fELF"}, "node does not run here: Exec format error"),
        ({"node": "#!/nowhere/sh\n"}, "node does not run here: No such file or directory"),
        ({"node": "#!/bin/sh\n"}, "node does not say its version here, but ''"),
        ({"node": "#!/bin/sh\necho a wrapper\n"}, "but 'a wrapper'"),
        ({"node": "#!/bin/sh\necho v12.22.9\n"}, "needs Node.js 18, here is v12.22.9"),
        ({"npm": "#!/bin/sh\necho 'npm error E404' >&2\nexit 1\n"}, "could not install left-pad@1.3.0: npm error E404"),
        ({"npm": "#!/bin/sh\nexit 1\n"}, "could not install left-pad@1.3.0: it ended with 1"),
        ({"npm": "\x7fELF"}, "could not install left-pad@1.3.0: Exec format error"),
    ],
)  # fmt: skip
def test_what_does_not_work_here_is_said(
    tools: Path, empty_cache: Path, programs: Mapping[str, str], says: str
) -> None:
    write(tools, {"node": _WELL, "npm": _WELL} | programs)
    assert says in skipped()
    assert not empty_cache.exists() or list(empty_cache.iterdir()) == [], "nothing half-installed is left"


def test_npm_is_not_asked_again_for_what_it_did_not_get(tools: Path) -> None:
    write(tools, {"node": _WELL, "npm": f"#!/bin/sh\necho asked >> {tools}/times\nexit 1\n"})
    assert skipped() == skipped()
    assert (tools / "times").read_text() == "asked\n"


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.skipif(not (shutil.which("npm") and shutil.which("node")), reason="node and npm are not installed")
def test_a_registry_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{free_port()}/")
    monkeypatch.setattr(npm_packages, "_OLDEST_NODE", 1)
    monkeypatch.setattr(npm_packages, "_TIMEOUT_S", 20 * PATIENCE_S)
    assert "ECONNREFUSED" in skipped()


def test_what_is_there_is_used_without_asking_npm(tools: Path, empty_cache: Path) -> None:
    write(tools, {"node": _WELL, "npm": "#!/bin/sh\nexit 1\n"})
    there = empty_cache / "left-pad-1.3.0"
    there.mkdir(parents=True)
    assert npm_packages.modules_of("left-pad", "1.3.0") == there / "node_modules"
