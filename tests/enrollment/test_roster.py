"""Intakes as they arrive: archives of a Mac and of Chinese Windows, and what computers put beside a person's files."""

import io
import zipfile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from enrollment.roster import RosterRow, open_source, read_roster

ZONE = ZoneInfo("Asia/Shanghai")
LIST = "number,name,photo\r\n2026001,王芳,照片/王芳.jpg\r\n,,\r\n2026002,古丽•买买提,\r\n"
FILES = {"照片/王芳.jpg": b"one", "照片/2026002.JFIF": b"two"}


def _zip(path: Path, files: dict[bytes, bytes]) -> Path:
    """Write an archive whose names are these bytes, without the flag that would say they are UTF-8."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            # Of the same length: it is exchanged for the bytes below.
            archive.writestr("x" * (len(name) - 4) + f"{len(archive.namelist()):04}", content)
        stand_ins = archive.namelist()
    written = stream.getvalue()
    for stand_in, name in zip(stand_ins, files, strict=True):
        written = written.replace(stand_in.encode(), name)
    path.write_bytes(written)
    return path


def _read(path: Path) -> tuple[list[RosterRow], list[bytes]]:
    with open_source(path) as source:
        rows = read_roster(source, ZONE)
        return rows, [source.read(row.photo) for row in rows if row.photo is not None]


def _check(path: Path) -> None:
    rows, photos = _read(path)
    assert [(row.number, row.name) for row in rows] == [("2026001", "王芳"), ("2026002", "古丽·买买提")]
    assert photos == [b"one", b"two"]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_names_without_the_flag_are_read_as_their_system_wrote_them(tmp_path: Path, encoding: str) -> None:
    files = {name.encode(encoding): content for name, content in FILES.items()}
    _check(_zip(tmp_path / "intake.zip", {b"people.csv": LIST.encode("gb18030"), **files}))


def test_an_archive_of_a_mac_has_one_list(tmp_path: Path) -> None:
    path = tmp_path / "intake.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {"people.csv": LIST.encode("utf-16"), **FILES}.items():
            archive.writestr(f"intake/{name}", content)
            folder, _, file = f"intake/{name}".rpartition("/")
            archive.writestr(f"__MACOSX/{folder}/._{file}", b"\0\5\x16\7")
        archive.writestr("intake/.DS_Store", b"")
    _check(path)


def test_a_folder_with_leftovers_has_one_list(tmp_path: Path) -> None:
    for name, content in {"people.csv": LIST.encode(), **FILES}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        (path.parent / f"._{path.name}").write_bytes(b"\0")
        (path.parent / f"~${path.name}").write_bytes(b"\0")
    (tmp_path / "Thumbs.db").write_bytes(b"")
    _check(tmp_path)


def test_names_with_accents_of_a_mac_are_found(tmp_path: Path) -> None:
    path = tmp_path / "intake.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("people.csv", "number,name,photo\n1,José,jos\u00e9.jpg\n")
        archive.writestr("jose\u0301.jpg", b"photo")
    assert _read(path)[1] == [b"photo"]
