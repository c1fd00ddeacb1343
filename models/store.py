"""The store of installed models: a folder of converted files, each with its manifest."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from errors import OperatorError
from models import catalogue
from models.catalogue import CATALOGUE, CatalogueEntry
from models.convert import CONVERTERS, ConversionError
from models.files import published
from models.manifest import Manifest
from models.sources import Fetcher, SourceError, sha256_of


class ModelError(OperatorError):
    """A model cannot be used or installed; the message says which, why, and how to mend it."""


class ModelMissingError(ModelError):
    """The model is not installed."""


class ModelCorruptedError(ModelError):
    """The installed file is not what was installed."""


class ModelInstallError(ModelError):
    """The model could not be installed; the message names every source tried."""


class State(StrEnum):
    """Of a model in the store."""

    INSTALLED = "installed"
    MISSING = "missing"
    OUTDATED = "outdated"
    CORRUPTED = "corrupted"


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model of the catalogue and its state in this store."""

    entry: CatalogueEntry
    state: State
    source: str | None
    """Where the installed file came from."""


class InstallProgress(Protocol):
    """Receives how far the installation of a model is."""

    def __call__(self, name: str, stage: str, done: int = 0, total: int | None = None) -> None:
        """`stage` says what is being done with the model `name`; `done` of `total` bytes are there, where known."""


def _silent(name: str, stage: str, done: int = 0, total: int | None = None) -> None:
    del name, stage, done, total


