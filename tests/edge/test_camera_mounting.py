"""A camera that hangs on its head or on its side shows people upright once its gate's policy says so."""

from pathlib import Path
from threading import Event

import numpy as np
import pytest

from campusgate.settings.edge_policy_file import PolicyFileError, read_policy
from edge.camera import Mounting, SyntheticCamera, mounted

UPRIGHT = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_pictures_are_brought_upright(turns: int, mirrored: bool) -> None:
    # As the sensor sees it: mirrored by a glass first, then turned against what the setting undoes.
    seen = np.rot90(UPRIGHT[:, ::-1] if mirrored else UPRIGHT, turns)
    camera = mounted(SyntheticCamera([seen], live=True), Mounting(turns * 90, mirrored))  # type: ignore[arg-type] # 0 … 270
    (frame,) = camera.frames(Event())
    assert np.array_equal(frame.image, UPRIGHT)
    assert frame.image.flags.c_contiguous
    assert camera.live


def test_a_policy_says_how_the_camera_hangs(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text("[mounting]\nrotation = 180\nmirrored = true\n")
    assert read_policy(path).mounting == Mounting(180, mirrored=True)
    path.write_text("[mounting]\nrotation = 45\n")
    with pytest.raises(PolicyFileError, match="rotation"):
        read_policy(path)
