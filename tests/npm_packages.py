"""Packages of npm that tests run in Node.js, installed once into the user's cache by the user's own npm.

Where the machine has no Node.js that works, or npm gets no package, tests that need one are skipped and say why.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from campusgate.settings import Settings

_OLDEST_NODE = 18
_TIMEOUT_S = 120
_QUIETLY = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--omit=peer", "--loglevel=error"]
_SOON = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000"]
_tried: dict[str, str] = {}
"""Why a package could not be installed; it is not tried once more for each test."""


def modules_of(package: str, version: str) -> Path:
    """Return a `node_modules` with this version of a package and what it needs; without Node.js or npm, skip."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip(f"node and npm are not installed, which {package} runs in")
    said = _run(["node", "--version"], "node does not run here").strip()
    found = re.fullmatch(r"v(\d+)\..*", said)
    if found is None:
        pytest.skip(f"node does not say its version here, but {said[:80]!r}")
    if int(found[1]) < _OLDEST_NODE:
        pytest.skip(f"{package} needs Node.js {_OLDEST_NODE}, here is {said}")
    folder = Settings().cache_dir / "npm" / f"{package}-{version}"
    if not folder.exists():
        _install(f"{package}@{version}", folder)
    return folder / "node_modules"


def _install(what: str, folder: Path) -> None:
    """Install beside the folder and put it in its place when it is whole: other workers may do so at the same time."""
    if what in _tried:
        pytest.skip(_tried[what])
    folder.parent.mkdir(parents=True, exist_ok=True)
    begun = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    try:
        _run(["npm", "install", *_QUIETLY, *_SOON, "--prefix", str(begun), what], f"npm could not install {what}")
        begun.rename(folder)
    except pytest.skip.Exception as skip:
        _tried[what] = str(skip)
        raise
    except OSError:
        if not folder.exists():
            raise
    finally:
        shutil.rmtree(begun, ignore_errors=True)


def _run(command: list[str], failed: str) -> str:
    """Return what a command prints; one that does not run to a good end skips the test."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S, check=True)
    except subprocess.CalledProcessError as error:
        said = " ".join(f"{error.stderr} {error.stdout}".split()) or f"it ended with {error.returncode}"
        pytest.skip(f"{failed}: {said[:200]}")
    except subprocess.TimeoutExpired:
        pytest.skip(f"{failed} within {_TIMEOUT_S} s")
    except OSError as error:
        pytest.skip(f"{failed}: {error.strerror}")
    return done.stdout