class ModelStore:
    """Installs models into a cache directory and hands out verified files.

    Several processes may use one store: files and manifests are replaced in one step and are never changed in place.
    """

    def __init__(
        self, cache_dir: Path, mirror: Path | None = None, *, entries: Sequence[CatalogueEntry] = CATALOGUE
    ) -> None:
        """`mirror` is a directory that holds source files by their own names, asked before any network."""
        self._folder = cache_dir / "models"
        self._mirror = mirror
        self._entries = entries

    def path(self, name: str) -> Path:
        """Return the file of the model `name`, after checking its digest.

        Raises:
            UnknownModelError: the catalogue has no such model.
            ModelMissingError: it is not installed, or by an older release whose conversion differs.
            ModelCorruptedError: its bytes are not those that were installed.
        """
        entry = catalogue.entry(name, self._entries)
        state, manifest = self._check(entry)
        mend = f"run: campusgate models install {name}"
        match state:
            case State.MISSING:
                raise ModelMissingError(f"the model {name} is not installed; {mend}")
            case State.OUTDATED:
                raise ModelMissingError(f"the model {name} was converted by another release; {mend}")
            case State.CORRUPTED:
                raise ModelCorruptedError(f"the file of the model {name} is corrupted; {mend}")
        if manifest is None:
            raise AssertionError
        return self._folder / manifest.file

    def list(self) -> tuple[ModelStatus, ...]:
        """Return every model of the catalogue, without reading the installed files."""
        return tuple(self._status(entry, verify=False) for entry in self._entries)

    def verify(self, names: Sequence[str] = ()) -> tuple[ModelStatus, ...]:
        """Return the given or else all installed and default models, after checking the digest of each."""
        if names:
            return tuple(self._status(catalogue.entry(name, self._entries), verify=True) for name in names)
        statuses = (self._status(entry, verify=True) for entry in self._entries)
        return tuple(status for status in statuses if status.entry.default or status.state is not State.MISSING)

    def install(
        self,
        names: Sequence[str] = (),
        *,
        sha256: Mapping[str, str] | None = None,
        progress: InstallProgress = _silent,
    ) -> tuple[Path, ...]:
        """Install the given or else the default models; those already there and sound are left alone.

        `sha256` holds digests, by model, for entries whose digest the catalogue does not know.

        Raises:
            UnknownModelError: the catalogue has no such model.
            ModelInstallError: some could not be installed; all others are.
        """
        entries = [catalogue.entry(name, self._entries) for name in names]
        if not entries:
            entries = [entry for entry in self._entries if entry.default]
        failures = []
        with Fetcher(mirror=self._mirror, partial=self._folder / "partial") as fetcher:
            for entry in entries:
                try:
                    self._install(entry, (sha256 or {}).get(entry.name), fetcher, progress)
                except (SourceError, ConversionError) as error:
                    failures.append(f"the model {entry.name} could not be installed: {error}")
                except OSError as error:
                    failures.append(f"the model {entry.name} could not be written to {self._folder}: {error}")
        if failures:
            raise ModelInstallError("\n".join(failures))
        return tuple(self.path(entry.name) for entry in entries)

    def _install(
        self, entry: CatalogueEntry, given_sha256: str | None, fetcher: Fetcher, progress: InstallProgress
    ) -> None:
        def report(stage: str, done: int = 0, total: int | None = None) -> None:
            progress(entry.name, stage, done, total)

        if self._check(entry)[0] is State.INSTALLED:
            report("installed")
            return
        sha256 = _digest(entry, given_sha256)
        self._folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self._folder, prefix=".install-") as workspace:
            source = Path(workspace) / f"{entry.name}.source"
            origin = fetcher.fetch(entry.sources, sha256, source, report)
            report("converting")
            converted = Path(workspace) / f"{entry.name}.converted"
            CONVERTERS[entry.format].convert(source, converted)
            self._publish(entry, converted, origin, sha256)
        report("installed")

    def _publish(self, entry: CatalogueEntry, converted: Path, origin: str, source_sha256: str) -> None:
        """Move the converted file into place, under its digest: the file of an old manifest stays as it was."""
        converter = CONVERTERS[entry.format]
        digest = sha256_of(converted)
        target = self._folder / f"{entry.model_id}-{digest[:16]}{converter.suffix}"
        with published(target) as temporary:
            converted.replace(temporary)
        Manifest(
            name=entry.name,
            version=entry.version,
            source=origin,
            source_sha256=source_sha256,
            format=entry.format,
            converter_version=converter.version,
            file=target.name,
            sha256=digest,
        ).write(self._manifest_path(entry))
        ours = re.compile(rf"{re.escape(entry.name)}-\d+-[0-9a-f]{{16}}\.[a-z]+")
        for old in self._folder.iterdir():
            if ours.fullmatch(old.name) and old != target:
                old.unlink(missing_ok=True)

    def _check(self, entry: CatalogueEntry, *, verify: bool = True) -> tuple[State, Manifest | None]:
        manifest = Manifest.read(self._manifest_path(entry))
        if manifest is None:
            broken = self._manifest_path(entry).exists()
            return (State.CORRUPTED if broken else State.MISSING), None
        wanted = (entry.name, entry.version, entry.format, CONVERTERS[entry.format].version)
        current = (manifest.name, manifest.version, manifest.format, manifest.converter_version)
        if current != wanted or (entry.sha256 or manifest.source_sha256) != manifest.source_sha256:
            return State.OUTDATED, manifest
        file = self._folder / manifest.file
        if not file.is_file():
            return State.MISSING, manifest
        if verify and sha256_of(file) != manifest.sha256:
            return State.CORRUPTED, manifest
        return State.INSTALLED, manifest

    def _status(self, entry: CatalogueEntry, *, verify: bool) -> ModelStatus:
        state, manifest = self._check(entry, verify=verify)
        return ModelStatus(entry, state, manifest.source if manifest else None)

    def _manifest_path(self, entry: CatalogueEntry) -> Path:
        return self._folder / f"{entry.name}.json"


def _digest(entry: CatalogueEntry, given: str | None) -> str:
    if not entry.licence:
        raise SourceError("the catalogue has no note of its licence")
    if entry.sha256 and given and given.lower() != entry.sha256:
        raise SourceError(f"the catalogue knows another SHA-256, {entry.sha256}")
    sha256 = entry.sha256 or (given or "").lower()
    if not sha256:
        raise SourceError("the catalogue knows no SHA-256 of it; give the one you verified with --sha256")
    return sha256
