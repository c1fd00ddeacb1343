"""Portraits as the photo rules ask for, cut out of the photographs."""

from pathlib import Path

from PIL import Image

from enrollment.photo import decode
from models.engine import FaceEngine


def portrait(engine: FaceEngine, source: Path) -> Image.Image:
    """Cut head and shoulders of the largest face out of a photograph."""
    photograph = decode(source).image
    box = engine.detect(photograph)[0].box
    centre = box.left + box.width / 2
    left, right = centre - 1.25 * box.width, centre + 1.25 * box.width
    top, bottom = box.top - 0.75 * box.height, box.top + 2.25 * box.height
    return Image.fromarray(photograph).crop((max(0, round(left)), max(0, round(top)), round(right), round(bottom)))
