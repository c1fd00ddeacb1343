"""Pictures as files, made for tests of opening photos."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

QUICK_HEIF = {"enc_params": {"preset": "ultrafast"}}
"""Options that write an HEIF in an eighth of the time; it is somewhat larger."""
ORIENTATION, GPS = 0x0112, 0x8825
ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 2, 3, 4, 5, 7

P3_COLORANTS = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
ADOBE_COLORANTS = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))


def gradient(height: int = 240, width: int = 180) -> npt.NDArray[np.uint8]:
    """A picture that looks different from each side."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 255 // height, columns * 255 // width, (rows + columns) % 256], axis=2).astype(np.uint8)


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """Put a segment behind the start of a JPEG."""
    return jpeg[:2] + bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def exif_block(*entries: tuple[int, int, int, bytes], behind: bytes = b"") -> bytes:
    """Return an EXIF block of one directory; an entry is tag, type, count, and four bytes of value or offset."""
    body = b"II*\0" + struct.pack("<IH", 8, len(entries))
    for tag, kind, count, value in sorted(entries):
        body += struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")
    return b"Exif\0\0" + body + struct.pack("<I", 0) + behind


def profile(name: str, colorants: tuple[tuple[float, float, float], ...]) -> bytes:
    """Return sRGB's profile with other primaries, under another name."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    made[:] = made.replace("sRGB".encode("utf-16-be"), name.encode("utf-16-be"))
    for signature, colour in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True):
        offset = struct.unpack_from(">I", made, made.index(signature) + 4)[0]
        struct.pack_into(">3i", made, offset + 8, *(round(value * 65_536) for value in colour))
    return bytes(made)


_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Left, top, and the steps across and down of the seven passes of an interlaced PNG."""


def png(width: int, height: int, depth: int, colour: int, *, interlaced: bool = False) -> bytes:
    """Return a PNG of one colour, made without holding its pixels; `colour` is the type's number in the standard."""
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    deflate, packed, checksum = zlib.compressobj(1, wbits=-15), [b"\x78\x01"], 1
    for left, top, across, down in passes:
        row = b"\0" + b"\x80" * ((-(-(width - left) // across) * bits + 7) // 8)
        rows = -(-(height - top) // down)
        # Rows that are compressed by themselves are the same bytes each time: compressed once, put in as often.
        together = 64
        piece = deflate.compress(row * together) + deflate.flush(zlib.Z_FULL_FLUSH)
        rest = deflate.compress(row * (rows % together)) + deflate.flush(zlib.Z_FULL_FLUSH)
        packed += [piece] * (rows // together) + [rest]
        for _ in range(rows):
            checksum = zlib.adler32(row, checksum)
    packed += [deflate.flush(), struct.pack(">I", checksum)]
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    palette = [(b"PLTE", bytes(range(256)) * 3)] if colour == 3 else []
    chunks = [(b"IHDR", header), *palette, (b"IDAT", b"".join(packed)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def with_property(heic: bytes, box: bytes) -> bytes:
    """Give the one picture of an HEIC file, as pillow_heif writes it, another property, such as `irot` or `imir`."""
    made = bytearray(heic)
    meta, iloc, iprp, ipco, ipma = (heic.index(name) - 4 for name in (b"meta", b"iloc", b"iprp", b"ipco", b"ipma"))
    number = 1 + _boxes(heic[ipco + 8 : ipma])
    grown = {meta: len(box) + 1, iprp: len(box) + 1, ipco: len(box), ipma: 1}
    for at, more in grown.items():
        struct.pack_into(">I", made, at, struct.unpack_from(">I", heic, at)[0] + more)
    struct.pack_into(">I", made, iloc + 20, struct.unpack_from(">I", heic, iloc + 20)[0] + len(box) + 1)
    made[ipma + 18] += 1
    end = ipma + struct.unpack_from(">I", heic, ipma)[0]
    made[end:end] = bytes((0x80 | number,))
    made[ipma:ipma] = box
    return bytes(made)


def _boxes(content: bytes) -> int:
    at = count = 0
    while at < len(content):
        at += struct.unpack_from(">I", content, at)[0]
        count += 1
    return count
