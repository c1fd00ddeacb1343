"""Prints as JSON what opening photos of each kind takes: bytes the process grew by, and bytes the header told.

Each picture is made in one forked process and opened in another one, which so starts with the same memory.
"""

import json
import os
import resource
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image

from enrollment.photo import WORKING_SIDE, decode
from enrollment.picture_file import open_picture
from tests.enrollment.picture_bytes import png, saved, with_property

Maker = Callable[[], bytes]
TURN = b"\0\0\0\x09irot\x03"


def _plain(mode: str, size: tuple[int, int]) -> Image.Image:
    return Image.new(mode, size, tuple(range(90, 90 + 40 * len(Image.new(mode, (1, 1)).getbands()), 40)))


def _heic(mode: str, size: tuple[int, int], **options: int) -> bytes:
    channels = len(mode.split(";", maxsplit=1)[0]) if not mode.startswith("I") else 1
    kind = np.uint16 if ";16" in mode else np.uint8
    pixels = np.full((size[1], size[0], channels), 100, kind)
    made = pillow_heif.from_bytes(mode, size, pixels.tobytes())
    with tempfile.TemporaryFile() as file:
        made.save(file, quality=30, enc_params={"preset": "ultrafast"}, **options)
        file.seek(0)
        return file.read()


def phone_sized() -> dict[str, Maker]:
    """Six megapixels of each kind."""
    size = (2800, 2100)
    png_kinds = [(0, 1), (0, 16), (2, 8), (2, 16), (3, 8), (4, 16), (6, 16)]
    made: dict[str, Maker] = {
        f"PNG {colour}/{depth}": lambda colour=colour, depth=depth: png(*size, depth, colour)  # type: ignore[misc] # each its own
        for colour, depth in png_kinds
    }
    for mode in ("RGB", "CMYK"):
        made[f"JPEG {mode} progressive"] = lambda mode=mode: saved(  # type: ignore[misc] # each its own
            _plain(mode, size), "JPEG", progressive=True, subsampling=0
        )
    frames = [_plain(mode, size) for mode in ("RGB", "RGBA")]
    return made | {
        "PNG interlaced": lambda: png(*size, 8, 2, interlaced=True),
        "PNG animated": lambda: saved(frames[0], "PNG", save_all=True, append_images=[frames[1].convert("RGB")] * 2),
        "JPEG several": lambda: saved(frames[0], "MPO", save_all=True, append_images=frames[:1]),
        "WebP alpha": lambda: saved(frames[1], "WEBP", method=0, quality=30),
        "WebP animated": lambda: saved(frames[0], "WEBP", method=0, save_all=True, append_images=[frames[1]] * 2),
        "HEIC": lambda: _heic("RGB", size),
        "HEIC alpha": lambda: _heic("RGBA", size),
        "HEIC 4:4:4": lambda: _heic("RGB", size, chroma=444),
        "HEIC grid": lambda: _heic("RGB", size, tile_size=1024),
        "HEIC HDR": lambda: _heic("RGB;16", size, color_primaries=9, transfer_characteristics=16),
    }


def largest() -> dict[str, Maker]:
    """Pictures just within the limits."""
    return {
        "PNG 0/16": lambda: png(8000, 8000, 16, 0),
        "PNG 3/8": lambda: png(8000, 8000, 8, 3),
        "PNG 6/16": lambda: png(7700, 7700, 16, 6),
        "JPEG progressive": lambda: saved(_plain("RGB", (5900, 5900)), "JPEG", progressive=True, subsampling=0),
    }


def _in_a_fork(work: Callable[[], bytes]) -> bytes:
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(work())
        except Exception:  # noqa: BLE001 - the forked child must not go on with what is its parent's
            traceback.print_exc()
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer


def _opened(path: Path) -> bytes:
    content = path.read_bytes()
    before = _peak()
    told = open_picture(content, WORKING_SIDE).bytes_to_decode
    decode(content)
    return json.dumps({"grew": _peak() - before, "told": told}).encode()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(sizes: str) -> None:
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        decode(saved(Image.new("RGB", (40, 40)), "JPEG"))
        for name, make in {"phone": phone_sized, "largest": largest}[sizes]().items():
            content = _in_a_fork(make)
            pictures = {name: content}
            if name == "HEIC":  # which takes longest to make
                pictures["HEIC turned"] = with_property(content, TURN)
            for picture, of_it in pictures.items():
                path.write_bytes(of_it)
                measured[picture] = json.loads(_in_a_fork(lambda: _opened(path)))
    sys.stdout.write(json.dumps(measured))


if __name__ == "__main__":
    main(sys.argv[1])
