"""The photographs of the demonstration. They are fetched from published packages at set-up, never shipped.

The people in them are public figures and have nothing to do with any campus; names and numbers here are invented.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from errors import OperatorError
from models.sources import Fetcher, Progress, SourceError, sha256_of, silent


@dataclass(frozen=True, slots=True)
class Photograph:
    """One photograph: its name here, its source, and the digest of its bytes."""

    name: str
    source: str
    sha256: str


_EXAMPLES = "pypi:face_recognition==1.3.0!tests/test_images"

PHOTOGRAPHS = (
    Photograph("wang", f"{_EXAMPLES}/obama.jpg", "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6"),
    Photograph(
        "wang-at-the-gate",
        f"{_EXAMPLES}/obama2.jpg",
        "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6",
    ),
    Photograph(
        "wang-again", f"{_EXAMPLES}/obama3.jpg", "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3"
    ),
    Photograph(
        "stranger", f"{_EXAMPLES}/biden.jpg", "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c"
    ),
    Photograph(
        "li",
        "pypi:scikit-image==0.26.0!skimage/data/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ),
)


class PhotographsMissingError(OperatorError):
    """A photograph could not be fetched; the message says from where and why."""


def fetch_photographs(folder: Path, *, mirror: Path | None = None, progress: Progress = silent) -> dict[str, Path]:
    """Return the photographs by name, fetching into `folder` what is not there.

    Raises:
        PhotographsMissingError: a source did not answer.
    """
    paths = {
        photograph.name: folder / f"{photograph.name}{Path(photograph.source).suffix}" for photograph in PHOTOGRAPHS
    }
    missing = [one for one in PHOTOGRAPHS if not _is_there(paths[one.name], one.sha256)]
    if missing:
        with _refusals(), Fetcher(mirror=mirror) as fetcher:
            for photograph in missing:
                fetcher.fetch([photograph.source], photograph.sha256, paths[photograph.name], progress)
    return paths


def _is_there(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of(path) == sha256


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except SourceError as error:
        raise PhotographsMissingError(f"a photograph of the demonstration could not be fetched: {error}") from error
