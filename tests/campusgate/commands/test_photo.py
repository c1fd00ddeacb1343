"""`campusgate photo check`, as a user runs it, on every kind of file that people hand in."""

import json
import os
from functools import partial
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from models.store import ModelStore
from tests.command_line import run
from tests.enrollment.picture_bytes import QUICK_HEIF

check = partial(run, "photo", "check")


@pytest.fixture
def files(photographs: dict[str, Path], tmp_path: Path) -> dict[str, Path]:
    """Files by name: a good photograph in every form it may come in, and everything that is none."""
    pillow_heif.register_heif_opener()
    picture = Image.open(photographs["wang"]).convert("RGB")
    picture.thumbnail((600, 600))
    turned = Image.Exif()
    turned[0x0112] = 6

    def saved(name: str, image: Image.Image, **options: object) -> None:
        image.save(tmp_path / name, **options)

    saved("plain.jpg", picture, quality=92)
    saved("照片 王.jpg", picture, quality=92)
    saved("rotated.jpg", picture.transpose(Image.Transpose.ROTATE_90), quality=92, exif=turned)
    saved("cmyk.jpg", picture.convert("CMYK"), quality=92)
    saved("grey.jpg", picture.convert("L"), quality=92)
    saved("palette.png", picture.quantize(200))
    saved("alpha.png", picture.convert("RGBA"))
    sixteen = np.asarray(picture.convert("L")).astype(np.uint16) * 257
    saved("sixteen.png", Image.fromarray(sixteen))
    saved("moving.webp", picture, save_all=True, append_images=[picture.rotate(5)], duration=100)
    saved("phone.heic", picture, quality=90, **QUICK_HEIF)
    saved("huge.jpg", picture.resize((6000, round(6000 * picture.height / picture.width))), quality=70)
    saved("moving.gif", picture.quantize(64), save_all=True, append_images=[picture.quantize(32)])
    (tmp_path / "letter.jpg").write_text("Dear reviewer, here is my photo.")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "plain.jpg").read_bytes()[:9000])
    saved("bomb.png", Image.new("1", (12_000, 12_000)))
    (tmp_path / os.fsdecode(b"\xff.jpg")).symlink_to(tmp_path / "plain.jpg")
    return {path.name: path for path in tmp_path.iterdir()}


def test_every_file_gets_a_verdict(model_store: ModelStore, files: dict[str, Path]) -> None:
    names = sorted(files)
    result = check(*(files[name] for name in names), "--json")
    assert result.returncode == 0, result.stderr
    answers = dict(zip(names, json.loads(result.stdout), strict=True))
    failed = {
        name: {rule["rule"] for rule in answer["rules"] if not rule["passed"] and rule["level"] == "required"}
        for name, answer in answers.items()
    }
    unreadable = {"moving.gif", "letter.jpg", "empty.jpg", "cut.jpg", "bomb.png"}
    assert {name for name in names if failed[name] == {"readable"}} == unreadable
    assert all(answers[name]["verdict"] == "reject" and len(answers[name]["rules"]) == 1 for name in unreadable)
    assert {name for name in names if "colour" in failed[name]} == {"grey.jpg", "sixteen.png"}
    good = set(names) - unreadable - {"grey.jpg", "sixteen.png"}
    assert not {name: failed[name] for name in good if failed[name]}
    assert answers["照片 王.jpg"]["rules"] == answers["plain.jpg"]["rules"]
    assert [answers[name]["file"] for name in names if name.isprintable()] == [
        str(files[name]) for name in names if name.isprintable()
    ]


def test_what_is_missing_is_named_and_keeps_nobody_else_from_an_answer(
    model_store: ModelStore, photographs: dict[str, Path], tmp_path: Path
) -> None:
    absent = tmp_path / "absent.jpg"
    result = check(photographs["wang"], absent, tmp_path, "--json")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "absent.jpg: check the path" in result.stderr
    assert f"{tmp_path} is a folder" in result.stderr
    verdicts = [answer["verdict"] for answer in json.loads(result.stdout)]
    assert verdicts[0] != "reject"
    assert verdicts[1:] == ["reject", "reject"]


def test_a_wrong_file_of_limits_is_one_line(model_store: ModelStore, photographs: dict[str, Path]) -> None:
    result = check(photographs["wang"], "--limits", "nowhere.toml")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("campusgate: nowhere.toml")
    assert result.stderr.count("\n") == 1
