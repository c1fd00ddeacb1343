"""The pictograms: one for each rule, as the generator draws them, and safe to put on any page."""

from xml.etree import ElementTree as ET

import pytest

from enrollment.quality.rules import RULES
from tools.photo_pictograms import DRAWINGS, FOLDER, pictogram


def test_every_rule_has_a_pictogram_and_every_file_a_rule() -> None:
    names = {"good", "readable", *(rule.name for rule in RULES)}
    assert set(DRAWINGS) == names
    assert {path.stem for path in FOLDER.glob("*.svg")} == names


@pytest.mark.parametrize("name", DRAWINGS)
def test_the_file_is_what_the_generator_draws(name: str) -> None:
    drawn = pictogram(name)
    assert (FOLDER / f"{name}.svg").read_text("utf-8") == drawn, "run python -m tools.photo_pictograms"
    root = ET.fromstring(drawn)
    assert root.attrib["viewBox"] == "0 0 120 150"
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not tags & {"script", "image", "foreignObject", "use", "style"}, "a pictogram stands alone"
    assert "href" not in drawn
