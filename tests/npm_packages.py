"""Packages of npm that tests run in Node.js, installed once into the user's cache by the user's own npm."""

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


def modules_of(package: str, version: str) -> Path:
    """Return a `node_modules` with this version of a package and what it needs; without Node.js or npm, skip."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip(f"node and npm are not installed, which {package} runs in")
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(said.strip().removeprefix("v").partition(".")[0]) < _OLDEST_NODE:
        pytest.skip(f"{package} needs Node.js {_OLDEST_NODE}, here is {said.strip()}")
    folder = Settings().cache_dir / "npm" / f"{package}-{version}"
    if not folder.exists():
        _install(f"{package}@{version}", folder)
    return folder / "node_modules"


def _install(what: str, folder: Path) -> None:
    """Install beside the folder and put it in its place when it is whole: other workers may do so at the same time."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    begun = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    try:
        command = ["npm", "install", *_QUIETLY, *_SOON, "--prefix", str(begun), what]
        subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
        begun.rename(folder)
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().replace("\n", " ")
        pytest.skip(f"npm could not install {what}: {said[:200]}")
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install {what} within {_TIMEOUT_S} s")
    except OSError:
        if not folder.exists():
            raise
    finally:
        shutil.rmtree(begun, ignore_errors=True)
