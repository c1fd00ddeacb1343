"""Pictures of false faces: kept only where the campus wants them, sealed, and gone in time."""

import os
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import cv2
import numpy as np
import pytest

from database import Sealer, SealingError
from edge.spoof_pictures import SpoofPictures
from models.box import Box
from tests import command_line
from tests.keys import key

KEY = key("templates")
BOX = Box(300, 200, 60, 60)


def view() -> np.ndarray:
    image = np.full((480, 640, 3), 90, np.uint8)
    image[:, 600:] = (255, 0, 0)  # somebody else, at the edge of the view
    return image


@pytest.fixture
def pictures(tmp_path: Path) -> SpoofPictures:
    return SpoofPictures(tmp_path / "spoofs", Sealer(KEY), days=7, most=3)


def files(folder: Path) -> list[Path]:
    return sorted((folder / "spoofs").glob("*"))


def test_what_is_kept_is_sealed_for_its_event_and_shows_only_what_is_around_the_face(pictures, tmp_path) -> None:
    event = uuid4()
    pictures.keep(event, view(), BOX)
    (file,) = files(tmp_path)
    assert b"\xff\xd8\xff" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    shown = cv2.imdecode(np.frombuffer(pictures.open(event), np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape[0] == pytest.approx(3.4 * 60, abs=2)
    assert shown[..., 2].max() < 120
    other = uuid4()
    file.rename(file.with_name(f"{other}.sealed"))
    with pytest.raises(SealingError):
        pictures.open(other)
    assert pictures.open(event) is None


def test_pictures_are_deleted_after_their_days_and_beyond_their_number(pictures, tmp_path) -> None:
    now = datetime.now(UTC)
    for age in (8, 5, 4, 3, 2):
        event = uuid4()
        pictures.keep(event, view(), BOX)
        stamp = (now - timedelta(days=age)).timestamp()
        os.utime(tmp_path / "spoofs" / f"{event}.sealed", (stamp, stamp))
    pictures.purge(now)
    assert len(files(tmp_path)) == 3
    assert pictures.purge(now + timedelta(days=5)) == 2


def test_a_disk_that_refuses_costs_the_gate_nothing(pictures, tmp_path) -> None:
    (tmp_path / "spoofs").write_text("no folder")
    pictures.keep(uuid4(), view(), BOX)


def test_a_picture_is_opened_at_the_edge_by_its_event(pictures, tmp_path) -> None:
    event = UUID(int=7)
    SpoofPictures(tmp_path / "edge" / "north" / "spoofs", Sealer(KEY), days=7, most=3).keep(event, view(), BOX)
    environment = {
        **os.environ,
        "CAMPUSGATE_DATA_DIR": str(tmp_path),
        "CAMPUSGATE_GATE": "north",
        "CAMPUSGATE_TEMPLATE_KEY": b64encode(KEY).decode(),
    }

    run = partial(command_line.run, "faces", "spoof-picture", environment=environment)
    target = tmp_path / "shown.jpg"
    assert run(str(event), str(target)).returncode == 0
    assert target.read_bytes()[:3] == b"\xff\xd8\xff"
    absent = run(str(UUID(int=8)), str(target))
    assert (absent.returncode, absent.stderr.count("\n")) == (2, 1)
    assert "no picture" in absent.stderr
