"""The photo rules on real portraits: good ones pass, each fault is noticed and explained in both languages."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from enrollment.eye_state import EyeState
from enrollment.person_mask import PersonMask
from enrollment.photo import Photo, Unreadable, UnreadablePhotoError, decode, encode_jpeg
from enrollment.quality import Checker, Level, LimitsError, QualityReport, Verdict, load_limits, report_unreadable
from enrollment.quality.rules import RULES
from models.engine import FaceEngine
from tests.doubles.degradations import FAULTS, Fault, Portrait

GOOD, OTHER = "real_00898.jpg", "real_00932.jpg"
STRONG = [fault for fault in FAULTS if fault.strong and "beautified" not in fault.rules]


def _portrait(path: Path, engine: FaceEngine, person_mask: PersonMask) -> Portrait:
    photo = decode(path)
    mesh = engine.detect(photo.image)[0].landmarks
    assert mesh is not None
    return Portrait(photo.image, mesh, person_mask.probability(photo.image))


@pytest.fixture(scope="module")
def good(portraits: Path, engine: FaceEngine, person_mask: PersonMask) -> Portrait:
    return _portrait(portraits / GOOD, engine, person_mask)


@pytest.fixture(scope="module")
def other(portraits: Path, engine: FaceEngine, person_mask: PersonMask) -> Portrait:
    return _portrait(portraits / OTHER, engine, person_mask)


def _failed(report: QualityReport) -> set[str]:
    return {result.rule for result in report.failed}


def test_a_good_portrait_is_accepted(checker: Checker, portraits: Path) -> None:
    report = checker.check(decode(portraits / GOOD))
    assert _failed(report) == set()
    assert report.verdict is Verdict.ACCEPT
    assert [result.rule for result in report.results] == ["readable", *(rule.name for rule in RULES)]
    assert all(result.finding.advice is None for result in report.results)


@pytest.mark.parametrize("name", ["real_00044", "real_00147", "real_00853"])
def test_closed_eyes_are_noticed(name: str, checker: Checker, portraits: Path) -> None:
    assert "eyes_open" in _failed(checker.check(decode(portraits / f"{name}.jpg")))


def test_narrow_dark_and_laughing_eyes_are_open(checker: Checker, portraits: Path) -> None:
    for name in ("real_00932", "real_00166", "real_00809", "real_00198", "real_00280"):
        assert "eyes_open" not in _failed(checker.check(decode(portraits / f"{name}.jpg"))), name


def test_eyes_at_the_border_of_the_picture_and_beyond_are_looked_at_as_far_as_they_are_there(
    eye_state: EyeState, good: Portrait
) -> None:
    image, mesh = good.image, good.mesh
    height, width = image.shape[:2]
    for shift in ((0, 0), (-width / 2, 0), (width / 2, -height / 2), (0, height), (2 * width, 0)):
        closed = eye_state.closed(image, mesh + np.array([*shift, 0], np.float32))
        assert all(0 <= value <= 1 for value in closed)


def test_without_the_network_the_mesh_says_how_far_the_eyes_are_open(engine: FaceEngine, portraits: Path) -> None:
    report = Checker(engine).check(decode(portraits / GOOD))
    finding = next(result.finding for result in report.results if result.rule == "eyes_open")
    assert finding.value == finding.details["opening"]
    assert finding.passed


@pytest.mark.parametrize("fault", STRONG, ids=lambda fault: fault.name)
def test_a_strong_fault_is_noticed_by_its_rule(fault: Fault, checker: Checker, good: Portrait, other: Portrait) -> None:
    picture = fault.degrade(good, other)
    report = checker.check(decode(encode_jpeg(picture, quality=fault.file.get("quality", 92))))
    found = _failed(report)
    if found == {"one_face"}:
        return  # No face is left to be measured.
    assert found & set(fault.rules)
    assert report.verdict is not Verdict.ACCEPT
    for result in report.failed:
        assert result.finding.advice is not None
        assert result.finding.advice.en
        assert any("\u4e00" <= letter <= "\u9fff" for letter in result.finding.advice.zh)


def test_greyscale_fails_for_its_colour_alone(checker: Checker, good: Portrait) -> None:
    grey = np.repeat(good.image.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    assert _failed(checker.check(decode(encode_jpeg(grey)))) == {"colour"}


def test_a_small_head_needs_a_body_below_it(checker: Checker, good: Portrait) -> None:
    far = next(fault for fault in FAULTS if fault.name == "far away").degrade(good, good)
    limits = load_limits()["framing"]
    for picture, limit in ((good.image, limits["smallest"]), (far, limits["smallest_alone"])):
        report = checker.check(decode(encode_jpeg(picture)))
        (framing,) = (result.finding for result in report.results if result.rule == "framing")
        assert framing.limit == limit


def test_an_editor_named_in_the_metadata_asks_for_a_reviewer(checker: Checker, good: Portrait) -> None:
    exif = Image.Exif()
    exif[0x0131] = "美图秀秀 10.2".encode()
    stream = io.BytesIO()
    Image.fromarray(good.image).save(stream, "JPEG", quality=92, exif=exif)
    report = checker.check(decode(stream.getvalue()))
    assert _failed(report) == {"beautified"}
    assert report.verdict is Verdict.REVIEW


def test_an_empty_wall_has_no_face(checker: Checker) -> None:
    report = checker.check(decode(encode_jpeg(np.full((400, 300, 3), 200, np.uint8))))
    assert "one_face" in _failed(report)
    assert report.verdict is Verdict.REJECT


def test_real_masks_are_noticed(checker: Checker, portraits: Path) -> None:
    masked = sorted((portraits.parents[1] / "occlusion" / "with_mask").glob("*.jpg"))[::8]
    if not masked:
        pytest.skip("the research data has no masked faces")
    caught = sum(checker.check(decode(path)).verdict is Verdict.REJECT for path in masked)
    assert caught >= 0.95 * len(masked)


def test_a_report_says_where_the_rules_looked(checker: Checker, portraits: Path) -> None:
    photo = decode(portraits / GOOD)
    place = checker.check(photo).geometry
    assert place is not None
    assert (place.height, place.width) == photo.image.shape[:2]
    left, top, width, height = place.faces[0]
    (right_x, eyes_y), (left_x, _) = (np.mean(eye, axis=0) for eye in (place.right_eye, place.left_eye))
    assert left < right_x < np.mean(place.nose, axis=0)[0] < left_x < left + width
    assert place.chin is not None
    assert top < eyes_y < np.mean(place.mouth, axis=0)[1] < place.chin[1]
    outline = np.array(max(place.person, key=len), np.int32)
    assert cv2.pointPolygonTest(outline, (float(right_x), float(eyes_y)), measureDist=False) > 0
    assert np.ptp(outline[:, 1]) > 1.5 * height, "shoulders are part of the person"


def test_the_same_photo_gives_the_same_report(checker: Checker, portraits: Path) -> None:
    photo = decode(portraits / GOOD)
    assert checker.check(photo).to_json() == checker.check(photo).to_json()


def test_scores_are_on_the_scale_of_the_standard(checker: Checker, good: Portrait) -> None:
    report = checker.check(decode(encode_jpeg(good.image)))
    scores = {result.rule: result.finding.score for result in report.results}
    assert all(score is None or 0 <= score <= 100 for score in scores.values())
    assert scores["one_face"] == 100
    assert scores["sharp"] is None, "the standard's sharpness needs a trained model"


@pytest.mark.parametrize("reason", Unreadable)
def test_an_unreadable_photo_is_rejected_with_advice(reason: Unreadable) -> None:
    report = report_unreadable(UnreadablePhotoError(reason, "why: mend"))
    assert report.verdict is Verdict.REJECT
    (rule,) = report.to_json()["rules"]
    assert rule["rule"] == "readable"
    assert not rule["passed"]
    assert rule["advice"]["zh"]
    assert rule["advice"]["en"]


def test_every_rule_has_limits_and_a_reason() -> None:
    limits = load_limits()
    assert set(limits) == {rule.name for rule in RULES}
    assert all(len(limits[name].reason) > 20 for name in limits)


def test_a_campus_changes_limits_in_a_file_of_its_own(tmp_path: Path, engine: FaceEngine, portraits: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text('[face_large_enough]\neye_distance = 100000\nlevel = "advisory"\n[colour]\nlevel = "off"\n')
    limits = load_limits(path)
    assert limits["face_large_enough"].level is Level.ADVISORY
    assert limits["frontal"] == load_limits()["frontal"]
    report = Checker(engine, limits=limits).check(decode(portraits / GOOD))
    assert report.verdict is Verdict.REVIEW
    assert "colour" not in {result.rule for result in report.results}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[frontel]\nyaw = 3\n", "there is no rule 'frontel'"),
        ("[frontal]\njaw = 3\n", "rule frontal has no jaw"),
        ('[frontal]\nlevel = "strict"\n', "rule frontal"),
        ('[frontal]\nyaw = "wide"\n', "rule frontal"),
        ("frontal = 3\n", "below the name of their rule"),
        ("[frontal\n", "cannot be read as TOML"),
    ],
)
def test_a_wrong_file_of_limits_says_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(text)
    with pytest.raises(LimitsError, match=message):
        load_limits(path)


def test_a_report_survives_without_a_person_mask(engine: FaceEngine, portraits: Path) -> None:
    photo: Photo = decode(portraits / GOOD)
    assert Checker(engine).check(photo).verdict is not Verdict.REJECT
